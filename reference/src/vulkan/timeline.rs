//! Timelines of a driver, and what stands in for them where it exports none.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ash::khr::timeline_semaphore;
use ash::vk;

use crate::deadline::Deadline;
use crate::handle::HandleType;
use crate::sync::{SyncDescriptor, SyncError, SyncHandle, SyncKind, SyncRefused, check_export_types};
use crate::texture::Device;
use crate::timeline::{PendingSignals, SharedTimeline, Side, Timelines, Which};
use crate::vulkan::device::{Logical, VulkanDevice};
use crate::vulkan::error::vulkan;
use crate::vulkan::exports::{Exports, Payload};
use crate::vulkan::payload::{self, Care, Object, RawSync};
use crate::vulkan::submission::{Submission, in_slices, prune};
use crate::vulkan::sync_capability::semaphore_bit;
use crate::vulkan::transfer::LIMIT;
use crate::vulkan::valid_usage;
use crate::waiter::{self, Peer};

const KIND: SyncKind = SyncKind::Timeline;
/// How often a wait for timelines of both sorts looks at each.
const LOOK: Duration = Duration::from_millis(1);
/// A wait looks for so long before it sleeps in the driver: NVIDIA's 580 takes 10 ms to see what the host of another process signals.
const SPIN: Duration = Duration::from_micros(100);

/// A timeline of a [`VulkanDevice`].
pub struct VulkanTimeline {
    source: Source,
    pending: PendingSignals,
}

enum Source {
    /// A timeline semaphore.
    Driver(DriverTimeline),
    /// A number in shared memory. The host signals it for the device, once the queue is done.
    Shared(SharedTimeline),
}

struct DriverTimeline {
    logical: Arc<Logical>,
    raw: vk::Semaphore,
    export: Vec<HandleType>,
    imported: Option<HandleType>,
    /// Of the one payload that it ever has: an import makes a new timeline.
    exports: Exports,
    in_flight: Vec<Submission>,
    /// A wait of the queue that did not end in time, and its value.
    waiting: Option<(u64, Submission)>,
}

impl Drop for DriverTimeline {
    fn drop(&mut self) {
        self.in_flight.clear();
        self.waiting = None;
        if self.logical.idle() {
            // SAFETY: all that refers to it is done, or the device would have been given up.
            unsafe { self.logical.raw.destroy_semaphore(self.raw, None) }
        }
    }
}

impl From<SharedTimeline> for VulkanTimeline {
    fn from(shared: SharedTimeline) -> Self {
        Self { source: Source::Shared(shared), pending: PendingSignals::default() }
    }
}

impl DriverTimeline {
    fn functions(&self) -> Result<&timeline_semaphore::Device, SyncError> {
        functions(&self.logical)
    }

    fn value(&self) -> Result<u64, SyncError> {
        // SAFETY: the semaphore is a timeline of this device.
        let value = unsafe { self.functions()?.get_semaphore_counter_value(self.raw) };
        Ok(value.map_err(vulkan("vkGetSemaphoreCounterValueKHR"))?)
    }

    fn signal(&mut self, value: u64, by: Side) -> Result<(), SyncError> {
        match by {
            Side::Host => {
                let info = vk::SemaphoreSignalInfo::default().semaphore(self.raw).value(value);
                // SAFETY: a timeline of this device; the caller has checked the value.
                Ok(unsafe { self.functions()?.signal_semaphore(&info) }.map_err(vulkan("vkSignalSemaphoreKHR"))?)
            }
            Side::Device => {
                prune(&mut self.in_flight);
                let (signals, values) = ([self.raw], [value]);
                let mut timeline = vk::TimelineSemaphoreSubmitInfo::default().signal_semaphore_values(&values);
                let info = vk::SubmitInfo::default().signal_semaphores(&signals).push_next(&mut timeline);
                // SAFETY: as above; the semaphore lives until the submission is done (`drop`).
                self.in_flight.push(unsafe { Submission::submit(&self.logical, info) }?);
                Ok(())
            }
        }
    }

