//! Faults in semaphores, timelines and fences: what a driver would do that gets one thing wrong.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use gpushare::sync::{SyncFields, Transference};
use gpushare::{Deadline, HandleType, OwnedHandle, Peer, Permanence, Side, SyncDescriptor, SyncHandle, SyncKind, Which};
use gpushare_harness::backend::sync::SyncBackend;
use gpushare_harness::backend::{DeviceBackend, ImportHandle, ImportRefused};
use gpushare_harness::protocol::timeline::Point;
use gpushare_harness::protocol::{Code, DeviceReport, Id, ImportManner, Problem};
use rustix::io::FdFlags;

use crate::fault;
use crate::faulty_device::FaultyDevice;

/// What a fault needs to remember.
#[derive(Default)]
struct Memory {
    exports: u32,
    imports: u32,
    refused: bool,
    failed_export: bool,
    first_number: Option<i32>,
    looks: u64,
    /// Numbers to be closed when something is freed.
    close_again: Vec<i32>,
}

/// A backend whose synchronisation has the fault of this process; all else is reached through it.
pub(crate) struct FaultySync {
    inner: DeviceBackend<FaultyDevice>,
    memory: Memory,
}

impl FaultySync {
    pub(crate) fn new() -> Self {
        Self { inner: DeviceBackend::new(), memory: Memory::default() }
    }
}

impl std::ops::Deref for FaultySync {
    type Target = DeviceBackend<FaultyDevice>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl std::ops::DerefMut for FaultySync {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.inner
    }
}

type Exported = Result<(SyncDescriptor, SyncHandle), Problem>;

/// What the device says of itself.
pub(crate) fn distort(report: &mut DeviceReport) {
    let all = report.semaphores.iter_mut().chain(&mut report.timelines).chain(&mut report.fences);
    for can in all {
        if fault::is("sync_compatible_types_empty") {
            can.compatible.clear();
        }
        if fault::is("sync_answers_of_process") {
            can.unusable = Some(std::process::id().to_string());
        }
    }
    if fault::is("difference_small") {
        report.max_timeline_difference = Some(1000);
    }
}

fn invalid() -> Problem {
    Problem::new(Code::InvalidHandle, "fault")
}

/// Refusals of valid usage that a library without checks would not give.
fn unchecked(outcome: Result<(), Problem>) -> Result<(), Problem> {
    match outcome {
        Err(problem)
            if fault::is("sync_checks_nothing")
                && matches!(problem.code, Code::InvalidUse | Code::NotIncreasing | Code::Unsupported) =>
        {
            Ok(())
        }
        outcome => outcome,
    }
}

/// How a wait is wrong, before it begins.
fn distort_wait(deadline: Deadline) -> Option<(Deadline, bool)> {
    if fault::is("wait_returns_early") {
        return None;
    }
    Some((if fault::is("wait_ignores_deadline") { Deadline::NEVER } else { deadline }, fault::is("death_unnoticed")))
}

fn waited(outcome: Result<(), Problem>) -> Result<(), Problem> {
    match outcome {
        Err(problem) if problem.code == Code::Timeout && fault::is("timeout_is_success") => Ok(()),
        Err(problem) if problem.code == Code::Timeout && fault::is("timeout_is_lost_device") => {
            Err(Problem::new(Code::DeviceLost, problem.message))
        }
        outcome => outcome,
    }
}

impl FaultySync {
    fn wait(
        &mut self,
        deadline: Deadline,
        peer: &Peer,
        wait: impl FnOnce(&mut dyn SyncBackend, Deadline, &Peer) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let Some((deadline, unwatched)) = distort_wait(deadline) else { return Ok(()) };
        if fault::is("death_before_signal") && peer.is_watched() {
            return Err(Problem::new(Code::PeerGone, "fault"));
        }
        waited(wait(&mut self.inner, deadline, if unwatched { &Peer::UNWATCHED } else { peer }))
    }

