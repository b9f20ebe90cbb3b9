//! The host's queue: work is done when it is submitted, unless the gate is closed.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::handle::HandleType;
use crate::host::HostDevice;
use crate::sync::{SyncCapability, SyncError, SyncKind, Synchronisation};

/// Something that the queue does.
pub(super) type Work = Box<dyn FnOnce() -> Result<(), SyncError> + Send>;

/// `Some`: closed, with what is held back.
#[derive(Default)]
pub(super) struct Gate(Mutex<Option<Vec<Work>>>);

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Vec::len);
        f.debug_tuple("Gate").field(&held).finish()
    }
}

impl Gate {
    /// Do it now, or once the gate opens; then nobody is there any more to be told of an error.
    pub(super) fn submit(&self, work: Work) -> Result<(), SyncError> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(held) => held.push(work),
            None => return work(),
        }
        Ok(())
    }
}

impl Synchronisation for HostDevice {
    fn capabilities(&self, kind: SyncKind) -> Vec<SyncCapability> {
        let can = |handle_type, others: &[HandleType], from: &[HandleType]| SyncCapability {
            handle_type,
            exportable: true,
            importable: true,
            compatible: others.to_vec(),
            export_from_imported: from.to_vec(),
            unusable: None,
        };
        let (memory, signal) = (HandleType::SharedMemory, HandleType::SharedSignal);
        let both = [memory, signal];
        match kind {
            SyncKind::Timeline => vec![can(memory, &[memory], &[memory])],
            SyncKind::Semaphore | SyncKind::Fence => vec![can(memory, &both, &[memory]), can(signal, &both, &both)],
        }
    }

    fn close_gate(&self) -> Result<(), SyncError> {
        match &mut *self.gate.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(_) => Err(SyncError::InvalidUse { what: "the gate is closed already", rule: "Synchronisation::close_gate" }),
            open => {
                *open = Some(Vec::new());
                Ok(())
            }
        }
    }

    fn open_gate(&self) -> Result<(), SyncError> {
        let held = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        for work in held.into_iter().flatten() {
            // A signal that a peer gave in the meantime: nothing that is owed to anybody here.
            let _ = work();
        }
        Ok(())
    }
}
