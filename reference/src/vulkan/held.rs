//! Which payload an object has: its own, another for good, or another for a while (Vulkan, "Importing Semaphore Payloads").

use crate::vulkan::exports::{Exports, Payload};

/// The payloads of a semaphore or fence, with what is known of each.
#[derive(Debug)]
pub(super) struct Held<T> {
    permanent: (Payload, T),
    temporary: Option<(Payload, T)>,
    exports: Exports,
}

impl<T> Held<T> {
    /// The payload that it was created with.
    pub(super) fn created(known: T) -> Self {
        Self { permanent: (Payload::default(), known), temporary: None, exports: Exports::default() }
    }

    /// What is known of the payload that it has now.
    pub(super) fn now(&mut self) -> &mut T {
        let (_, known) = self.temporary.as_mut().unwrap_or(&mut self.permanent);
        known
    }

    /// What was exported from it, and the payload that it has now.
    pub(super) fn exported(&mut self) -> (&mut Exports, Payload) {
        let (payload, _) = self.temporary.as_ref().unwrap_or(&self.permanent);
        (&mut self.exports, *payload)
    }

    /// An import has succeeded.
    pub(super) fn import(&mut self, known: T, temporary: bool) {
        let imported = (self.exports.new_payload(), known);
        self.restore();
        if temporary {
            self.temporary = Some(imported);
        } else {
            self.exports.lost(self.permanent.0);
            self.permanent = imported;
        }
    }

    /// A temporary payload ends. Whether there was one.
    pub(super) fn restore(&mut self) -> bool {
        let gone = self.temporary.take();
        if let Some((payload, _)) = &gone {
            self.exports.lost(*payload);
        }
        gone.is_some()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "what does not work fails the test")]

    use super::*;
    use crate::handle::{HandleType, OwnedHandle};
    use crate::sys;

    const NT: HandleType = HandleType::OpaqueWin32;

    fn export(held: &mut Held<&str>) {
        let (exports, payload) = held.exported();
        let handle = OwnedHandle(sys::shm::create(64).unwrap());
        drop(exports.keep(NT, payload, handle).unwrap());
    }

    /// Whether a driver may be asked now, and whether there is a handle already.
    fn can_export(held: &mut Held<&str>) -> (bool, bool) {
        let (exports, payload) = held.exported();
        (exports.allow(NT, payload), exports.again(NT, payload).is_some())
    }

    #[test]
    fn a_temporary_payload_is_had_until_it_ends() {
        let mut held = Held::created("own");
        assert_eq!((*held.now(), held.restore()), ("own", false));

        held.import("lent", true);
        assert_eq!(*held.now(), "lent");
        held.import("lent again", true);
        assert_eq!(*held.now(), "lent again");

        assert!(held.restore());
        assert_eq!((*held.now(), held.restore()), ("own", false));
    }

    #[test]
    fn a_permanent_payload_stays() {
        let mut held = Held::created("own");
        held.import("lent", true);
        held.import("given", false);
        assert_eq!((*held.now(), held.restore()), ("given", false));
    }

    #[test]
    fn what_was_exported_is_had_again_with_the_payload() {
        let mut held = Held::created("own");
        export(&mut held);
        assert_eq!(can_export(&mut held), (true, true));

        held.import("lent", true);
        assert_eq!(can_export(&mut held), (false, false), "another payload, and the driver gave its handle");

        held.restore();
        assert_eq!(can_export(&mut held), (true, true));
    }

    #[test]
    fn a_handle_to_a_temporary_payload_is_not_one_to_the_next() {
        let mut held = Held::created("own");
        held.import("lent", true);
        assert_eq!(can_export(&mut held), (true, false));
        export(&mut held);
        assert_eq!(can_export(&mut held), (true, true));

        held.import("lent again", true);
        assert_eq!(can_export(&mut held), (false, false));
        assert_eq!(held.exports.kept(), 0, "of one that another has replaced, too");
        held.restore();
        assert_eq!(can_export(&mut held), (false, false));
    }

    #[test]
    fn of_a_payload_that_is_gone_no_handle_is_kept() {
        let mut held = Held::created("own");
        export(&mut held);
        held.import("given", false);
        assert_eq!(can_export(&mut held), (false, false));
        assert_eq!(held.exports.kept(), 0);

        let mut held = Held::created("own");
        held.import("lent", true);
        export(&mut held);
        assert_eq!(held.exports.kept(), 1);
        held.restore();
        assert_eq!(held.exports.kept(), 0);
    }
}
