//! What each published package says about itself, and what it must not refer to.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeSet;
use std::fs;

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().exec().expect("cargo can read the workspace")
}

fn published(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    metadata.packages.iter().filter(|package| package.publish != Some(Vec::new()))
}

fn read(package: &Package, file: &str) -> String {
    let folder = package.manifest_path.parent().expect("a manifest is in a folder");
    fs::read_to_string(folder.join(file)).unwrap_or_else(|error| {
        panic!("{} has no {file}: {error}", package.name);
    })
}

#[test]
fn every_published_package_says_what_it_is() {
    for package in published(&metadata()) {
        let name = &package.name;
        assert!(package.description.is_some(), "{name}: description");
        assert!(package.license.is_some(), "{name}: license");
        assert!(package.rust_version.is_some(), "{name}: rust-version");
        assert_eq!(package.documentation, Some(format!("https://docs.rs/{name}")));
        assert!((1..=5).contains(&package.keywords.len()), "{name}: keywords");
        assert!(package.keywords.iter().all(|word| word.len() <= 20), "{name}: keywords");
        assert!((1..=5).contains(&package.categories.len()), "{name}: categories");
        let docs_rs = &package.metadata["docs"]["rs"];
        assert_eq!(docs_rs["all-features"], true, "{name}: metadata of docs.rs");
        let args = docs_rs["rustdoc-args"].as_array().expect("a list");
        assert!(args.iter().any(|argument| argument == "docsrs"), "{name}: metadata of docs.rs");
        for file in ["LICENSE-APACHE", "LICENSE-MIT"] {
            assert!(!read(package, file).is_empty());
        }
    }
}

/// On crates.io a relative link leads nowhere.
#[test]
fn no_readme_of_a_package_has_a_relative_link() {
    for package in published(&metadata()) {
        let readme = read(package, "README.md");
        for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(link.starts_with("https://"), "{}: {link}", package.name);
        }
        let facade = package.name.as_str() == "tracewire";
        assert!(facade || readme.contains("(https://docs.rs/tracewire)"), "{}", package.name);
    }
}

/// A package may need only what is published before it.
#[test]
fn packages_can_be_published_in_the_order_of_the_checklist() {
    let metadata = metadata();
    let checklist = fs::read_to_string(metadata.workspace_root.join("RELEASING.md"))
        .expect("RELEASING.md is there");
    let names: BTreeSet<_> = published(&metadata).map(|package| package.name.as_str()).collect();
    let order: Vec<_> = checklist
        .lines()
        .filter_map(|line| line.split_once(". "))
        .filter(|(number, name)| number.parse::<u32>().is_ok() && names.contains(name))
        .map(|(_, name)| name)
        .collect();
    assert_eq!(order.len(), names.len());
    for package in published(&metadata) {
        let earlier = order.iter().take_while(|name| **name != package.name.as_str());
        let earlier: BTreeSet<_> = earlier.copied().collect();
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let is_left_out =
                dependency.kind == DependencyKind::Development && dependency.req.to_string() == "*";
            assert!(
                !names.contains(name) || is_left_out || earlier.contains(name),
                "{} needs {name}, which is published later",
                package.name,
            );
        }
    }
}

/// Cargo leaves out of a package what a test needs and names by its path alone. All else has to be
/// published.
#[test]
fn published_packages_depend_on_published_ones_by_version() {
    let metadata = metadata();
    let names: BTreeSet<_> = published(&metadata).map(|package| package.name.as_str()).collect();
    for package in published(&metadata) {
        for dependency in package.dependencies.iter().filter(|one| one.path.is_some()) {
            let has_version = dependency.req.to_string() != "*";
            let is_for_tests = dependency.kind == DependencyKind::Development;
            let (name, on) = (&package.name, dependency.name.as_str());
            assert!(has_version || is_for_tests, "{name}: {on} has no version");
            assert!(!has_version || names.contains(on), "{name}: {on} is never published");
        }
    }
}
