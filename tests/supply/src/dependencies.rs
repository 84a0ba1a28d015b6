//! What the packages of the workspace depend on.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Every dependency of other people's, by the name that our manifests use.
#[derive(Debug, Default)]
pub struct Direct {
    /// Those of published crates, each with the crates that have it.
    pub published: BTreeMap<String, BTreeSet<String>>,
    /// Those of tests, benches and examples alone.
    pub others: BTreeSet<String>,
}

/// Reads the manifests.
///
/// # Panics
///
/// If cargo cannot read the workspace.
#[must_use]
pub fn direct() -> Direct {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo can read the workspace");
    let mut direct = Direct::default();
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|own| own.path.is_none()) {
            let name = dependency.rename.clone().unwrap_or_else(|| dependency.name.clone());
            let used = is_published(package) && dependency.kind != DependencyKind::Development;
            if used {
                let crates = direct.published.entry(name).or_default();
                crates.insert(package.name.trim_start_matches("tracewire-").to_owned());
            } else {
                direct.others.insert(name);
            }
        }
    }
    direct.others.retain(|name| !direct.published.contains_key(name));
    direct
}

/// Every package below the published crates, with all of their features, on this platform.
///
/// # Panics
///
/// If cargo cannot read the workspace.
#[must_use]
pub fn below_published() -> Vec<Package> {
    let options = ["--all-features", "--filter-platform", env!("TARGET")];
    let options = options.map(str::to_owned).to_vec();
    let metadata = MetadataCommand::new().other_options(options).exec();
    let metadata = metadata.expect("cargo can read the workspace");
    let mut found = HashSet::new();
    for package in metadata.workspace_packages().into_iter().filter(|own| is_published(own)) {
        visit(&metadata, &package.id, &mut found);
    }
    let members: HashSet<_> = metadata.workspace_members.iter().cloned().collect();
    let mut packages: Vec<_> = metadata.packages.into_iter().collect();
    packages.retain(|package| found.contains(&package.id) && !members.contains(&package.id));
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages
}

fn visit(metadata: &Metadata, id: &PackageId, found: &mut HashSet<PackageId>) {
    if !found.insert(id.clone()) {
        return;
    }
    let nodes = metadata.resolve.as_ref().map(|resolve| &resolve.nodes).into_iter().flatten();
    let below = nodes.filter(|node| node.id == *id).flat_map(|node| &node.deps);
    for dependency in below {
        // Those that only build or test are not in what is built.
        if dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal) {
            visit(metadata, &dependency.pkg, found);
        }
    }
}

fn is_published(package: &Package) -> bool {
    package.publish != Some(Vec::new())
}
