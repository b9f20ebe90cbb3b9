//! A peer that is gone raises no `SIGPIPE`.

use gpushare::{Channel, ChannelError, Deadline};

use crate::census::Census;

unsafe extern "C" {
    safe fn signal(number: i32, handler: usize) -> usize;
}

const SIGPIPE: i32 = 13;
/// `SIG_DFL`: the process dies of it. Rust's runtime has set `SIG_IGN`, under which nothing would be noticed.
const DEFAULT: usize = 0;

#[test]
fn sending_to_a_peer_that_is_gone_does_not_kill_the_process() {
    let _census = Census::take();
    let (mut here, there) = Channel::pair().expect("a pair");
    drop(there);
    let before = signal(SIGPIPE, DEFAULT);

    let outcome = here.send(b"anybody there?", &[], Deadline::NEVER);

    signal(SIGPIPE, before);
    assert!(matches!(outcome, Err(ChannelError::Closed)), "{outcome:?}");
}