    fn wait_on_device(&mut self, value: u64, deadline: Deadline, peer: &Peer) -> Result<(), SyncError> {
        if self.waiting.as_ref().is_none_or(|(waits_for, _)| *waits_for != value) {
            let (waits, stages, values) = ([self.raw], [vk::PipelineStageFlags::ALL_COMMANDS], [value]);
            let mut timeline = vk::TimelineSemaphoreSubmitInfo::default().wait_semaphore_values(&values);
            let info = vk::SubmitInfo::default().wait_semaphores(&waits).wait_dst_stage_mask(&stages).push_next(&mut timeline);
            // SAFETY: a timeline of this device, which lives until the submission is done (`drop`).
            let submitted = unsafe { Submission::submit(&self.logical, info) }?;
            if let Some((_, earlier)) = self.waiting.replace((value, submitted)) {
                self.in_flight.push(earlier);
            }
        }
        if let Some((_, waiting)) = &mut self.waiting {
            waiting.wait(KIND, deadline, peer)?;
        }
        self.waiting = None;
        Ok(())
    }
}

fn functions(logical: &Logical) -> Result<&timeline_semaphore::Device, SyncError> {
    let none = || SyncError::Unsupported { what: "timeline semaphores".into() };
    logical.extensions.timeline.as_ref().ok_or_else(none)
}

/// Whether what is waited for has come: looks until it has, and for [`SPIN`] at most.
fn has_come(waits: &[(&DriverTimeline, u64)], which: Which, deadline: Deadline) -> Result<bool, SyncError> {
    let begun = Instant::now();
    loop {
        let mut reached = waits.iter().map(|(timeline, value)| timeline.value().map(|now| now >= *value));
        let come = match which {
            Which::Any => reached.try_fold(false, |any, one| one.map(|one| any || one)),
            Which::All => reached.try_fold(true, |all, one| one.map(|one| all && one)),
        }?;
        if come || waiter::is_alone() || deadline.passed() || begun.elapsed() > SPIN {
            return Ok(come);
        }
        std::hint::spin_loop();
    }
}

/// A while of looking, then `vkWaitSemaphores`.
fn wait_for(
    logical: &Logical,
    waits: &[(&DriverTimeline, u64)],
    which: Which,
    deadline: Deadline,
    peer: &Peer,
) -> Result<(), SyncError> {
    let functions = functions(logical)?;
    if has_come(waits, which, deadline)? {
        return Ok(());
    }
    let semaphores: Vec<_> = waits.iter().map(|(timeline, _)| timeline.raw).collect();
    let values: Vec<_> = waits.iter().map(|(_, value)| *value).collect();
    let flags = if which == Which::Any { vk::SemaphoreWaitFlags::ANY } else { vk::SemaphoreWaitFlags::empty() };
    let info = vk::SemaphoreWaitInfo::default().flags(flags).semaphores(&semaphores).values(&values);
    in_slices(KIND, deadline, peer, |nanos| {
        // SAFETY: timelines of this device, as many values as semaphores, at least one.
        match unsafe { functions.wait_semaphores(&info, nanos) } {
            Err(error) if error != vk::Result::TIMEOUT => Err(vulkan("vkWaitSemaphoresKHR")(error).into()),
            waited => Ok(waited.is_ok()),
        }
    })
}

impl VulkanDevice {
    /// Export like [`Timelines::export_timeline`], and leave the handle as the driver made it. For conformance tests.
    ///
    /// # Errors
    /// As [`Timelines::export_timeline`].
    pub fn export_timeline_unguarded(
        &self,
        timeline: &mut VulkanTimeline,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.export_timeline_with(timeline, handle_type, Care::Unguarded)
    }

    /// Import like [`Timelines::import_timeline`], but leave it to the driver to notice that the handle is none of its own. For
    /// conformance tests: a driver must refuse with `VK_ERROR_INVALID_EXTERNAL_HANDLE`.
    ///
    /// # Errors
    /// [`SyncRefused`], with the handle if there was one.
    ///
    /// # Safety
    /// On success the driver owns whatever file descriptor has [`RawSync::Number`].
    pub unsafe fn import_timeline_unguarded(
        &self,
        descriptor: &SyncDescriptor,
        source: RawSync,
    ) -> Result<VulkanTimeline, SyncRefused> {
        self.import_timeline_with(descriptor, source, Care::Unguarded)
    }

