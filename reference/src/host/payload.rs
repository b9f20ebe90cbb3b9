//! The payloads of a semaphore or fence of the host, and how they replace each other.

use std::sync::{Arc, Mutex, PoisonError};

use crate::deadline::Deadline;
use crate::handle::HandleType;
use crate::host::HostDevice;
use crate::host::gate::Work;
use crate::sync::{
    Permanence, SharedWord, SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused, Synchronisation, Transference,
    check_export_types, wait_for,
};
use crate::texture::Device;
use crate::timeline::refused;
use crate::waiter::Peer;

const UNSIGNALLED: u64 = 0;
const SIGNALLED: u64 = 1;

/// What an object stands for at the moment.
#[derive(Clone, Debug)]
enum Payload {
    /// Shared by reference with whoever has a handle.
    Word(Arc<SharedWord>),
    /// A copy: signalled once, by nobody here.
    Once(Arc<SharedWord>),
    /// A copy of what was signalled already.
    Signalled,
}

/// Where a signal goes that the gate holds back; `None` once it has come.
type Pending = Arc<Mutex<Option<Arc<SharedWord>>>>;

/// The rules of valid usage that an operation would break, for a semaphore or a fence.
struct Rules {
    declared: &'static str,
    submitted: &'static str,
    again: &'static str,
    temporary: &'static str,
    in_use: &'static str,
    signalled: &'static str,
}

const fn rules(kind: SyncKind) -> Rules {
    match kind {
        SyncKind::Fence => Rules {
            declared: "VUID-VkFenceGetFdInfoKHR-handleType-01453",
            submitted: "VUID-VkFenceGetFdInfoKHR-handleType-01454",
            again: "VUID-VkFenceGetFdInfoKHR-fence-01455",
            temporary: "VUID-VkImportFenceFdInfoKHR-handleType-07306",
            in_use: "VUID-vkImportFenceFdKHR-fence-01463",
            signalled: "VUID-vkQueueSubmit-fence-00063",
        },
        SyncKind::Semaphore | SyncKind::Timeline => Rules {
            declared: "VUID-VkSemaphoreGetFdInfoKHR-handleType-01132",
            submitted: "VUID-VkSemaphoreGetFdInfoKHR-handleType-03254",
            again: "VUID-VkSemaphoreGetFdInfoKHR-semaphore-01133",
            temporary: "VUID-VkImportSemaphoreFdInfoKHR-handleType-07307",
            in_use: "VUID-vkImportSemaphoreFdKHR-semaphore-01142",
            signalled: "VUID-vkQueueSubmit-pSignalSemaphores-00067",
        },
    }
}

/// All payloads of one object.
#[derive(Debug)]
pub(super) struct Payloads {
    kind: SyncKind,
    export: Vec<HandleType>,
    permanent: Arc<SharedWord>,
    /// Whether another process may know the permanent payload.
    shared: bool,
    imported: bool,
    temporary: Option<Payload>,
    pending: Option<Pending>,
}

impl Payloads {
    pub(super) fn create(
        device: &HostDevice,
        kind: SyncKind,
        signalled: bool,
        export: &[HandleType],
    ) -> Result<Self, SyncError> {
        check_export_types(device, kind, export)?;
        let permanent = Arc::new(SharedWord::create(kind, u64::from(signalled))?);
        let export = export.to_vec();
        Ok(Self { kind, export, permanent, shared: false, imported: false, temporary: None, pending: None })
    }

    fn current(&self) -> Payload {
        self.temporary.clone().unwrap_or_else(|| Payload::Word(Arc::clone(&self.permanent)))
    }

    fn is_pending(&self) -> bool {
        let held = |pending: &Pending| pending.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        self.pending.as_ref().is_some_and(held)
    }

    pub(super) fn is_signalled(&self) -> bool {
        match self.current() {
            Payload::Word(word) | Payload::Once(word) => word.load() == SIGNALLED,
            Payload::Signalled => true,
        }
    }

    /// Signal it by way of the queue.
    pub(super) fn submit(&mut self, device: &HostDevice) -> Result<(), SyncError> {
        let (kind, rule) = (self.kind, rules(self.kind).signalled);
        let again = move || SyncError::InvalidUse { what: "it is signalled already, or its signal is pending", rule };
        let Payload::Word(word) = self.current() else { return Err(again()) };
        if self.is_pending() || word.load() == SIGNALLED {
            return Err(again());
        }
        let pending: Pending = Arc::new(Mutex::new(Some(word)));
        let target = Arc::clone(&pending);
        let work: Work = Box::new(move || {
            let Some(word) = target.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
            match word.change(|found| (found != SIGNALLED).then_some(SIGNALLED))? {
                // Two fences' signals are as good as one.
                Err(_) if kind == SyncKind::Semaphore => Err(again()),
                _ => Ok(()),
            }
        });
        self.pending = Some(pending);
        device.gate.submit(work)
    }

    /// Wait for the signal; `take` it away then.
    pub(super) fn wait(&mut self, take: bool, deadline: Deadline, peer: &Peer) -> Result<(), SyncError> {
        let current = self.current();
        match &current {
            Payload::Signalled => {}
            Payload::Once(word) => wait_for(&[word], self.kind, deadline, peer, || word.load() == SIGNALLED)?,
            Payload::Word(word) => {
                let known = !self.shared && self.temporary.is_none();
                if take && known && word.load() != SIGNALLED && !self.is_pending() {
                    let what = "no signal of it was submitted, so that the wait would never end";
                    return Err(SyncError::InvalidUse { what, rule: "VUID-vkQueueSubmit-pWaitSemaphores-03238" });
                }
                loop {
                    wait_for(&[word], self.kind, deadline, peer, || word.load() == SIGNALLED)?;
                    // Somebody else may have been faster.
                    if !take || word.change(|found| (found == SIGNALLED).then_some(UNSIGNALLED))?.is_ok() {
                        break;
                    }
                }
            }
        }
        if take {
            self.temporary = None;
        }
        Ok(())
    }