    fn exported(&mut self, kind: SyncKind, outcome: Exported) -> Exported {
        self.memory.exports += 1;
        if (fault::is("sync_export_limit") && self.memory.exports > 500)
            || (fault::is("sync_broken_after_failed_export") && self.memory.failed_export)
        {
            return Err(Problem::new(Code::Driver, "fault"));
        }
        let (descriptor, handle) = outcome.inspect_err(|_| self.memory.failed_export = true)?;
        let SyncHandle::Handle(handle) = handle else { return Ok((descriptor, handle)) };
        if fault::is("sync_export_inheritable") {
            let cleared = rustix::io::fcntl_setfd(&handle, FdFlags::empty());
            cleared.map_err(|error| Problem::new(Code::System, error.to_string()))?;
        }
        if fault::is("sync_export_leaks") {
            std::mem::forget(handle.try_clone());
        }
        if fault::is("sync_second_export_is_another") && self.memory.exports > 1 {
            // An object of the same kind, which nobody else has.
            return self.another(kind, &descriptor);
        }
        Ok((descriptor, SyncHandle::Handle(self.same_number(handle))))
    }

    fn another(&mut self, kind: SyncKind, descriptor: &SyncDescriptor) -> Exported {
        let (id, handle_type) = (u32::MAX - self.memory.exports, descriptor.fields().handle_type);
        match kind {
            SyncKind::Semaphore => {
                self.inner.create_semaphore(id, &[HandleType::SharedMemory])?;
                let (_, handle) = self.inner.export_semaphore(id, HandleType::SharedMemory, true)?;
                Ok((descriptor.clone(), handle))
            }
            SyncKind::Timeline => {
                self.inner.create_timeline(id, 0, &[handle_type])?;
                self.inner.export_timeline(id, handle_type, true)
            }
            SyncKind::Fence => {
                self.inner.create_fence(id, false, &[HandleType::SharedMemory])?;
                let (_, handle) = self.inner.export_fence(id, HandleType::SharedMemory, true)?;
                Ok((descriptor.clone(), handle))
            }
        }
    }

    /// A driver that returns the number of its first export again.
    #[expect(unsafe_code, reason = "two owners of one number are the fault")]
    fn same_number(&mut self, handle: OwnedHandle) -> OwnedHandle {
        if !fault::is("sync_export_returns_same_number") {
            return handle;
        }
        match self.memory.first_number {
            None => {
                self.memory.first_number = Some(handle.as_fd().as_raw_fd());
                handle
            }
            // SAFETY: none; this is the fault.
            Some(number) => unsafe { OwnedHandle::from_number(i64::from(number)) }.unwrap_or(handle),
        }
    }

    /// What goes wrong before an import: what is imported instead, or the answer.
    fn incoming(&mut self, handle: ImportHandle, manner: ImportManner) -> Result<Option<ImportHandle>, ImportRefused> {
        self.memory.imports += 1;
        let limit = fault::is("sync_import_limit") && self.memory.imports > 1000;
        if limit || (fault::is("sync_broken_after_refusal") && self.memory.refused && manner == ImportManner::Library) {
            return Err((owned(handle), invalid()));
        }
        if fault::is("sync_import_is_own") {
            return Ok(None);
        }
        match handle {
            ImportHandle::Owned(handle) => {
                if fault::is("sync_import_leaks") {
                    std::mem::forget(handle.try_clone());
                }
                if fault::is("sync_import_closes_twice")
                    && let Ok(kept) = handle.try_clone()
                {
                    // Duplicated first: the number has to be free for somebody else when it is closed.
                    self.memory.close_again.push(handle.as_fd().as_raw_fd());
                    return Ok(Some(ImportHandle::Owned(kept)));
                }
                if fault::is("sync_imported_once_only") && is_marked(&handle) {
                    return Err((Some(handle), invalid()));
                }
                Ok(Some(ImportHandle::Owned(handle)))
            }
            number => Ok(Some(number)),
        }
    }

