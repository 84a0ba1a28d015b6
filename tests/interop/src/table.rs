//! The table, for a terminal and for the documentation.

use crate::row::Row;
use std::fmt::Write as _;
use std::path::Path;

/// The rows as aligned text, what failed below its row.
pub(crate) fn plain(rows: &[Row]) -> String {
    let width = |of: fn(&Row) -> &str| {
        rows.iter().map(|row| of(row).chars().count()).max().unwrap_or_default()
    };
    let system = width(|row| row.system);
    let version = width(|row| &row.version);
    let mut text = String::new();
    for row in rows {
        let outcome = if row.outcome.is_ok() { "passed" } else { "FAILED" };
        let _ = writeln!(
            text,
            "{outcome}  {:system$}  {:version$}  {}",
            row.system, row.version, row.checked
        );
        if let Err(said) = &row.outcome {
            for line in said.lines() {
                let _ = writeln!(text, "        {line}");
            }
        }
    }
    text
}

/// Writes the rows as a table of Markdown.
pub(crate) fn write_markdown(rows: &[Row], to: &Path) -> Result<(), String> {
    let mut text = String::from("| system | version | checked | |\n|---|---|---|---|\n");
    for row in rows {
        let outcome = if row.outcome.is_ok() { "passed" } else { "**failed**" };
        let _ =
            writeln!(text, "| {} | {} | {} | {outcome} |", row.system, row.version, row.checked);
    }
    std::fs::write(to, text).map_err(|error| format!("cannot write {}: {error}", to.display()))
}
