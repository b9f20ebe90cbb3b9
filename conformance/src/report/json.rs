//! The whole run as JSON; the field names are part of the interface (`docs/report.md`).

use crate::report::RunReport;

/// The text, with a newline at its end.
///
/// # Errors
/// None in practice: the report is plain data.
pub fn render(report: &RunReport) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}
