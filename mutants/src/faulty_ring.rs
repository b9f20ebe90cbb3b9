//! One side of a ring, broken on purpose in one way.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use gpushare::ring::{Offer, Role};
use gpushare::{Deadline, OwnedHandle, Patience, Wait};
use gpushare_harness::backend::RingSide;
use gpushare_harness::protocol::ring::{ReceiveManner, SendManner};
use gpushare_harness::protocol::{Code, Problem};

use crate::fault;

/// A ring of any kind, to stand for one that was not attached to.
pub(crate) const ANY_CAPACITY: u64 = 4096;

pub(crate) struct FaultyRing {
    inner: Option<Box<dyn RingSide>>,
    /// This side's own object, or the other's, where a fault looks at it again.
    header: Option<File>,
    used: bool,
    corrupt: bool,
}

impl Drop for FaultyRing {
    fn drop(&mut self) {
        if fault::is("ring_never_closed") {
            std::mem::forget(self.inner.take());
        }
    }
}

/// Which refusals a fault turns into success.
pub(crate) fn is_accepted(problem: &Problem) -> bool {
    fault::is("ring_accepts_anything") && problem.code != Code::Request
        || fault::is("ring_any_capacity") && problem.code == Code::RingCapacity
}

pub(crate) fn created(inner: Box<dyn RingSide>, offer: Offer) -> Result<(Box<dyn RingSide>, Offer), Problem> {
    let (terms, handles) = offer.into_parts();
    let copy = || handles[0].try_clone().map_err(|error| Problem::new(Code::System, error.to_string()));
    if fault::is("ring_handles_leak") {
        std::mem::forget(copy()?);
    }
    let header = if fault::is("ring_header_read_again") { Some(File::from(std::os::fd::OwnedFd::from(copy()?))) } else { None };
    Ok((Box::new(FaultyRing::over(inner, header)), Offer::from_parts(terms, handles)))
}

pub(crate) fn attached(mut inner: Box<dyn RingSide>, role: Role) -> Box<dyn RingSide> {
    if fault::is("ring_attaching_empties") && role == Role::Consumer {
        inner.receive(u32::MAX, ReceiveManner::Batch, None);
    }
    Box::new(FaultyRing::over(inner, None))
}

/// An error told as another one.
pub(crate) fn told(problem: Problem) -> Problem {
    let code = match problem.code {
        Code::RingPeerGone if fault::is("gone_is_closed") => Code::RingClosed,
        Code::RingClosed if fault::is("closed_is_gone") => Code::RingPeerGone,
        Code::RingTimedOut if fault::is("timeout_is_closed") => Code::RingClosed,
        Code::RingTimedOut if fault::is("timeout_is_gone") => Code::RingPeerGone,
        Code::RingCorrupt if fault::is("corrupt_is_timeout") => Code::RingTimedOut,
        Code::RingGivenUp if fault::is("given_up_is_closed") => Code::RingClosed,
        _ if fault::is("errors_are_unnamed") => Code::System,
        other => other,
    };
    Problem { code, ..problem }
}

/// Once one ring was corrupt, all are.
static INFECTED: AtomicBool = AtomicBool::new(false);

impl FaultyRing {
    fn over(inner: Box<dyn RingSide>, header: Option<File>) -> Self {
        Self { inner: Some(inner), header, used: false, corrupt: false }
    }

    fn inner(&mut self) -> &mut dyn RingSide {
        self.inner.as_mut().expect("it is taken out only when dropped").as_mut()
    }

    /// The layout is looked at again, long after attaching.
    fn header_is_changed(&self) -> bool {
        let mut magic = [0; 8];
        self.header.as_ref().is_some_and(|header| header.read_exact_at(&mut magic, 0).is_err() || magic != *b"gpuring\n")
    }

