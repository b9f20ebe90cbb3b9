//! The backend around the faulty device: faults in what it says, and in what it refuses.

use gpushare::channel::Limits;
use gpushare::descriptor::DescriptorFields;
use gpushare::pattern::Mismatch;
use gpushare::ring::{Offer, Role};
use gpushare::{
    Api, Batch, HandleType, Identity, Message, OwnedHandle, Pattern, StreamOffer, Subresource, TextureDescriptor, TextureSpec,
    Uuid,
};
use gpushare_harness::backend::frames::FramesBackend;
use gpushare_harness::backend::sync::SyncBackend;
use gpushare_harness::backend::{Backend, ImportHandle, ImportRefused, MessageChannel, RingSide, StreamEnd};
use gpushare_harness::protocol::{Code, DeviceReport, Id, ImportManner, Problem};

use crate::faulty_channel::FaultyChannel;
use crate::faulty_device::any_spec;
use crate::faulty_sync::{self, FaultySync};
use crate::{bad_peer, fault, faulty_ring, faulty_stream};

struct FaultyBackend {
    inner: FaultySync,
    imports: u64,
    /// Who the open device is.
    identity: Option<Identity>,
}

#[expect(clippy::unnecessary_wraps, reason = "the signature that a peer's loop wants")]
pub(crate) fn by_name(_name: &str) -> Result<Box<dyn Backend>, Problem> {
    Ok(Box::new(FaultyBackend { inner: FaultySync::new(), imports: 0, identity: None }))
}

impl FaultyBackend {
    /// The descriptor as a library with a fault goes by it.
    fn believed(&self, descriptor: &DescriptorFields, handle: &ImportHandle) -> DescriptorFields {
        let mut believed = descriptor.clone();
        if fault::is("memory_type_is_lowest") {
            believed.memory_type_index = 0;
        }
        if fault::is(fault::ANOTHER_DEVICE) {
            exchange(&mut believed.device_uuid);
        }
        if fault::is("identity_unchecked")
            && let Some(own) = &self.identity
        {
            (believed.device_uuid, believed.driver_uuid) = (own.device_uuid, own.driver_uuid);
        }
        if fault::is("size_from_handle")
            && let ImportHandle::Owned(handle) = handle
        {
            let bytes = rustix::fs::fstat(handle).map_or(0, |stat| u64::try_from(stat.st_size).unwrap_or(0));
            believed.allocation_size = bytes;
        }
        believed
    }
}

/// The host's `deviceUUID` for that of [`fault::ANOTHER_DEVICE`], and back.
fn exchange(uuid: &mut Uuid) {
    uuid.0[0] ^= 0x80;
}

/// Which refusals a fault turns into success.
fn is_accepted(problem: &Problem) -> bool {
    let not_memory = matches!(problem.code, Code::InvalidHandle | Code::ShortObject);
    let not_fitting = matches!(
        problem.code,
        Code::Descriptor | Code::WrongHandleType | Code::ForeignDevice | Code::ForeignDriver | Code::ShortObject
    );
    (fault::is("accepts_any_handle") && not_memory) || (fault::is("trusts_descriptors") && not_fitting)
}

