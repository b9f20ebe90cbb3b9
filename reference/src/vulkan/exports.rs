//! Handles that a driver gave already. It is asked for an NT handle no more than once for each object and type
//! (VUID-VkMemoryGetWin32HandleInfoKHR-handleType-00663, VUID-VkSemaphoreGetWin32HandleInfoKHR-handleType-01127,
//! VUID-VkFenceGetWin32HandleInfoKHR-handleType-01449): whoever exports again gets a duplicate of the first. Handles of other
//! types are new each time, and nothing is kept of them.

use std::io;

use crate::handle::{HandleType, OwnedHandle};

/// Which payload of an object: the one that it was created with, or one that an import has put in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Payload(u32);

/// What was exported from one object.
#[derive(Debug, Default)]
pub(super) struct Exports {
    given: Vec<Given>,
    /// Payloads that were imported so far.
    imports: u32,
}

/// The one handle of its type that the driver gave.
#[derive(Debug)]
struct Given {
    handle_type: HandleType,
    payload: Payload,
    /// `None` once the object has lost that payload.
    kept: Option<OwnedHandle>,
}

impl Exports {
    /// A payload that is about to be imported.
    pub(super) fn new_payload(&mut self) -> Payload {
        self.imports += 1;
        Payload(self.imports)
    }

    /// Whether this payload can be exported so: not where the driver gave the one handle of that type for another payload.
    pub(super) fn allow(&self, handle_type: HandleType, payload: Payload) -> bool {
        self.given.iter().all(|given| given.handle_type != handle_type || given.payload == payload)
    }

    /// Another handle to what was exported before; `None` where the driver is to be asked.
    pub(super) fn again(&self, handle_type: HandleType, payload: Payload) -> Option<io::Result<OwnedHandle>> {
        let given = self.given.iter().find(|given| given.handle_type == handle_type && given.payload == payload)?;
        given.kept.as_ref().map(OwnedHandle::try_clone)
    }

    /// Pass on what the driver has just given, and keep what further exports need. Where it cannot be duplicated the handle is
    /// kept, not lost: the next export asks for a duplicate.
    pub(super) fn keep(&mut self, handle_type: HandleType, payload: Payload, handle: OwnedHandle) -> io::Result<OwnedHandle> {
        if !handle_type.is_nt_handle() {
            return Ok(handle);
        }
        let (passed_on, kept) = match handle.try_clone() {
            Ok(duplicate) => (Ok(handle), duplicate),
            Err(error) => (Err(error), handle),
        };
        self.given.push(Given { handle_type, payload, kept: Some(kept) });
        passed_on
    }

    /// The object has lost this payload: what was kept of it would keep it alive.
    pub(super) fn lost(&mut self, payload: Payload) {
        for given in self.given.iter_mut().filter(|given| given.payload == payload) {
            given.kept = None;
        }
    }
}

#[cfg(test)]
impl Exports {
    /// How many handles are kept.
    pub(super) fn kept(&self) -> usize {
        self.given.iter().filter(|given| given.kept.is_some()).count()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

    use super::*;
    use crate::sys;

    const NT: HandleType = HandleType::OpaqueWin32;

    /// What a driver would give: a new handle, to an object that begins with this byte.
    fn driver_gives(byte: u8) -> OwnedHandle {
        let object = sys::shm::create(64).unwrap();
        sys::shm::fill(&object, &[byte]).unwrap();
        OwnedHandle(object)
    }

    fn first_byte(handle: &OwnedHandle) -> u8 {
        let mut byte = [0];
        sys::shm::Mapping::new(&handle.0, 64, false).unwrap().read(0, &mut byte);
        byte[0]
    }

    #[test]
    fn an_nt_handle_is_asked_for_once_and_duplicated_from_then_on() {
        let mut exports = Exports::default();
        let payload = Payload::default();
        assert!(exports.again(NT, payload).is_none(), "the driver is to be asked");
        let from_driver = driver_gives(7);
        let number = sys::handle::number(&from_driver.0);

        let first = exports.keep(NT, payload, from_driver).unwrap();
        assert_eq!(sys::handle::number(&first.0), number, "the first export is the driver's own handle");
        drop(first);

        let again = exports.again(NT, payload).unwrap().unwrap();
        assert_eq!(first_byte(&again), 7);
        drop(again);
        let third = exports.again(NT, payload).unwrap().unwrap();
        assert_eq!(first_byte(&third), 7, "what is given away can be closed");
    }

    #[test]
    fn each_type_of_nt_handle_is_asked_for() {
        let mut exports = Exports::default();
        let payload = Payload::default();
        exports.keep(NT, payload, driver_gives(7)).unwrap();

        assert!(exports.again(HandleType::D3d12Fence, payload).is_none());
        exports.keep(HandleType::D3d12Fence, payload, driver_gives(8)).unwrap();
        let again = |handle_type| first_byte(&exports.again(handle_type, payload).unwrap().unwrap());
        assert_eq!((again(NT), again(HandleType::D3d12Fence)), (7, 8));
    }

    #[test]
    fn what_is_no_nt_handle_is_new_each_time() {
        let mut exports = Exports::default();
        let payload = Payload::default();
        for handle_type in [HandleType::OpaqueFd, HandleType::SyncFd, HandleType::DmaBuf] {
            exports.keep(handle_type, payload, driver_gives(7)).unwrap();
            assert!(exports.again(handle_type, payload).is_none());
            let imported = exports.new_payload();
            assert!(exports.allow(handle_type, imported));
        }
        assert!(exports.given.is_empty());
    }

    #[test]
    fn a_payload_that_took_anothers_place_gets_no_handle_to_that_and_no_second_call() {
        let mut exports = Exports::default();
        let created = Payload::default();
        assert!(exports.allow(NT, created));
        exports.keep(NT, created, driver_gives(7)).unwrap();

        let imported = exports.new_payload();

        assert!(exports.again(NT, imported).is_none());
        assert!(!exports.allow(NT, imported));
        assert!(exports.allow(HandleType::D3d12Fence, imported));
        assert!(exports.allow(NT, created), "a temporary payload goes, and the object has its own again");
        assert_eq!(first_byte(&exports.again(NT, created).unwrap().unwrap()), 7);
    }

    #[test]
    fn of_a_lost_payload_nothing_is_kept_and_its_handle_still_counts() {
        let mut exports = Exports::default();
        let created = Payload::default();
        exports.keep(NT, created, driver_gives(7)).unwrap();

        let imported = exports.new_payload();
        exports.lost(created);

        assert_eq!(exports.kept(), 0);
        assert!(!exports.allow(NT, imported));
    }
}