    fn export_timeline_with(
        &self,
        timeline: &mut VulkanTimeline,
        handle_type: HandleType,
        care: Care,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        let undeclared =
            SyncError::NotExportable { kind: KIND, handle_type, rule: valid_usage::about(KIND, handle_type).undeclared };
        let handle = match &mut timeline.source {
            Source::Shared(shared) if handle_type == HandleType::SharedMemory => SyncHandle::Handle(shared.handle()?),
            Source::Driver(driver) if driver.export.contains(&handle_type) => {
                self.logical.usable()?;
                self.check_export_again(KIND, driver.imported, handle_type)?;
                let (object, exported) = (Object::Semaphore(driver.raw), (&mut driver.exports, Payload::default()));
                payload::export(&self.logical.extensions, object, handle_type, care, exported)?
            }
            _ => return Err(undeclared),
        };
        Ok((SyncDescriptor::of(self.identity(), KIND, handle_type)?, handle))
    }

    fn import_timeline_with(
        &self,
        descriptor: &SyncDescriptor,
        source: RawSync,
        care: Care,
    ) -> Result<VulkanTimeline, SyncRefused> {
        let handle_type = match self.check_import(descriptor, KIND) {
            Ok(handle_type) => handle_type,
            Err(error) => return Err(source.refuse(error)),
        };
        if handle_type == HandleType::SharedMemory {
            return match source {
                RawSync::Payload(SyncHandle::Handle(handle)) => Ok(SharedTimeline::attach(handle)?.into()),
                other => {
                    let detail = "a timeline is never without an object".into();
                    Err(other.refuse(SyncError::InvalidHandle { expected: handle_type, detail }))
                }
            };
        }
        // An import can be exported again where the device says so.
        let can = self.can(KIND, handle_type);
        let again = can.is_some_and(|can| can.exportable && can.export_from_imported.contains(&handle_type));
        let export = if again { &[handle_type][..] } else { &[] };
        let mut driver = match self.new_timeline(0, export) {
            Ok(driver) => driver,
            Err(error) => return Err(source.refuse(error)),
        };
        // SAFETY: whoever passes a number has promised what `import` asks for (`import_timeline_unguarded`).
        unsafe { payload::import(&self.logical.extensions, Object::Semaphore(driver.raw), handle_type, source, false, care) }?;
        driver.imported = Some(handle_type);
        Ok(VulkanTimeline { source: Source::Driver(driver), pending: PendingSignals::default() })
    }

    fn new_timeline(&self, initial: u64, export: &[HandleType]) -> Result<DriverTimeline, SyncError> {
        self.logical.usable()?;
        functions(&self.logical)?;
        let bits = export.iter().filter_map(|handle_type| semaphore_bit(*handle_type));
        let mut exported = vk::ExportSemaphoreCreateInfo::default().handle_types(bits.fold(Default::default(), |a, b| a | b));
        let mut kind =
            vk::SemaphoreTypeCreateInfo::default().semaphore_type(vk::SemaphoreType::TIMELINE).initial_value(initial);
        let mut info = vk::SemaphoreCreateInfo::default().push_next(&mut kind);
        if !export.is_empty() {
            info = info.push_next(&mut exported);
        }
        // SAFETY: the device has timelines and exports these types; the infos live through the call.
        let raw = unsafe { self.logical.raw.create_semaphore(&info, None) }.map_err(vulkan("vkCreateSemaphore"))?;
        let (logical, export) = (Arc::clone(&self.logical), export.to_vec());
        let exports = Exports::default();
        Ok(DriverTimeline { logical, raw, export, imported: None, exports, in_flight: Vec::new(), waiting: None })
    }

    /// Wait until the queue is done with all that was submitted before.
    fn finish(&self) -> Result<(), SyncError> {
        // SAFETY: it refers to nothing.
        let mut last = unsafe { Submission::submit(&self.logical, vk::SubmitInfo::default()) }?;
        last.wait(KIND, Deadline::after(LIMIT), &Peer::UNWATCHED)
    }
}

impl Timelines for VulkanDevice {
    type Timeline = VulkanTimeline;

