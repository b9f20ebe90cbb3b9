//! Vulkan results as errors of the [`Device`](crate::Device) contract.

use ash::vk;

use crate::texture::TextureError;

/// Names the call beside its result.
pub(crate) fn vulkan(call: &'static str) -> impl FnOnce(vk::Result) -> TextureError {
    move |result| match result {
        vk::Result::ERROR_DEVICE_LOST => TextureError::DeviceLost { what: call },
        _ => TextureError::Vulkan { call, result: result_name(result) },
    }
}

/// The name of a result as the specification has it, without `VK_`.
pub(crate) fn result_name(result: vk::Result) -> String {
    format!("{result:?}")
}
