//! The host backend under test.
#![expect(unsafe_code, reason = "a number that may or may not be an open handle")]

use gpushare::host::{HostDevice, HostTexture};
use gpushare::vulkan::capability::TextureCapability;
use gpushare::{Device, Format, HandleType, OwnedHandle, Refused, TextureDescriptor, TextureError, TextureSpec, Tiling};
use gpushare::{SyncKind, Synchronisation};

use crate::backend::sync::SyncDevice;
use crate::backend::{ImportHandle, SharingDevice};
use crate::protocol::DeviceReport;

impl SyncDevice for HostDevice {}

impl SharingDevice for HostDevice {
    const NAME: &'static str = "host";

    fn reports() -> Result<Vec<DeviceReport>, TextureError> {
        let capability = |format, tiling| TextureCapability {
            format,
            tiling,
            handle_type: HandleType::SharedMemory,
            result: "SUCCESS".into(),
            exportable: true,
            importable: true,
            dedicated_only: false,
            compatible: vec![HandleType::SharedMemory],
            export_from_imported: vec![HandleType::SharedMemory],
            max_extent: (TextureSpec::MAX_SIDE, TextureSpec::MAX_SIDE),
            max_layers: TextureSpec::MAX_LAYERS,
        };
        let tilings = [Tiling::Optimal, Tiling::Linear];
        let textures = Format::ALL.into_iter().flat_map(|format| tilings.map(|tiling| capability(format, tiling))).collect();
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
