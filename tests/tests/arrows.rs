//! Who may depend on whom: the map of ARCHITECTURE.md, held by `cargo metadata`.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeSet;

/// Each published crate, and the crates of this workspace that it may depend on.
const CRATES: &[(&str, &[&str])] = &[
    (
        "tracewire",
        &[
            "tracewire-http",
            "tracewire-init",
            "tracewire-propagation",
            "tracewire-redis",
            "tracewire-reqwest",
            "tracewire-span",
            "tracewire-sqlx",
            "tracewire-tower",
            "tracewire-tracing",
        ],
    ),
    ("tracewire-exemplar", &[]),
    ("tracewire-export", &["tracewire-exemplar", "tracewire-propagation", "tracewire-text"]),
    ("tracewire-http", &["tracewire-exemplar", "tracewire-propagation", "tracewire-text"]),
    (
        "tracewire-init",
        &[
            "tracewire-exemplar",
            "tracewire-export",
            "tracewire-live",
            "tracewire-propagation",
            "tracewire-runtime",
            "tracewire-sampling",
            "tracewire-span",
            "tracewire-text",
            "tracewire-tracing",
        ],
    ),
    ("tracewire-live", &["tracewire-text"]),
    ("tracewire-propagation", &["tracewire-text"]),
    ("tracewire-redis", &["tracewire-span"]),
    ("tracewire-reqwest", &["tracewire-http", "tracewire-propagation", "tracewire-text"]),
    ("tracewire-runtime", &[]),
    ("tracewire-sampling", &["tracewire-propagation", "tracewire-text"]),
    ("tracewire-span", &["tracewire-exemplar", "tracewire-propagation", "tracewire-text"]),
    ("tracewire-sqlx", &["tracewire-span"]),
    ("tracewire-testing", &[]),
    ("tracewire-text", &[]),
    ("tracewire-tower", &["tracewire-http", "tracewire-propagation"]),
    ("tracewire-tracing", &["tracewire-propagation"]),
    ("tracewire-viewer", &["tracewire-live", "tracewire-text"]),
];

/// Third-party crates that only some of ours may depend on.
const GUARDED: &[(&str, &[&str])] = &[
    ("axum", &["tracewire-live", "tracewire-tower"]),
    ("nix", &["tracewire-runtime"]),
    ("opentelemetry-otlp", &[]),
    (
        "opentelemetry_sdk",
        &["tracewire-export", "tracewire-init", "tracewire-sampling", "tracewire-testing"],
    ),
    ("redis", &["tracewire-redis"]),
    ("reqwest", &["tracewire-reqwest"]),
    ("reqwest-middleware", &["tracewire-reqwest"]),
    ("saphyr-parser", &["tracewire-init"]),
    ("sqlx", &["tracewire-sqlx"]),
    ("sysinfo", &["tracewire-runtime"]),
    ("tower-layer", &["tracewire-reqwest", "tracewire-tower"]),
    // tracewire-tower makes log spans for tower-http's layer.
    ("tracing", &["tracewire-export", "tracewire-init", "tracewire-tower", "tracewire-tracing"]),
    ("tracing-subscriber", &["tracewire-init", "tracewire-tracing"]),
    ("ureq", &["tracewire-export"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().exec().expect("cargo can read the workspace")
}

fn dependencies(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

fn published(metadata: &Metadata) -> Vec<&Package> {
    metadata.packages.iter().filter(|package| package.publish != Some(Vec::new())).collect()
}

#[test]
fn arrows_point_down_only() {
    let metadata = metadata();
    let packages = published(&metadata);
    let names: BTreeSet<_> = packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, CRATES.iter().map(|(name, _)| *name).collect());

    for package in packages {
        let (_, allowed) = CRATES
            .iter()
            .find(|(name, _)| *name == package.name.as_str())
            .expect("every published package is listed");
        for dependency in dependencies(package) {
            assert!(
                !names.contains(dependency) || allowed.contains(&dependency),
                "{} may not depend on {dependency}",
                package.name,
            );
        }
    }
}

#[test]
fn guarded_crates_are_known_only_where_allowed() {
    let metadata = metadata();
    for package in published(&metadata) {
        for dependency in dependencies(package) {
            if let Some((_, allowed)) = GUARDED.iter().find(|(name, _)| *name == dependency) {
                assert!(
                    allowed.contains(&package.name.as_str()),
                    "{} may not know {dependency}",
                    package.name,
                );
            }
        }
    }
}

#[test]
fn every_package_takes_its_facts_and_lints_from_the_workspace() {
    let metadata = metadata();
    for package in &metadata.packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("it was just read");
        for line in
            ["edition.workspace = true", "license.workspace = true", "[lints]\nworkspace = true"]
        {
            assert!(manifest.contains(line), "{}: {line:?} is missing", package.name);
        }
    }
}

#[test]
fn every_package_is_named_as_its_folder() {
    for package in &metadata().packages {
        let folder = package.manifest_path.parent().and_then(|folder| folder.file_name());
        assert_eq!(folder, Some(package.name.as_str()));
    }
}

/// All of them are built into one folder, where the later one would replace the earlier.
#[test]
fn no_two_programs_have_the_same_name() {
    let metadata = metadata();
    let mut names = BTreeSet::new();
    for target in metadata.packages.iter().flat_map(|package| &package.targets) {
        if target.is_bin() || target.is_example() {
            assert!(names.insert(&target.name), "{} is built twice", target.name);
        }
    }
}

/// What several packages need is in a library, such as `tests/contract`.
#[test]
fn no_module_is_taken_from_another_crate() {
    let mut folders: Vec<_> = metadata()
        .packages
        .iter()
        .filter_map(|package| Some(package.manifest_path.parent()?.as_std_path().to_owned()))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it is a folder").flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(&path).expect("it is text");
                let attribute = ["#[", "path = \"../.."].concat();
                assert!(!source.contains(&attribute), "{}", path.display());
            }
        }
    }
}
