//! The host backend under test.
#![expect(unsafe_code, reason = "a number that may or may not be an open handle")]

use gpushare::format::Class;
use gpushare::host::{HostDevice, HostTexture};
use gpushare::vulkan::capability::{TextureCapability, TextureQuestion};
use gpushare::{Device, Dimension, HandleType, OwnedHandle, Refused, TextureDescriptor, TextureError, TextureSpec, Tiling};
use gpushare::{SyncKind, Synchronisation};

use crate::backend::questions::questions;
use crate::backend::sync::SyncDevice;
use crate::backend::{ImportHandle, SharingDevice};
use crate::protocol::DeviceReport;

impl SyncDevice for HostDevice {}

impl SharingDevice for HostDevice {
    const NAME: &'static str = "host";

    fn reports() -> Result<Vec<DeviceReport>, TextureError> {
        let capability = |asked: TextureQuestion| {
            // Neither luma and chroma nor texels in blocks are known in one dimension.
            if asked.dimension == Dimension::D1 && asked.format.class() != Class::Color
                || asked.dimension == Dimension::D3 && asked.format.class() == Class::Planar
            {
                return TextureCapability::refused(asked, "ERROR_FORMAT_NOT_SUPPORTED");
            }
            let side = TextureSpec::MAX_SIDE;
            TextureCapability {
                asked,
                result: "SUCCESS".into(),
                exportable: true,
                importable: true,
                dedicated_only: false,
                compatible: vec![HandleType::SharedMemory],
                export_from_imported: vec![HandleType::SharedMemory],
                max_extent: match asked.dimension {
                    Dimension::D1 => (side, 1, 1),
                    Dimension::D2 => (side, side, 1),
                    Dimension::D3 => (side, side, side),
                },
                max_levels: if asked.format.class() == Class::Planar { 1 } else { TextureSpec::MAX_LEVELS },
                max_layers: if asked.dimension == Dimension::D3 { 1 } else { TextureSpec::MAX_LAYERS },
                samples: if asked.tiling == Tiling::Optimal && asked.dimension == Dimension::D2 { 0x7f } else { 1 },
            }
        };
        let textures = questions(HandleType::SharedMemory, true).into_iter().map(capability).collect();
        let device = Self::new();
        Ok(vec![DeviceReport {
            identity: device.identity().clone(),
            cpu: true,
            handle_type: HandleType::SharedMemory,
            unusable: None,
            memory_budget: false,
            textures,
            semaphores: device.capabilities(SyncKind::Semaphore),
            timelines: device.capabilities(SyncKind::Timeline),
            fences: device.capabilities(SyncKind::Fence),
            max_timeline_difference: Some(u64::MAX),
            frames: true,
        }])
    }

    fn open(place: u32) -> Result<Self, TextureError> {
        if place == 0 {
            Ok(Self::new())
        } else {
            Err(TextureError::Unsupported { what: format!("device {place}: the host is one device") })
        }
    }

    fn export_unguarded(&self, texture: &mut HostTexture) -> Result<(TextureDescriptor, OwnedHandle), TextureError> {
        self.export_texture(texture)
    }

    /// The host backend has no driver behind it: it looks at the object itself in any case.
    fn import_unguarded(&self, descriptor: &TextureDescriptor, handle: ImportHandle) -> Result<HostTexture, Refused> {
        let handle = match handle {
            ImportHandle::Owned(handle) => handle,
            // SAFETY: the orchestrator asks for numbers that nobody has open; one that is open is refused by no owner here.
            ImportHandle::Number(number) => unsafe { OwnedHandle::from_number(number) }.map_err(|error| Refused {
                handle: None,
                error: TextureError::InvalidHandle { expected: HandleType::SharedMemory, detail: error.to_string() },
            })?,
        };
        self.import_texture(descriptor, handle)
    }

    /// Shared memory can always be exported again.
    fn import_exportable(&self, descriptor: &TextureDescriptor, handle: OwnedHandle) -> Result<HostTexture, Refused> {
        self.import_texture(descriptor, handle)
    }

    fn heap_usage(&self) -> Option<u64> {
        None
    }
}
