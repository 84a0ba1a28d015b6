//! The public API of each crate, one item a line, in a file that a change has to update.

use super::{Library, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn items(json: &Path) -> Result<String> {
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .map_err(|error| format!("{}: {error}", json.display()))?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

/// The lines that differ from what was recorded.
pub(crate) fn changed(libraries: &[Library], folder: &Path) -> Result<Vec<String>> {
    let mut changes = Vec::new();
    for library in libraries {
        let now = items(&library.json(folder))?;
        let before = fs::read_to_string(library.folder.join("api.txt")).unwrap_or_default();
        let lines: BTreeSet<_> = now.lines().collect();
        let recorded: BTreeSet<_> = before.lines().collect();
        let name = &library.name;
        changes.extend(recorded.difference(&lines).map(|line| format!("{name}: -{line}")));
        changes.extend(lines.difference(&recorded).map(|line| format!("{name}: +{line}")));
    }
    if !changes.is_empty() {
        changes.push("`just api record` writes these changes into crates/*/api.txt".into());
    }
    Ok(changes)
}

/// Writes what [`changed`] compares with.
pub(crate) fn record(libraries: &[Library], folder: &Path) -> Result<Vec<String>> {
    for library in libraries {
        fs::write(library.folder.join("api.txt"), items(&library.json(folder))?)?;
    }
    Ok(Vec::new())
}