    fn stopped(&mut self, stopped: Option<Problem>) -> Option<Problem> {
        let problem = stopped?;
        if problem.code == Code::RingCorrupt {
            INFECTED.store(true, Ordering::Relaxed);
            let again = std::mem::replace(&mut self.corrupt, true);
            if again && fault::is("corrupt_is_told_once") {
                return Some(Problem { code: Code::RingTimedOut, ..problem });
            }
        }
        (!fault::is("ring_errors_swallowed")).then(|| told(problem))
    }

    fn unusable(&self) -> Option<Problem> {
        let infected = fault::is("corruption_spreads") && INFECTED.load(Ordering::Relaxed);
        (infected || self.header_is_changed())
            .then(|| Problem::new(Code::RingCorrupt, "another ring was corrupt, or the header"))
    }

    /// What a library does that takes an interruption for a timeout.
    fn ends_with_a_signal(&mut self, len: usize, deadline: Option<Deadline>) -> Option<Problem> {
        let deadline = deadline.filter(|_| fault::is("signals_end_everything"))?;
        match self.inner().wait(len, deadline) {
            Ok(Wait::Interrupted) => Some(Problem::new(Code::RingTimedOut, "interrupted")),
            _ => None,
        }
    }
}

/// The messages as a broken producer sends them.
fn changed(messages: &[Vec<u8>], manner: SendManner, max: usize, first: bool) -> Vec<Vec<u8>> {
    let mut messages = messages.to_vec();
    match manner {
        SendManner::InPlace { spare, .. } if fault::is("ring_commits_all_reserved") => {
            messages.iter_mut().for_each(|message| message.resize(message.len() + spare, 0));
        }
        _ => {}
    }
    if fault::is("ring_too_large_cut") {
        messages.iter_mut().for_each(|message| message.truncate(max));
    }
    if fault::is("ring_first_message_lost") && first && !messages.is_empty() {
        messages.remove(0);
    }
    if fault::is("ring_first_message_doubled") && first && !messages.is_empty() {
        messages.insert(0, messages[0].clone());
    }
    if fault::is("ring_last_byte_changed") {
        messages.iter_mut().filter_map(|message| message.last_mut()).for_each(|byte| *byte ^= 1);
    }
    if fault::is("ring_messages_reversed") {
        messages.reverse();
    }
    if fault::is("ring_empty_messages_lost") {
        messages.retain(|message| !message.is_empty());
    }
    if fault::is("ring_wrapping_loses_tail") {
        // What lies behind the end of the memory is never written.
        messages.iter_mut().filter(|message| message.len() >= 49).for_each(|message| message[48] ^= 1);
    }
    messages
}

impl RingSide for FaultyRing {
    fn send(&mut self, messages: &[Vec<u8>], manner: SendManner, deadline: Option<Deadline>) -> (u32, Option<Problem>) {
        if let Some(problem) = self.unusable() {
            return (0, Some(problem));
        }
        let first = !std::mem::replace(&mut self.used, true);
        let max = self.inner().max_message().unwrap_or(0);
        let sent = changed(messages, manner, max, first);
        let all = u32::try_from(messages.len()).expect("few");
        let deadline = deadline.map(|deadline| if fault::is("ring_gives_up_at_once") { now() } else { deadline });
        if let Some(last) = sent.last()
            && fault::is("signals_end_everything")
            && deadline.is_some()
        {
            let (count, _) = self.inner().send(&sent, manner, None);
            if count == all {
                return (count, None);
            }
            if let Some(problem) = self.ends_with_a_signal(last.len(), deadline) {
                return (count, Some(problem));
            }
        }
        let (manner, wait) = match manner {
            SendManner::Batch { hold } if fault::is("ring_seen_early") => (SendManner::Batch { hold: 0 }, hold),
            SendManner::InPlace { spare, hold } if fault::is("ring_seen_early") => {
                (SendManner::InPlace { spare, hold: 0 }, hold)
            }
            SendManner::Abandoned if fault::is("ring_abandoned_is_sent") => (SendManner::Single, 0),
            SendManner::InPlace { hold, .. } if fault::is("ring_commits_all_reserved") => {
                (SendManner::InPlace { spare: 0, hold }, 0)
            }
            other => (other, 0),
        };
        let (count, stopped) = self.inner().send(&sent, manner, deadline);
        std::thread::sleep(std::time::Duration::from_millis(wait));
        let done = count as usize == sent.len();
        let stopped_by = stopped.is_some();
        match (self.stopped(stopped), done) {
            (None, true) => (all, None),
            (None, false) if fault::is("ring_full_is_ignored") || stopped_by => (all, None),
            (stopped, _) if fault::is("ring_count_is_wrong") && stopped.is_some() => (count + 1, stopped),
            (stopped, _) => (count, stopped),
        }
    }

