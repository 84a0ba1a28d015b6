//! The page: its generated blocks, and the text around them.

use crate::support::differences::Differences;
use std::{
    fs,
    sync::{Mutex, PoisonError},
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/migrating.md");
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/programs");

/// One test at a time reads the page and writes it.
static WRITING: Mutex<()> = Mutex::new(());

pub(crate) fn read() -> String {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    fs::read_to_string(PAGE).unwrap()
}

/// Checks that the block of this name shows this, or writes it with `UPDATE_PAGE=1`.
pub(crate) fn shows(name: &str, content: &str) {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let page = fs::read_to_string(PAGE).unwrap();
    let start = format!("<!-- generated: {name} -->\n");
    let (head, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no block {name}"));
    let (old, tail) = rest.split_once("<!-- end -->").expect("each block has an end");
    let content = format!("\n{content}\n");
    if std::env::var_os("UPDATE_PAGE").is_some() {
        fs::write(PAGE, format!("{head}{start}{content}<!-- end -->{tail}")).unwrap();
    } else {
        assert!(old == content, "say UPDATE_PAGE=1 and run this again. {name} is now:\n{content}");
    }
}

/// Checks that the page shows the program whole.
pub(crate) fn shows_program(name: &str) {
    let program = fs::read_to_string(format!("{PROGRAMS}/{name}.rs")).unwrap();
    // Cargo needs two names for two versions; a program has one version.
    let program = program.replace("_032", "").replace("_033", "");
    shows(name, &format!("```rust\n{program}```\n"));
}

/// Checks that the text under this heading names all that only the program before has.
pub(crate) fn names_what_is_lost(heading: &str, differences: &Differences) {
    let page = read();
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).expect("a section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let written: Vec<_> = section
        .split("<!-- generated: ")
        .map(|part| part.split_once("<!-- end -->").map_or(part, |(_, after)| after))
        .collect();
    let written = written.concat();
    let names: Vec<_> = written.split('`').skip(1).step_by(2).collect();
    let is_named = |lost: &&String| {
        names.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => lost.starts_with(start),
            None => lost == name,
        })
    };
    let unnamed: Vec<_> = differences.lost.iter().filter(|lost| !is_named(lost)).collect();
    assert!(unnamed.is_empty(), "{heading} does not say that these are gone: {unnamed:?}");
}