    /// What goes wrong with a refusal.
    fn refusal(&mut self, refused: ImportRefused, manner: ImportManner) -> Result<(), ImportRefused> {
        let (handle, problem) = refused;
        self.memory.refused = true;
        let invalid = matches!(problem.code, Code::InvalidHandle | Code::System);
        let unfit = matches!(problem.code, Code::Descriptor | Code::WrongHandleType | Code::ForeignDevice | Code::Unsupported);
        if (fault::is("sync_accepts_any_handle") && invalid)
            || (fault::is("sync_trusts_descriptors") && unfit)
            || (fault::is("sync_checks_nothing") && problem.code == Code::InvalidUse)
        {
            return Ok(());
        }
        if fault::is("sync_refusal_leaks") {
            std::mem::forget(handle.as_ref().map(OwnedHandle::try_clone));
        }
        let taken = (fault::is("sync_refusal_takes_handle") && manner == ImportManner::Driver)
            || (fault::is("sync_library_refusal_takes_handle") && manner == ImportManner::Library);
        Err((if taken { None } else { handle }, problem))
    }

    #[expect(unsafe_code, reason = "closing a number that is not ours is the fault")]
    fn freed(&mut self) {
        for number in self.memory.close_again.drain(..) {
            // SAFETY: none; this is the fault: the number belongs to somebody else by now.
            drop(unsafe { OwnedFd::from_raw_fd(number) });
        }
    }

    fn types(export: &[HandleType], kind: SyncKind) -> Vec<HandleType> {
        if !fault::is("sync_export_undeclared") {
            return export.to_vec();
        }
        match kind {
            SyncKind::Timeline => vec![HandleType::SharedMemory],
            _ => vec![HandleType::SharedMemory, HandleType::SharedSignal],
        }
    }
}

fn owned(handle: ImportHandle) -> Option<OwnedHandle> {
    match handle {
        ImportHandle::Owned(handle) => Some(handle),
        ImportHandle::Number(_) => None,
    }
}

/// Sealed memory keeps its mode changeable: a mark that every process sees.
fn is_marked(handle: &OwnedHandle) -> bool {
    use rustix::fs::Mode;
    let mode = rustix::fs::fstat(handle).map_or(0, |stat| stat.st_mode & 0o7777);
    let marked = mode & Mode::XOTH.bits() != 0;
    let _ = rustix::fs::fchmod(handle, Mode::from_bits_truncate(mode) | Mode::XOTH);
    marked
}

fn lost() -> bool {
    fault::is("signal_lost")
}

fn distort_permanence(permanence: Permanence, descriptor: &SyncFields) -> Permanence {
    let reference = Transference::of(descriptor.handle_type) == Transference::Reference;
    match permanence {
        Permanence::Temporary if reference && fault::is("temporary_is_permanent") => Permanence::Permanent,
        Permanence::Permanent if fault::is("permanent_is_temporary") => Permanence::Temporary,
        other => other,
    }
}

fn is_copy(handle_type: HandleType) -> bool {
    Transference::of(handle_type) == Transference::Copy
}

impl SyncBackend for FaultySync {
    fn gate(&mut self, open: bool) -> Result<(), Problem> {
        // A queue that is never held back has nothing pending.
        if fault::is("gate_stays_open") { Ok(()) } else { self.inner.gate(open) }
    }

    fn create_semaphore(&mut self, semaphore: Id, export: &[HandleType]) -> Result<(), Problem> {
        unchecked(self.inner.create_semaphore(semaphore, &Self::types(export, SyncKind::Semaphore)))
    }

    fn signal_semaphore(&mut self, semaphore: Id) -> Result<(), Problem> {
        if lost() { Ok(()) } else { unchecked(self.inner.signal_semaphore(semaphore)) }
    }

    fn wait_semaphore(&mut self, semaphore: Id, deadline: Deadline, peer: &Peer) -> Result<(), Problem> {
        let outcome = self.wait(deadline, peer, |inner, deadline, peer| inner.wait_semaphore(semaphore, deadline, peer));
        unchecked(outcome)
    }