    fn receive(&mut self, most: u32, manner: ReceiveManner, deadline: Option<Deadline>) -> (Vec<Vec<u8>>, Option<Problem>) {
        if let Some(problem) = self.unusable() {
            return (Vec::new(), Some(problem));
        }
        if let Some(problem) = self.ends_with_a_signal(0, deadline) {
            return (Vec::new(), Some(problem));
        }
        let deadline = deadline.map(|deadline| if fault::is("ring_gives_up_at_once") { now() } else { deadline });
        let (manner, cut) = match manner {
            ReceiveManner::Into { room } if fault::is("ring_small_buffer_cuts") => (ReceiveManner::Single, room),
            ReceiveManner::Peek if fault::is("ring_peek_takes") => (ReceiveManner::Single, usize::MAX),
            other => (other, usize::MAX),
        };
        if let ReceiveManner::InPlace { hold } = manner
            && fault::is("ring_peek_takes")
        {
            // Given back before it is read.
            let mut taken = self.inner().receive(most, ReceiveManner::Single, deadline);
            std::thread::sleep(std::time::Duration::from_millis(hold));
            taken.1 = self.stopped(taken.1);
            return taken;
        }
        let (mut messages, stopped) = self.inner().receive(most, manner, deadline);
        messages.iter_mut().for_each(|message| message.truncate(cut));
        if fault::is("ring_end_drops_messages")
            && let (_, Some(end)) = self.inner().receive(1, ReceiveManner::Peek, None)
        {
            return (Vec::new(), Some(end));
        }
        if fault::is("ring_received_twice") && !messages.is_empty() {
            messages.push(messages[0].clone());
        }
        if fault::is("ring_empty_is_a_message") && messages.is_empty() && stopped.is_none() && deadline.is_none() {
            messages.push(Vec::new());
        }
        let stopped = self.stopped(stopped);
        (messages, stopped)
    }

    fn wait(&mut self, len: usize, deadline: Deadline) -> Result<Wait, Problem> {
        if fault::is("wait_is_always_woken") {
            return Ok(Wait::Woken);
        }
        if fault::is("wait_is_always_timed_out") {
            return Ok(Wait::TimedOut);
        }
        Ok(match self.inner().wait(len, deadline).map_err(told)? {
            Wait::Interrupted if fault::is("interruption_is_timeout") => Wait::TimedOut,
            Wait::PeerGone if fault::is("death_is_timeout") => Wait::TimedOut,
            Wait::TimedOut if fault::is("timeout_is_death") => Wait::PeerGone,
            other => other,
        })
    }

    fn watch(&mut self, process: OwnedHandle) -> Result<(), Problem> {
        if fault::is("watch_is_ignored") || fault::is("watch_takes_anything") {
            return Ok(());
        }
        self.inner().watch(process)
    }

    fn set_patience(&mut self, patience: Patience) {
        self.inner().set_patience(patience);
    }

    fn max_message(&self) -> Option<usize> {
        let max = self.inner.as_ref().and_then(|inner| inner.max_message());
        if fault::is("ring_longest_is_short") { max.map(|max| max / 2) } else { max }
    }

    fn wakes(&self) -> u64 {
        if fault::is("wakes_always") { 1000 } else { self.inner.as_ref().map_or(0, |inner| inner.wakes()) }
    }
}

fn now() -> Deadline {
    Deadline::after(std::time::Duration::ZERO)
}
