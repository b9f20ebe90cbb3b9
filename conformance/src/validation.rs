//! Khronos' validation layer between peers and driver: a call of ours that it reports is a failure.
//!
//! Cases give drivers invalid handles on purpose, past the sharing library: what the layer says of those steps is not asked.

use std::path::Path;

use gpushare_harness::PeerCommand;
use gpushare_harness::protocol::{ImportManner, Request};

/// The layer's name.
const LAYER: &str = "VK_LAYER_KHRONOS_validation";

/// Part of the name of the layer's library.
pub(crate) const LIBRARY: &str = "VkLayer_khronos_validation";

/// Messages to standard output, which the orchestrator keeps.
const SETTINGS: &str = "khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG\n\
    khronos_validation.report_flags = error\n\
    khronos_validation.log_filename = stdout\n";

/// The environment of peers with the layer. `folder`: where its manifest lies, where that is not among the loader's own places.
///
/// # Errors
/// The system's, when the layer's settings cannot be written to `settings`.
pub fn environment(folder: Option<&Path>, settings: &Path) -> std::io::Result<Vec<(String, String)>> {
    std::fs::create_dir_all(settings)?;
    let file = settings.join("vk_layer_settings.txt");
    std::fs::write(&file, SETTINGS)?;
    let mut environment = vec![
        ("VK_INSTANCE_LAYERS".to_owned(), LAYER.to_owned()),
        ("VK_LAYER_SETTINGS_PATH".to_owned(), file.display().to_string()),
    ];
    if let Some(folder) = folder {
        environment.push(("VK_LAYER_PATH".into(), folder.display().to_string()));
    }
    Ok(environment)
}

/// Whether peers have the layer.
#[must_use]
pub fn is_on(command: &PeerCommand) -> bool {
    command.backend == "vulkan"
        && command.environment.iter().any(|(name, value)| name == "VK_INSTANCE_LAYERS" && value == LAYER)
}

/// The argument that gives peers the layer again.
pub(crate) fn argument(command: &PeerCommand) -> String {
    let folder = command.environment.iter().find(|(name, _)| name == "VK_LAYER_PATH");
    match folder {
        _ if !is_on(command) => String::new(),
        None => " --validation".into(),
        Some((_, folder)) => format!(" --validation={folder}"),
    }
}

/// Whether a step hands the driver something invalid on purpose.
#[must_use]
pub fn is_meant_to_be_invalid(request: &Request) -> bool {
    matches!(request, Request::Import { manner: ImportManner::Driver, .. })
}

/// The first error that the layer wrote, if any.
#[must_use]
pub fn first_error(written: &str) -> Option<&str> {
    written.lines().find(|line| line.contains("Validation Error"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_among_other_lines() {
        let written = "loading\nVUID-x(ERROR / SPEC): msgNum: 1 - Validation Error: [ VUID-x ] text\n    Objects: 1\n";
        assert_eq!(first_error(written), written.lines().nth(1));
        assert_eq!(first_error("Validation Performance Warning: [ x ]\nall is well"), None);
    }
}