    fn export_semaphore(&mut self, semaphore: Id, handle_type: HandleType, guarded: bool) -> Exported {
        if fault::is("export_resets_payload") {
            let now = Deadline::after(std::time::Duration::ZERO);
            let _ = self.inner.wait_semaphore(semaphore, now, &Peer::UNWATCHED);
        }
        let outcome = self.inner.export_semaphore(semaphore, handle_type, guarded);
        if is_copy(handle_type) && fault::is("copy_leaves_signal") && outcome.is_ok() {
            let _ = self.inner.signal_semaphore(semaphore);
        }
        match outcome {
            Err(problem) if problem.code == Code::InvalidUse && fault::is("sync_checks_nothing") => {
                self.another(SyncKind::Semaphore, &descriptor_of(SyncKind::Semaphore, handle_type)?)
            }
            outcome => self.exported(SyncKind::Semaphore, outcome),
        }
    }

    fn import_semaphore(
        &mut self,
        semaphore: Id,
        descriptor: &SyncFields,
        handle: ImportHandle,
        permanence: Permanence,
        manner: ImportManner,
    ) -> Result<(), ImportRefused> {
        if fault::is("minus_one_never_signals") && matches!(handle, ImportHandle::Number(-1)) {
            return Ok(());
        }
        let permanence = distort_permanence(permanence, descriptor);
        let Some(handle) = self.incoming(handle, manner)? else { return Ok(()) };
        let outcome = self.inner.import_semaphore(semaphore, descriptor, handle, permanence, manner);
        outcome.or_else(|refused| self.refusal(refused, manner))
    }

    fn free_semaphore(&mut self, semaphore: Id) -> Result<(), Problem> {
        self.freed();
        self.inner.free_semaphore(semaphore)
    }

    fn create_timeline(&mut self, timeline: Id, initial: u64, export: &[HandleType]) -> Result<(), Problem> {
        let initial = if fault::is("initial_value_dropped") { 0 } else { initial };
        let created = self.inner.create_timeline(timeline, initial, &Self::types(export, SyncKind::Timeline));
        match created {
            Err(_) if fault::is("timeline_assumed") => self.inner.create_timeline(timeline, initial, &[]),
            created => unchecked(created),
        }
    }

    fn value(&mut self, timeline: Id) -> Result<u64, Problem> {
        let value = self.inner.value(timeline)?;
        self.memory.looks += 1;
        let back = fault::is("timeline_goes_back") && self.memory.looks.is_multiple_of(2);
        Ok(if back { value.saturating_sub(1) } else { value })
    }

    fn signal_timeline(&mut self, timeline: Id, value: u64, by: Side) -> Result<(), Problem> {
        if lost() || (fault::is("device_signal_lost") && by == Side::Device) {
            return Ok(());
        }
        unchecked(self.inner.signal_timeline(timeline, value, by))
    }

    fn wait_timelines(&mut self, points: &[Point], which: Which, deadline: Deadline, peer: &Peer) -> Result<(), Problem> {
        let early = fault::is("wakes_at_value_before");
        let points: Vec<_> = points
            .iter()
            .map(|point| Point { value: if early { point.value.saturating_sub(1) } else { point.value }, ..*point })
            .collect();
        let which = match which {
            Which::All if fault::is("all_is_any") => Which::Any,
            Which::Any if fault::is("any_is_all") => Which::All,
            Which::Any if fault::is("any_is_first") => {
                return self.wait(deadline, peer, |inner, deadline, peer| {
                    inner.wait_timelines(&points[..1], Which::All, deadline, peer)
                });
            }
            which => which,
        };
        // 32 bits of a value are not enough.
        let points: Vec<_> = match fault::is("value_has_32_bits") {
            true => points
                .iter()
                .map(|point| Point { value: point.value | u64::from(point.value >> 32 != 0) << 63, ..*point })
                .collect(),
            false => points,
        };
        self.wait(deadline, peer, |inner, deadline, peer| inner.wait_timelines(&points, which, deadline, peer))
    }

    fn wait_on_device(&mut self, point: Point, deadline: Deadline, peer: &Peer) -> Result<(), Problem> {
        self.wait(deadline, peer, |inner, deadline, peer| inner.wait_on_device(point, deadline, peer))
    }

    fn export_timeline(&mut self, timeline: Id, handle_type: HandleType, guarded: bool) -> Exported {
        let outcome = self.inner.export_timeline(timeline, handle_type, guarded);
        self.exported(SyncKind::Timeline, outcome)
    }

