//! What the physical device has answered about sharing. It says the same for as long as it lives, and is asked once.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::handle::HandleType;
use crate::sync::{SyncCapability, SyncKind};
use crate::vulkan::capability::{TextureCapability, TextureQuestion, texture_capability};
use crate::vulkan::instance::PhysicalDevice;
use crate::vulkan::sync_capability::sync_capabilities;

/// The answers so far.
#[derive(Default)]
pub(super) struct Answers {
    textures: RwLock<BTreeMap<TextureQuestion, Arc<TextureCapability>>>,
    semaphores: OnceLock<Vec<SyncCapability>>,
    timelines: OnceLock<Vec<SyncCapability>>,
    fences: OnceLock<Vec<SyncCapability>>,
}

impl Answers {
    /// As [`texture_capability`]. Only an answer about the texture is kept: the lack of memory passes.
    pub(super) fn about_texture(&self, device: &PhysicalDevice, asked: &TextureQuestion) -> Arc<TextureCapability> {
        if let Some(known) = self.textures.read().unwrap_or_else(PoisonError::into_inner).get(asked) {
            return Arc::clone(known);
        }
        let answer = Arc::new(texture_capability(device, asked));
        if answer.is_final() {
            self.textures.write().unwrap_or_else(PoisonError::into_inner).insert(*asked, Arc::clone(&answer));
        }
        answer
    }

    /// As [`sync_capabilities`].
    pub(super) fn about(&self, device: &PhysicalDevice, kind: SyncKind) -> &[SyncCapability] {
        let known = match kind {
            SyncKind::Semaphore => &self.semaphores,
            SyncKind::Timeline => &self.timelines,
            SyncKind::Fence => &self.fences,
        };
        known.get_or_init(|| sync_capabilities(device, kind))
    }

    /// What it says of one type of handle.
    pub(super) fn about_handle(
        &self,
        device: &PhysicalDevice,
        kind: SyncKind,
        handle_type: HandleType,
    ) -> Option<&SyncCapability> {
        self.about(device, kind).iter().find(|can| can.handle_type == handle_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Format;
    use crate::spec::TextureSpec;

    #[test]
    fn only_what_is_about_the_texture_is_kept() {
        let asked = TextureQuestion::about(&TextureSpec::new(Format::R8G8B8A8Unorm, 1, 1), HandleType::OpaqueFd);
        let kept = |result: &str| TextureCapability::refused(asked, result).is_final();
        assert!(kept("SUCCESS"));
        assert!(kept("ERROR_FORMAT_NOT_SUPPORTED"));
        assert!(!kept("ERROR_OUT_OF_HOST_MEMORY"));
        assert!(!kept("ERROR_OUT_OF_DEVICE_MEMORY"));
    }
}
