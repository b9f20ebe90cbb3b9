//! Holding the queue back until the host lets it go.
#![expect(unsafe_code, reason = "Vulkan calls")]

use std::sync::{Arc, PoisonError};

use ash::vk;

use crate::handle::HandleType;
use crate::sync::{SyncCapability, SyncError, SyncKind, Synchronisation};
use crate::texture::TextureError;
use crate::vulkan::device::{Logical, VulkanDevice};
use crate::vulkan::error::vulkan;
use crate::vulkan::submission::Submission;

/// A command that waits for an event, at the head of the queue. All later work comes after it in submission order, semaphore and fence
/// signals included. Dropping it opens it.
pub(super) struct Gate {
    logical: Arc<Logical>,
    event: vk::Event,
    pool: vk::CommandPool,
    submission: Option<Submission>,
}

impl Gate {
    fn close(logical: &Arc<Logical>) -> Result<Self, SyncError> {
        logical.usable()?;
        let raw = &logical.raw;
        // SAFETY: the infos live through the calls.
        let event = unsafe { raw.create_event(&vk::EventCreateInfo::default(), None) }.map_err(vulkan("vkCreateEvent"))?;
        let pool_info = vk::CommandPoolCreateInfo::default().queue_family_index(logical.queue_family);
        // SAFETY: the device was created with this queue family.
        let pool = match unsafe { raw.create_command_pool(&pool_info, None) } {
            Ok(pool) => pool,
            Err(error) => {
                // SAFETY: the event was made above and is used by nobody.
                unsafe { raw.destroy_event(event, None) };
                return Err(vulkan("vkCreateCommandPool")(error).into());
            }
        };
        let mut gate = Self { logical: Arc::clone(logical), event, pool, submission: None };
        let commands = gate.record()?;
        let commands = [commands];
        // SAFETY: the command buffer is executable; it and the event live until the submission is done (`drop`).
        gate.submission = Some(unsafe { Submission::submit(logical, vk::SubmitInfo::default().command_buffers(&commands)) }?);
        Ok(gate)
    }

    fn record(&self) -> Result<vk::CommandBuffer, TextureError> {
        let raw = &self.logical.raw;
        let info = vk::CommandBufferAllocateInfo::default().command_pool(self.pool).command_buffer_count(1);
        let begin = vk::CommandBufferBeginInfo::default().flags(vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT);
        let (from, until) = (vk::PipelineStageFlags::HOST, vk::PipelineStageFlags::ALL_COMMANDS);
        // SAFETY: the pool is used by this thread only; outside of a render pass an event may be waited for that the host sets later.
        unsafe {
            let made = raw.allocate_command_buffers(&info).map_err(vulkan("vkAllocateCommandBuffers"))?;
            let commands = *made.first().ok_or_else(|| TextureError::Driver { what: "no command buffer".into() })?;
            raw.begin_command_buffer(commands, &begin).map_err(vulkan("vkBeginCommandBuffer"))?;
            raw.cmd_wait_events(commands, &[self.event], from, until, &[], &[], &[]);
            raw.end_command_buffer(commands).map_err(vulkan("vkEndCommandBuffer"))?;
            Ok(commands)
        }
    }

    fn open(&self) -> Result<(), SyncError> {
        // SAFETY: the event is of this device, and nobody else sets it.
        Ok(unsafe { self.logical.raw.set_event(self.event) }.map_err(vulkan("vkSetEvent"))?)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // Waits until the queue has passed, or gives the device up.
        let _ = self.open();
        self.submission = None;
        if self.logical.idle() {
            // SAFETY: the queue has passed the command, and nobody else refers to either.
            unsafe {
                self.logical.raw.destroy_command_pool(self.pool, None);
                self.logical.raw.destroy_event(self.event, None);
            }
        }
    }
}

impl Synchronisation for VulkanDevice {
    fn capabilities(&self, kind: SyncKind) -> Vec<SyncCapability> {
        self.logical.answers.about(&self.logical.physical, kind).to_vec()
    }

    fn capability(&self, kind: SyncKind, handle_type: HandleType) -> SyncCapability {
        self.can(kind, handle_type).cloned().unwrap_or_else(|| SyncCapability::none(handle_type))
    }

    fn close_gate(&self) -> Result<(), SyncError> {
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        if gate.is_some() {
            return Err(SyncError::InvalidUse { what: "the gate is closed already", rule: "Synchronisation::close_gate" });
        }
        *gate = Some(Gate::close(&self.logical)?);
        Ok(())
    }

    fn open_gate(&self) -> Result<(), SyncError> {
        match self.gate.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(gate) => gate.open(),
            None => Ok(()),
        }
    }
}
