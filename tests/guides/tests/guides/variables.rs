//! docs/environment.md

use crate::pages::{ROOT, page};
use std::{collections::BTreeSet, fs, path::Path};

/// What the names of variables that are read begin with.
const PREFIXES: [&str; 6] = ["OTEL_", "TRACEWIRE_", "RUST_LOG", "UPTRACE_", "ELASTIC_APM_", "DD_"];
const OTHERS: [&str; 6] =
    ["NO_COLOR", "TERM", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];

/// Modules that are compiled for tests only.
const TESTS: [&str; 3] = ["sample.rs", "secrecy.rs", "tests.rs"];

/// Every quoted name of a variable in a source, without its tests.
fn named(source: &str) -> impl Iterator<Item = &str> {
    let source = source.split("\nmod tests {").next().unwrap_or_default();
    source.split('"').skip(1).filter(|text| {
        let is_name =
            text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        let is_ours = PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        is_name && !text.ends_with('_') && text.len() > 3 && (is_ours || OTHERS.contains(text))
    })
}

fn sources(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && !TESTS.contains(&name) {
            let source = fs::read_to_string(&path).unwrap();
            found.extend(named(&source).map(str::to_owned));
        }
    }
}

#[test]
fn every_variable_that_is_read_is_in_the_table() {
    let mut found = BTreeSet::new();
    for package in fs::read_dir(format!("{ROOT}/crates")).unwrap() {
        sources(&package.unwrap().path().join("src"), &mut found);
    }
    assert!(found.len() > 50, "{found:?}");
    let page = page("environment");
    let written: BTreeSet<_> = page.split('`').skip(1).step_by(2).collect();
    // Some names in the sources are the beginnings that a group of variables shares.
    let is_listed = |name: &&String| {
        let beginning = format!("{name}_");
        written.contains(name.as_str()) || written.iter().any(|own| own.starts_with(&beginning))
    };
    let missing: Vec<_> = found.iter().filter(|name| !is_listed(name)).collect();
    assert!(missing.is_empty(), "docs/environment.md does not name {missing:?}");
}
