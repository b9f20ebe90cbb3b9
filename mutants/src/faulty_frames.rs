//! Faults in frames: what a library would do that gets one thing wrong.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use gpushare::frames::Policy;
use gpushare::host::{HostDevice, HostTexture};
use gpushare::pattern::Mismatch;
use gpushare::timeline::Side;
use gpushare::{Deadline, Device, OwnedHandle, Pattern, SharedMemory, TextureDescriptor, TextureSpec};
use gpushare_harness::backend::frames::FramesBackend;
use gpushare_harness::protocol::frames::{Came, Slot, Why};
use gpushare_harness::protocol::{Code, Id, Problem};

use crate::fault;
use crate::faulty_sync::FaultySync;

/// How many this process has done of what the fault is about.
static COUNT: AtomicU32 = AtomicU32::new(0);

fn count() -> u32 {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

/// One descriptor and one mapping that nobody gives back.
fn leak() {
    std::mem::forget(SharedMemory::create(4096));
}

fn told(problem: Problem) -> Problem {
    let code = match problem.code {
        Code::FramesClosed if fault::is("frames_end_and_death_swapped") => Code::FramesPeerGone,
        Code::FramesPeerGone if fault::is("frames_end_and_death_swapped") => Code::FramesClosed,
        Code::FramesHostile if fault::is("frames_lies_are_an_end") => Code::FramesClosed,
        code => code,
    };
    Problem { code, ..problem }
}

/// Every texture after the first one of a kind lies in that one's memory.
pub(crate) fn in_one_memory(device: &HostDevice, made: &mut [HostTexture]) {
    static FIRST: Mutex<Option<(TextureDescriptor, OwnedHandle)>> = Mutex::new(None);
    let mut first = FIRST.lock().expect("unpoisoned");
    for texture in made {
        match &*first {
            Some((descriptor, handle)) if descriptor.fields().texture == *device.spec(texture) => {
                let handle = handle.try_clone().expect("a descriptor is left");
                *texture = device.import_texture(descriptor, handle).expect("it was exported here");
            }
            _ => *first = device.export_texture(texture).ok(),
        }
    }
}

/// The backend without faults in frames.
macro_rules! healthy {
    ($self:ident.$method:ident($($argument:expr),*)) => { FramesBackend::$method(&mut **$self, $($argument),*) };
}

impl FramesBackend for FaultySync {
    fn create_producer(&mut self, producer: Id, spec: &TextureSpec, slots: u32, policy: Policy) -> Result<(), Problem> {
        let policy = if fault::is("frames_always_paced") { Policy::Paced } else { policy };
        healthy!(self.create_producer(producer, spec, slots, policy))
    }

    fn invite(&mut self, producer: Id, socket: OwnedHandle, deadline: Deadline) -> Result<u32, Problem> {
        if fault::is("frames_connections_leak") {
            leak();
        }
        let invited = healthy!(self.invite(producer, socket, deadline));
        match invited {
            Err(_) if fault::is("frames_anybody_is_invited") => Ok(99),
            Ok(consumer) if fault::is("frames_one_consumer_only") && count() > 0 => {
                healthy!(self.dismiss(producer, consumer)).map(|()| consumer)
            }
            invited => invited,
        }
    }

    fn join(&mut self, consumer: Id, socket: OwnedHandle, deadline: Deadline) -> Result<(), Problem> {
        healthy!(self.join(consumer, socket, deadline))
    }

    fn set_side(&mut self, of: Id, by: Side) -> Result<(), Problem> {
        healthy!(self.set_side(of, if fault::is("frames_signalled_too_early") { Side::Host } else { by }))
    }

    fn acquire(&mut self, producer: Id, frame: Id, deadline: Deadline) -> Result<Slot, Problem> {
        let start = Instant::now();
        let soon = Deadline::after(Duration::ZERO);
        let deadline = if fault::is("frames_acquire_never_waits") { soon } else { deadline };
        match healthy!(self.acquire(producer, frame, deadline)) {
            Err(Problem { code: Code::FramesTimedOut, .. }) if fault::is("frames_quiet_consumers_dismissed") => {
                for consumer in 1..100 {
                    // Most of these numbers nobody has.
                    let _ = healthy!(self.dismiss(producer, consumer));
                }
                healthy!(self.acquire(producer, frame, deadline))
            }
            Ok(_) if fault::is("frames_fail_after_waiting") && start.elapsed() > Duration::from_millis(10) => {
                Err(Problem::new(Code::FramesTimedOut, "fault"))
            }
            acquired => acquired,
        }
    }

    fn draw(&mut self, frame: Id, pattern: Pattern) -> Result<(), Problem> {
        let stale = Pattern { frame: pattern.frame.wrapping_sub(1), ..pattern };
        healthy!(self.draw(frame, if fault::is("frames_are_stale") { stale } else { pattern }))
    }

    fn submit(&mut self, frame: Id) -> Result<u64, Problem> {
        if fault::is("frames_leak") && count().is_multiple_of(64) {
            leak();
        }
        match healthy!(self.submit(frame)) {
            Err(Problem { code: Code::FramesRetired, .. }) if fault::is("frames_old_slot_is_submitted") => Ok(1),
            submitted => submitted,
        }
    }

    fn submitted(&self, producer: Id) -> Result<u64, Problem> {
        FramesBackend::submitted(&**self, producer)
    }

    fn reconfigure(&mut self, producer: Id, spec: &TextureSpec, deadline: Deadline) -> Result<(), Problem> {
        if fault::is("frames_generations_leak") {
            leak();
        }
        if fault::is("frames_change_is_ignored") {
            return Ok(());
        }
        healthy!(self.reconfigure(producer, spec, deadline))
    }

    fn departures(&mut self, producer: Id) -> Result<(Vec<(u32, Why)>, u32), Problem> {
        let (mut gone, generations) = healthy!(self.departures(producer))?;
        if fault::is("frames_reason_is_lost") {
            for (_, why) in &mut gone {
                *why = if *why == Why::Left { Why::Died } else { Why::Left };
            }
        }
        Ok((gone, generations))
    }

    fn dismiss(&mut self, producer: Id, consumer: u32) -> Result<(), Problem> {
        healthy!(self.dismiss(producer, consumer))
    }

    fn next(&mut self, consumer: Id, frame: Id, deadline: Deadline) -> Result<Came, Problem> {
        let came = healthy!(self.next(consumer, frame, deadline)).map_err(told)?;
        if fault::is("frames_skips_untold") {
            return Ok(Came { skipped: 0, ..came });
        }
        if fault::is("frames_lost") && count() % 4 == 3 {
            healthy!(self.release(frame))?;
            return healthy!(self.next(consumer, frame, deadline)).map_err(told);
        }
        Ok(came)
    }

    fn look(&mut self, frame: Id, pattern: Pattern) -> Result<Option<Box<Mismatch>>, Problem> {
        healthy!(self.look(frame, pattern))
    }

    fn release(&mut self, frame: Id) -> Result<(), Problem> {
        if fault::is("frames_never_returned") {
            return Ok(());
        }
        healthy!(self.release(frame))
    }

    fn close(&mut self, of: Id) -> Result<(), Problem> {
        healthy!(self.close(of))
    }
}