impl Backend for FaultyBackend {
    fn name(&self) -> &'static str {
        "faulty host"
    }

    fn probe(&mut self) -> Result<Vec<DeviceReport>, Problem> {
        let mut reports = self.inner.probe()?;
        if fault::is("uuid_of_two_devices") {
            reports.extend(reports.clone());
        }
        for report in &mut reports {
            faulty_sync::distort(report);
            if fault::is(fault::ANOTHER_DEVICE) {
                exchange(&mut report.identity.device_uuid);
            }
            for can in &mut report.textures {
                if fault::is("compatible_types_empty") {
                    can.compatible.clear();
                }
                if fault::is("unsupported_type_succeeds") {
                    // As a Vulkan driver that answers SUCCESS and means no.
                    (can.asked.handle_type, can.exportable, can.importable) = (HandleType::DmaBuf, false, false);
                    report.identity.api = Api::Vulkan;
                }
            }
        }
        Ok(reports)
    }

    fn open(&mut self, device: u32) -> Result<Identity, Problem> {
        let mut identity = self.inner.open(device)?;
        if fault::is(fault::ANOTHER_DEVICE) {
            exchange(&mut identity.device_uuid);
        }
        self.identity = Some(identity.clone());
        Ok(identity)
    }

    fn reopen(&mut self, device: u32) -> Result<Identity, Problem> {
        self.inner.reopen(device)
    }

    fn create(&mut self, textures: &[Id], spec: &TextureSpec) -> Result<(), Problem> {
        self.inner.create(textures, spec)
    }

    fn fill(&mut self, texture: Id, pattern: Pattern, only: Option<Subresource>) -> Result<(), Problem> {
        bad_peer::at_fill();
        self.inner.fill(texture, pattern, only)
    }

    fn verify(&mut self, texture: Id, pattern: Pattern, only: Option<Subresource>) -> Result<Option<Box<Mismatch>>, Problem> {
        bad_peer::at_verify();
        self.inner.verify(texture, pattern, only)
    }

    fn export(&mut self, texture: Id, guarded: bool) -> Result<(TextureDescriptor, OwnedHandle), Problem> {
        let (descriptor, handle) = self.inner.export(texture, guarded)?;
        if !fault::is(fault::ANOTHER_DEVICE) {
            return Ok((descriptor, handle));
        }
        let mut fields = DescriptorFields::from(descriptor);
        exchange(&mut fields.device_uuid);
        let descriptor = TextureDescriptor::new(fields).map_err(|error| Problem::new(Code::Descriptor, error.to_string()))?;
        Ok((descriptor, handle))
    }

    fn import(
        &mut self,
        texture: Id,
        descriptor: &DescriptorFields,
        handle: ImportHandle,
        manner: ImportManner,
    ) -> Result<(), ImportRefused> {
        self.imports += 1;
        if fault::is("number_is_cast") && matches!(handle, ImportHandle::Number(-1)) {
            return self.inner.create(&[texture], &any_spec()).map_err(|problem| (None, problem));
        }
        let believed = self.believed(descriptor, &handle);
        match self.inner.import(texture, &believed, handle, manner) {
            Err((handle, problem)) if is_accepted(&problem) => {
                drop(handle);
                self.inner.create(&[texture], &any_spec()).map_err(|problem| (None, problem))
            }
            Err((_, problem)) if manner == ImportManner::Library && fault::is("library_refusal_takes_handle") => {
                Err((None, problem))
            }
            outcome => outcome,
        }
    }

    fn export_batch(&mut self, textures: &[Id]) -> Result<Batch, Problem> {
        if fault::is("batch_is_cut_short") {
            return self.inner.export_batch(&textures[..textures.len().min(Batch::MAX)]);
        }
        if fault::is("batch_is_reversed") {
            let reversed: Vec<_> = textures.iter().rev().copied().collect();
            return self.inner.export_batch(&reversed);
        }
        self.inner.export_batch(textures)
    }

    fn import_batch(&mut self, textures: &[Id], message: Message) -> Result<(), Problem> {
        if fault::is("empty_batch_is_refused") && textures.is_empty() {
            return Err(Problem::new(Code::Descriptor, "fault"));
        }
        match self.inner.import_batch(textures, message) {
            Err(_) if fault::is("accepts_any_batch") => {
                textures.iter().try_for_each(|texture| self.inner.create(&[*texture], &any_spec()))
            }
            outcome => outcome,
        }
    }

    fn free(&mut self, texture: Id) -> Result<(), Problem> {
        self.inner.free(texture)
    }

    fn reset(&mut self) {
        self.inner.reset();
    }

    fn sync(&mut self) -> Result<&mut dyn SyncBackend, Problem> {
        Ok(&mut self.inner)
    }

    fn frames(&mut self) -> Result<&mut dyn FramesBackend, Problem> {
        Ok(&mut self.inner)
    }

    fn heap_usage(&self) -> Option<u64> {
        // Only imports that were never given back.
        fault::is("heap_never_shrinks").then_some(self.imports << 22)
    }

    fn open_channel(&mut self, handle: OwnedHandle, limits: Limits) -> Result<Box<dyn MessageChannel>, Problem> {
        FaultyChannel::open(handle, limits).map(|channel| Box::new(channel) as Box<dyn MessageChannel>)
    }

    fn create_ring(&mut self, role: Role, capacity: u64) -> Result<(Box<dyn RingSide>, Offer), Problem> {
        let created = match self.inner.create_ring(role, capacity) {
            Err(problem) if faulty_ring::is_accepted(&problem) => self.inner.create_ring(role, faulty_ring::ANY_CAPACITY),
            outcome => outcome,
        };
        created.and_then(|(side, offer)| faulty_ring::created(side, offer))
    }

    fn attach_ring(&mut self, role: Role, offer: Offer) -> Result<Box<dyn RingSide>, (Offer, Problem)> {
        match self.inner.attach_ring(role, offer) {
            Ok(side) => Ok(faulty_ring::attached(side, role)),
            Err((offer, problem)) if faulty_ring::is_accepted(&problem) => {
                let created = self.inner.create_ring(role, faulty_ring::ANY_CAPACITY);
                created.map(|(side, _)| side).map_err(|problem| (offer, problem))
            }
            Err(refused) => Err(refused),
        }
    }

    fn create_fixed_ring(&mut self, role: Role, size: usize, messages: u64) -> Result<(Box<dyn RingSide>, Offer), Problem> {
        let created = match self.inner.create_fixed_ring(role, size, messages) {
            Err(problem) if faulty_ring::is_accepted(&problem) => self.inner.create_fixed_ring(role, size, 1),
            outcome => outcome,
        };
        created.and_then(|(side, offer)| faulty_ring::created(side, offer))
    }

    fn attach_fixed_ring(&mut self, role: Role, size: usize, offer: Offer) -> Result<Box<dyn RingSide>, (Offer, Problem)> {
        match self.inner.attach_fixed_ring(role, size, offer) {
            Ok(side) => Ok(faulty_ring::attached(side, role)),
            Err((offer, problem)) if faulty_ring::is_accepted(&problem) => {
                let created = self.inner.create_fixed_ring(role, size, 1);
                created.map(|(side, _)| side).map_err(|problem| (offer, problem))
            }
            Err(refused) => Err(refused),
        }
    }

    fn create_stream(&mut self, capacity: u64) -> Result<(Box<dyn StreamEnd>, StreamOffer), Problem> {
        let created = match self.inner.create_stream(capacity) {
            Err(problem) if faulty_ring::is_accepted(&problem) => self.inner.create_stream(faulty_ring::ANY_CAPACITY),
            outcome => outcome,
        };
        created.and_then(|(end, offer)| faulty_stream::created(end, offer))
    }

    fn attach_stream(&mut self, offer: StreamOffer) -> Result<Box<dyn StreamEnd>, Problem> {
        match self.inner.attach_stream(offer) {
            Err(problem) if faulty_ring::is_accepted(&problem) => {
                self.inner.create_stream(faulty_ring::ANY_CAPACITY).map(|(end, _)| end)
            }
            attached => attached.map(faulty_stream::attached),
        }
    }
}
