//! Tests that lack a tool say so in the log that the test command counts.

use std::{fs::File, io::Write as _, path::PathBuf};

/// The tool that a variable names, or `None` after noting the skip.
pub fn tool(variable: &str, test: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Some(PathBuf::from(path));
    }
    skipped(test, variable);
    None
}

/// Notes that a test did not run for lack of something.
pub fn skipped(test: &str, lacks: &str) {
    let line = format!("{test}: {lacks} is not there");
    eprintln!("SKIPPED {line}");
    let Some(log) = std::env::var_os("TRIBUTARY_SKIP_LOG") else { return };
    let log = File::options().create(true).append(true).open(log);
    let written = log.and_then(|mut log| writeln!(log, "{line}"));
    written.expect("the skip log can be written");
}
