//! `docs/dependencies.md` gives the reason for every dependency, and for nothing else.

use std::{collections::BTreeMap, fs, path::Path};
use supply::dependencies::direct;

const PAGE: &str = "docs/dependencies.md";

/// The cells of each table row that begins with a name in backticks, by that name.
fn rows(section: &str) -> BTreeMap<String, Vec<String>> {
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    let cells = lines.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0].trim_matches('`').to_owned();
        (name, cells[1..].iter().map(|cell| (*cell).to_owned()).collect())
    });
    cells.collect()
}

fn page() -> (BTreeMap<String, Vec<String>>, BTreeMap<String, Vec<String>>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join(PAGE)).expect("the page is there");
    let (published, others) =
        page.split_once("## Tests, benches and examples").expect("two sections");
    (rows(published), rows(others))
}

#[test]
fn every_dependency_of_published_crates_has_its_reason_and_its_crates() {
    let (rows, _) = page();
    let direct = direct().published;
    for (name, crates) in &direct {
        let Some(cells) = rows.get(name) else { panic!("{PAGE} has no row for {name}") };
        let crates: Vec<_> = crates.iter().map(String::as_str).collect();
        assert_eq!(cells[0], crates.join(", "), "the crates of {name} in {PAGE}");
        assert!(cells[1].len() > 10, "{PAGE} gives no reason for {name}");
    }
    let stale: Vec<_> = rows.keys().filter(|name| !direct.contains_key(*name)).collect();
    assert!(stale.is_empty(), "{PAGE} has rows for what is not used: {stale:?}");
}

#[test]
fn every_other_dependency_has_its_reason() {
    let (_, rows) = page();
    let direct = direct().others;
    let missing: Vec<_> = direct.iter().filter(|name| !rows.contains_key(*name)).collect();
    let stale: Vec<_> = rows.keys().filter(|name| !direct.contains(*name)).collect();
    assert!(missing.is_empty() && stale.is_empty(), "{PAGE}: missing {missing:?}, stale {stale:?}");
    assert!(rows.values().all(|cells| cells[0].len() > 10), "a reason is missing");
}
