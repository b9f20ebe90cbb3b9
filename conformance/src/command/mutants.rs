//! `gpushare mutants`: starts the program of that name beside this one, which has nothing broken in it.

use std::process::Command;

use super::CommandError;
use super::arguments::MutantsArguments;

pub(super) fn mutants(arguments: &MutantsArguments) -> Result<u8, CommandError> {
    let this = std::env::current_exe().map_err(CommandError::Program)?;
    let path = this.with_file_name(format!("gpushare-mutants{}", std::env::consts::EXE_SUFFIX));
    match Command::new(&path).args(&arguments.arguments).status() {
        // One that was killed has no code.
        Ok(status) => Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(super::CANNOT_RUN)),
        Err(source) => Err(CommandError::Mutants { path, source }),
    }
}