    /// Back to unsignalled, and to the permanent payload.
    pub(super) fn reset(&mut self) -> Result<(), SyncError> {
        if self.is_pending() {
            let what = "its signal is pending";
            return Err(SyncError::InvalidUse { what, rule: "VUID-vkResetFences-pFences-01123" });
        }
        self.temporary = None;
        self.permanent.change(|found| (found != UNSIGNALLED).then_some(UNSIGNALLED)).map(drop)
    }

    pub(super) fn export(
        &mut self,
        device: &HostDevice,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        let (kind, rules) = (self.kind, rules(self.kind));
        if !self.export.contains(&handle_type) {
            return Err(SyncError::NotExportable { kind, handle_type, rule: rules.declared });
        }
        let from = match &self.temporary {
            Some(Payload::Word(_)) => Some(HandleType::SharedMemory),
            Some(_) => Some(HandleType::SharedSignal),
            None => self.imported.then_some(HandleType::SharedMemory),
        };
        if from.is_some_and(|from| !device.capability(kind, handle_type).export_from_imported.contains(&from)) {
            let what = "an import of this type cannot be exported as that type";
            return Err(SyncError::InvalidUse { what, rule: rules.again });
        }
        let descriptor = SyncDescriptor::of(device.identity(), kind, handle_type)?;
        let handle = match Transference::of(handle_type) {
            Transference::Reference => {
                self.shared |= self.temporary.is_none();
                let Payload::Word(word) = self.current() else {
                    return Err(SyncError::InvalidUse { what: "a copy cannot be shared by reference", rule: rules.again });
                };
                SyncHandle::Handle(word.handle()?)
            }
            Transference::Copy => self.export_copy(rules.submitted)?,
        };
        Ok((descriptor, handle))
    }

    /// As a wait does, the export of a copy takes the signal away.
    fn export_copy(&mut self, rule: &'static str) -> Result<SyncHandle, SyncError> {
        let handle = match self.current() {
            Payload::Signalled => SyncHandle::Signalled,
            Payload::Once(word) if word.load() == SIGNALLED => SyncHandle::Signalled,
            Payload::Once(word) => SyncHandle::Handle(word.handle()?),
            Payload::Word(word) => {
                if word.change(|found| (found == SIGNALLED).then_some(UNSIGNALLED))?.is_ok() {
                    SyncHandle::Signalled
                } else {
                    let handle = self.divert_pending(rule)?;
                    self.pending = None;
                    handle
                }
            }
        };
        self.temporary = None;
        Ok(handle)
    }

    /// Let the pending signal go to a copy, from here on.
    fn divert_pending(&mut self, rule: &'static str) -> Result<SyncHandle, SyncError> {
        let what = "it is not signalled and no signal of it was submitted, so that there is nothing to copy";
        let nothing = SyncError::InvalidUse { what, rule };
        let Some(pending) = &self.pending else { return Err(nothing) };
        let mut target = pending.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(target) = target.as_mut() else { return Err(nothing) };
        // All that can fail comes first: a refused export leaves the signal where it was.
        let once = Arc::new(SharedWord::create(self.kind, UNSIGNALLED)?);
        let handle = once.handle()?;
        *target = once;
        Ok(SyncHandle::Handle(handle))
    }

    pub(super) fn import(
        &mut self,
        device: &HostDevice,
        descriptor: &SyncDescriptor,
        handle: SyncHandle,
        permanence: Permanence,
    ) -> Result<(), SyncRefused> {
        let handle_type = descriptor.fields().handle_type;
        if let Err(error) = self.check_import(device, descriptor, permanence) {
            return Err(SyncRefused { handle: Some(handle), error });
        }
        let copy = Transference::of(handle_type) == Transference::Copy;
        let payload = match handle {
            SyncHandle::Signalled if copy => Payload::Signalled,
            SyncHandle::Signalled => {
                let detail = "only a copy can be signalled without an object".into();
                let error = SyncError::InvalidHandle { expected: handle_type, detail };
                return Err(SyncRefused { handle: Some(SyncHandle::Signalled), error });
            }
            SyncHandle::Handle(handle) => {
                let word = Arc::new(SharedWord::attach(handle, self.kind).map_err(refused)?);
                if copy { Payload::Once(word) } else { Payload::Word(word) }
            }
        };
        match (permanence, payload) {
            (Permanence::Permanent, Payload::Word(word)) => {
                (self.permanent, self.shared, self.imported) = (word, true, true);
                (self.temporary, self.pending) = (None, None);
            }
            (_, payload) => self.temporary = Some(payload),
        }
        Ok(())
    }

    fn check_import(&self, device: &HostDevice, descriptor: &SyncDescriptor, permanence: Permanence) -> Result<(), SyncError> {
        let (kind, rules, handle_type) = (self.kind, rules(self.kind), descriptor.fields().handle_type);
        descriptor.check(device.identity(), kind)?;
        if !device.capability(kind, handle_type).importable {
            return Err(SyncError::WrongHandleType { kind, found: handle_type });
        }
        if Transference::of(handle_type) == Transference::Copy && permanence == Permanence::Permanent {
            let what = "a copy is imported temporarily";
            return Err(SyncError::InvalidUse { what, rule: rules.temporary });
        }
        if self.is_pending() {
            return Err(SyncError::InvalidUse { what: "its signal is pending", rule: rules.in_use });
        }
        Ok(())
    }
}
