//! Every fuzz target can be built, has an input to start with, and is in the table that says what it reads.

#![allow(clippy::unwrap_used)] // a test that cannot go on should panic

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn text(file: &str) -> String {
    fs::read_to_string(fuzz().join(file)).unwrap()
}

/// The names of what is in a folder, without extensions.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(fuzz().join(folder)).unwrap();
    let name = |entry: fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
    entries.map(|entry| name(entry.unwrap())).collect()
}

/// What stands in backquotes, and in these alone.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn each_target_is_built() {
    let manifest = text("Cargo.toml");
    let built = manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"));
    let built: BTreeSet<_> = built.filter_map(|line| line.strip_suffix(".rs\"")).collect();
    let files = names("fuzz_targets");
    assert_eq!(built, files.iter().map(String::as_str).collect());
}

#[test]
fn each_target_has_an_input_to_start_with() {
    for target in names("fuzz_targets") {
        let folder = format!("corpus/{target}");
        let is_seed = |name: &String| name.starts_with("seed-");
        assert!(fuzz().join(&folder).is_dir() && names(&folder).iter().any(is_seed), "{target}");
    }
}

#[test]
fn the_table_names_each_target_and_no_other() {
    let page = text("README.md");
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let rows: String = rows.filter_map(|line| line.rsplit('|').nth(1)).collect();
    let named = quoted(&rows);
    let targets = names("fuzz_targets");
    let covers = |name: &str, target: &str| match name.strip_suffix('*') {
        Some(start) => target.starts_with(start),
        None => target == name,
    };
    for target in &targets {
        assert!(named.iter().any(|name| covers(name, target)), "{target}");
    }
    for name in &named {
        assert!(targets.iter().any(|target| covers(name, target)), "{name}");
    }
}