    fn import_timeline(
        &mut self,
        timeline: Id,
        descriptor: &SyncFields,
        handle: ImportHandle,
        manner: ImportManner,
    ) -> Result<(), ImportRefused> {
        let own = |inner: &mut dyn SyncBackend| {
            inner.create_timeline(timeline, 0, &[HandleType::SharedMemory]).map_err(|problem| (None, problem))
        };
        let Some(handle) = self.incoming(handle, manner)? else { return own(&mut self.inner) };
        match self.inner.import_timeline(timeline, descriptor, handle, manner) {
            Ok(()) => Ok(()),
            Err(refused) => self.refusal(refused, manner).and_then(|()| own(&mut self.inner)),
        }
    }

    fn free_timeline(&mut self, timeline: Id) -> Result<(), Problem> {
        self.freed();
        self.inner.free_timeline(timeline)
    }

    fn create_fence(&mut self, fence: Id, signalled: bool, export: &[HandleType]) -> Result<(), Problem> {
        let signalled = signalled && !fault::is("fence_never_created_signalled");
        unchecked(self.inner.create_fence(fence, signalled, &Self::types(export, SyncKind::Fence)))
    }

    fn submit_fence(&mut self, fence: Id) -> Result<(), Problem> {
        if lost() { Ok(()) } else { unchecked(self.inner.submit_fence(fence)) }
    }

    fn wait_fence(&mut self, fence: Id, deadline: Deadline, peer: &Peer) -> Result<(), Problem> {
        self.wait(deadline, peer, |inner, deadline, peer| inner.wait_fence(fence, deadline, peer))?;
        if fault::is("fence_wait_resets") { self.inner.reset_fence(fence) } else { Ok(()) }
    }

    fn fence_is_signalled(&mut self, fence: Id) -> Result<bool, Problem> {
        let signalled = self.inner.fence_is_signalled(fence)?;
        Ok(signalled || fault::is("fence_always_signalled"))
    }

    fn reset_fence(&mut self, fence: Id) -> Result<(), Problem> {
        if fault::is("fence_reset_ignored") { Ok(()) } else { unchecked(self.inner.reset_fence(fence)) }
    }

    fn export_fence(&mut self, fence: Id, handle_type: HandleType, guarded: bool) -> Exported {
        if fault::is("export_resets_payload") {
            let _ = self.inner.reset_fence(fence);
        }
        let outcome = self.inner.export_fence(fence, handle_type, guarded);
        if is_copy(handle_type) && fault::is("copy_leaves_signal") && outcome.is_ok() {
            let _ = self.inner.submit_fence(fence);
        }
        match outcome {
            Err(problem) if problem.code == Code::InvalidUse && fault::is("sync_checks_nothing") => {
                self.another(SyncKind::Fence, &descriptor_of(SyncKind::Fence, handle_type)?)
            }
            outcome => self.exported(SyncKind::Fence, outcome),
        }
    }

    fn import_fence(
        &mut self,
        fence: Id,
        descriptor: &SyncFields,
        handle: ImportHandle,
        permanence: Permanence,
        manner: ImportManner,
    ) -> Result<(), ImportRefused> {
        if fault::is("minus_one_never_signals") && matches!(handle, ImportHandle::Number(-1)) {
            return Ok(());
        }
        let permanence = distort_permanence(permanence, descriptor);
        let Some(handle) = self.incoming(handle, manner)? else { return Ok(()) };
        let outcome = self.inner.import_fence(fence, descriptor, handle, permanence, manner);
        outcome.or_else(|refused| self.refusal(refused, manner))
    }

    fn free_fence(&mut self, fence: Id) -> Result<(), Problem> {
        self.freed();
        self.inner.free_fence(fence)
    }
}

fn descriptor_of(kind: SyncKind, handle_type: HandleType) -> Result<SyncDescriptor, Problem> {
    let (version, api) = (SyncDescriptor::VERSION, gpushare::Api::Host);
    let (device_uuid, driver_uuid) = (gpushare::Uuid::default(), gpushare::Uuid::default());
    Ok(SyncDescriptor::new(SyncFields { version, kind, api, device_uuid, driver_uuid, handle_type })?)
}