    /// A timeline semaphore; a number in shared memory where [`HandleType::SharedMemory`] is to be exported, and where the driver has no
    /// timeline semaphores.
    fn create_timeline(&self, initial: u64, export: &[HandleType]) -> Result<VulkanTimeline, SyncError> {
        check_export_types(self, KIND, export)?;
        if export.contains(&HandleType::SharedMemory) || self.logical.extensions.timeline.is_none() {
            return Ok(SharedTimeline::create(initial)?.into());
        }
        let driver = self.new_timeline(initial, export)?;
        Ok(VulkanTimeline { source: Source::Driver(driver), pending: PendingSignals::default() })
    }

    fn adopt_timeline(&self, shared: SharedTimeline) -> VulkanTimeline {
        shared.into()
    }

    fn max_difference(&self, timeline: &VulkanTimeline) -> u64 {
        match &timeline.source {
            Source::Shared(_) => u64::MAX,
            Source::Driver(driver) => driver.logical.physical.timelines().unwrap_or(0),
        }
    }

    fn value(&self, timeline: &VulkanTimeline) -> Result<u64, SyncError> {
        match &timeline.source {
            Source::Shared(shared) => Ok(shared.value()),
            Source::Driver(driver) => {
                driver.logical.usable()?;
                driver.value()
            }
        }
    }

    /// A number in shared memory is signalled by the device by waiting for the queue first.
    fn signal_timeline(&self, timeline: &mut VulkanTimeline, value: u64, by: Side) -> Result<(), SyncError> {
        let (current, most) = (self.value(timeline)?, self.max_difference(timeline));
        timeline.pending.check(value, current, by, most)?;
        match &mut timeline.source {
            Source::Shared(shared) => {
                if by == Side::Device {
                    self.finish()?;
                }
                shared.signal(value)
            }
            Source::Driver(driver) => {
                driver.signal(value, by)?;
                if by == Side::Device {
                    timeline.pending.submitted(value);
                }
                Ok(())
            }
        }
    }

    fn wait_timelines(
        &self,
        waits: &[(&VulkanTimeline, u64)],
        which: Which,
        deadline: Deadline,
        peer: &Peer,
    ) -> Result<(), SyncError> {
        self.logical.usable()?;
        let (mut shared, mut driver) = (Vec::new(), Vec::new());
        for (timeline, value) in waits {
            match &timeline.source {
                Source::Shared(timeline) => shared.push((timeline, *value)),
                Source::Driver(timeline) => driver.push((timeline, *value)),
            }
        }
        let on_host = |deadline| SharedTimeline::wait_several(&shared, which, deadline, peer);
        let on_driver = |deadline| wait_for(&self.logical, &driver, which, deadline, peer);
        match (shared.is_empty(), driver.is_empty(), which) {
            (_, true, _) => on_host(deadline),
            (true, false, _) => on_driver(deadline),
            (false, false, Which::All) => on_driver(deadline).and_then(|()| on_host(deadline)),
            (false, false, Which::Any) => loop {
                let passed = deadline.passed();
                let soon = || deadline.within(LOOK);
                match on_host(soon()) {
                    Err(SyncError::Timeout { .. }) => {}
                    ended => break ended,
                }
                match on_driver(Deadline::after(Duration::ZERO)) {
                    Err(SyncError::Timeout { .. }) if !passed => {}
                    ended => break ended,
                }
            },
        }
    }

    fn wait_on_device(
        &self,
        timeline: &mut VulkanTimeline,
        value: u64,
        deadline: Deadline,
        peer: &Peer,
    ) -> Result<(), SyncError> {
        match &mut timeline.source {
            Source::Shared(shared) => shared.wait(value, deadline, peer),
            Source::Driver(driver) => driver.wait_on_device(value, deadline, peer),
        }
    }

    fn export_timeline(
        &self,
        timeline: &mut VulkanTimeline,
        handle_type: HandleType,
    ) -> Result<(SyncDescriptor, SyncHandle), SyncError> {
        self.export_timeline_with(timeline, handle_type, Care::Guarded)
    }

    fn import_timeline(&self, descriptor: &SyncDescriptor, handle: SyncHandle) -> Result<VulkanTimeline, SyncRefused> {
        self.import_timeline_with(descriptor, RawSync::Payload(handle), Care::Guarded)
    }
}
