//! The page shows what stands in the programs, all of them, and no more lines than Python needs.
//!
//! `UPDATE_PAGE=1 cargo test -p tutorials --test page` writes the whole programs into the page anew.
#![allow(clippy::unwrap_used)] // a test may

use std::{collections::BTreeSet, fs};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tutorials.md");
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin");

/// How the block of a whole program begins.
const WHOLE: &str = "```rust,no_run";

/// A block of code, and the last program that the page named before it.
struct Block {
    language: String,
    program: Option<String>,
    lines: Vec<String>,
}

/// Code without the indentation that it has for standing inside something else.
fn trimmed(code: &str) -> Vec<String> {
    code.lines().map(|line| line.trim().to_owned()).collect()
}

fn blocks() -> Vec<Block> {
    let page = fs::read_to_string(PAGE).unwrap();
    let mut program = None;
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some((_, named)) = line.split_once("(../examples/tutorials/src/bin/") {
            program = Some(named.split_once(')').unwrap().0.to_owned());
        } else if let Some(language) = line.strip_prefix("```") {
            let code: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let (language, program) = (language.to_owned(), program.clone());
            blocks.push(Block { language, program, lines: trimmed(&code.join("\n")) });
        }
    }
    blocks
}

#[test]
fn rust_of_the_page_stands_in_the_program_it_names() {
    for block in blocks().iter().filter(|block| block.language == "rust") {
        let name = block.program.as_ref().expect("a program is named before its code");
        let program = trimmed(&fs::read_to_string(format!("{PROGRAMS}/{name}")).unwrap());
        assert!(
            program.windows(block.lines.len()).any(|lines| lines == block.lines),
            "not in {name}:\n{}",
            block.lines.join("\n")
        );
    }
}

/// A program from its first `use` on.
fn whole(name: &str) -> String {
    let program = fs::read_to_string(format!("{PROGRAMS}/{name}")).unwrap();
    let head = |line: &&str| line.is_empty() || line.starts_with("//!") || line.starts_with("#![");
    program.lines().skip_while(head).map(|line| format!("{line}\n")).collect()
}

/// The page with every whole program as it is in its file, and the names of these.
fn with_whole_programs(page: &str) -> (String, BTreeSet<String>) {
    let (mut name, mut written, mut names) = ("", String::new(), BTreeSet::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        written.push_str(&format!("{line}\n"));
        if let Some((_, named)) = line.split_once("(../examples/tutorials/src/bin/") {
            name = named.split_once(')').unwrap().0;
        } else if line == WHOLE {
            names.insert(name.to_owned());
            lines.by_ref().find(|line| *line == "```").unwrap();
            written.push_str(&format!("{}```\n", whole(name)));
        }
    }
    (written, names)
}

#[test]
fn every_program_can_be_copied_and_run() {
    let page = fs::read_to_string(PAGE).unwrap();
    let (written, names) = with_whole_programs(&page);
    if std::env::var_os("UPDATE_PAGE").is_some() {
        fs::write(PAGE, &written).unwrap();
    } else {
        assert!(page == written, "a program has changed: say UPDATE_PAGE=1 and run this again");
    }
    let programs = fs::read_dir(PROGRAMS).unwrap();
    let programs = programs.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(names, programs.collect());
}

#[test]
fn the_versions_on_the_page_are_those_that_are_tried() {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let workspace = fs::read_to_string(workspace).unwrap();
    let blocks = blocks();
    let block = blocks.iter().find(|block| block.language == "toml").unwrap();
    for line in block.lines.iter().filter(|line| line.contains(" = ")) {
        let (name, rest) = line.split_once(" = ").unwrap();
        let version = rest.split('"').nth(1).unwrap();
        let ours = workspace.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap();
        assert!(ours.contains(&format!("\"{version}")), "{line}: {ours}");
    }
}

#[test]
fn every_program_is_on_the_page() {
    let shown = blocks().into_iter().filter(|block| block.language == "rust");
    let shown: BTreeSet<_> = shown.filter_map(|block| block.program).collect();
    let programs = fs::read_dir(PROGRAMS).unwrap();
    let programs = programs.map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(shown, programs.collect());
}

#[test]
fn rust_is_as_short_as_python() {
    let blocks = blocks();
    let lines = |language: &str| -> usize {
        let code = blocks.iter().filter(|block| block.language == language);
        code.flat_map(|block| &block.lines).filter(|line| !line.is_empty()).count()
    };
    let (rust, python) = (lines("rust"), lines("python"));
    assert!(rust > 0 && rust <= python, "{rust} lines of Rust, {python} of Python");
}
