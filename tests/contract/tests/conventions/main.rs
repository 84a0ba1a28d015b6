//! Every name in our sources, and every span, metric and event that is recorded, is as OpenTelemetry's registry
//! has it, in the version that `tracewire_http::conventions::SCHEMA_URL` states.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod events;
mod metrics;
mod registry;
mod spans;
mod values;

use registry::Registry;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// What names of the conventions begin with.
const NAMESPACES: [&str; 29] = [
    "aws",
    "azure",
    "client",
    "cloud",
    "code",
    "container",
    "cpu",
    "db",
    "deployment",
    "dns",
    "error",
    "exception",
    "faas",
    "gcp",
    "host",
    "http",
    "k8s",
    "network",
    "os",
    "otel",
    "process",
    "rpc",
    "server",
    "service",
    "system",
    "telemetry",
    "thread",
    "url",
    "user_agent",
];

/// Texts that look like names and are none, or are names on purpose that the registry does not have, and why.
const OTHERS: &[(&str, &str)] = &[
    ("aws.redshift", "a value of `db.system.name`"),
    ("azure.aks", "a value of `cloud.platform`"),
    ("azure.app_service", "a value of `cloud.platform`"),
    ("azure.container_apps", "a value of `cloud.platform`"),
    ("azure.cosmosdb", "a value of `db.system.name`"),
    ("azure.functions", "a value of `cloud.platform`"),
    ("azure.vm", "a value of `cloud.platform`"),
    ("client.request", "how Datadog's Agent names a client's span"),
    ("deployment.environment", "what Elastic's server reads"),
    ("gcp.bigquery", "a value of `db.system.name`"),
    ("gcp.spanner", "a value of `db.system.name`"),
    ("http.client.request", "how Datadog's Agent names a client's span"),
    ("http.client.request.time_in_queue", "proposed to the conventions, and .NET's name"),
    ("http.host", "what a rule of sampling may name by mistake"),
    ("http.method", "likewise"),
    ("http.request.header.", "the beginning of names"),
    ("http.response.header.", "the beginning of names"),
    ("http.server.request", "how Datadog's Agent names a server's span"),
    ("http.status_code", "what the live page reads of others"),
    ("http.target", "what a rule of sampling may name by mistake"),
    ("http.url", "likewise"),
    ("otel.dropped_attributes_count", "how Zipkin gets it"),
    ("rpc.grpc.status_code", "what a rule of sampling may name by mistake"),
    ("rpc.request.metadata.", "the beginning of names"),
    ("rpc.response.metadata.", "the beginning of names"),
    ("rpc.system", "what spans of others have"),
    ("server.request", "how Datadog's Agent names a server's span"),
    ("server.socket.domain", "what Zipkin's exporter reads of others"),
];

/// Every quoted text in our sources that has the form of a name, with the files that have it.
fn named() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates");
    for package in fs::read_dir(&crates).unwrap() {
        collect(&package.unwrap().path().join("src"), &mut found);
    }
    found
}

fn collect(folder: &Path, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            collect(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            let source = fs::read_to_string(&path).unwrap();
            let code = source.split("\nmod tests {").next().unwrap_or_default();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            for text in code.flat_map(|line| line.split('"').skip(1).step_by(2)) {
                if is_name(text) {
                    found.entry(text.to_owned()).or_default().insert(path.display().to_string());
                }
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_part =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._".contains(&byte);
    text.bytes().all(is_part)
        && text
            .split_once('.')
            .is_some_and(|(namespace, rest)| NAMESPACES.contains(&namespace) && !rest.is_empty())
}

#[test]
fn the_registry_has_the_version_that_is_stated() {
    let registry = Registry::read();
    assert!(registry.attributes.len() > 400 && registry.metrics.len() > 50);
    assert_eq!((registry.spans.len(), registry.events.len()), (5, 6));
    let url = format!("https://opentelemetry.io/schemas/{}", registry.version);
    assert_eq!(tracewire_http::conventions::SCHEMA_URL, url);
    let page = include_str!("../../../../docs/conventions.md");
    assert!(page.contains(&url) && page.contains(&format!("version {}", registry.version)));
}

#[test]
fn every_name_in_the_sources_is_in_the_registry_and_not_deprecated() {
    let registry = Registry::read();
    let named = named();
    assert!(named.len() > 100, "{named:?}");
    let mut wrong = Vec::new();
    for (name, files) in &named {
        let state = registry.state(name);
        let is_right = state.is_some_and(|state| state != "deprecated");
        let is_listed = OTHERS.iter().any(|(other, _)| other == name);
        if is_right == is_listed {
            wrong.push((name, files, state));
        }
    }
    assert!(wrong.is_empty(), "{} has not, or has after all:\n{wrong:#?}", registry.version);
    for (other, _) in OTHERS {
        assert!(named.contains_key(*other), "{other} is in no source");
    }
}

#[test]
fn names_are_as_stable_as_the_documentation_says() {
    let registry = Registry::read();
    let page = include_str!("../../../../docs/conventions.md");
    let (_, table) = page.split_once("## Names in development").unwrap();
    let listed: BTreeSet<_> = table.split('`').skip(1).step_by(2).collect();
    let development: BTreeSet<_> = named()
        .into_keys()
        .filter(|name| OTHERS.iter().all(|(other, _)| other != name))
        .filter(|name| registry.state(name).is_some_and(|state| state != "stable"))
        .collect();
    let unlisted: Vec<_> = development.iter().filter(|name| !listed.contains(&***name)).collect();
    assert!(unlisted.is_empty(), "in development, and not listed: {unlisted:?}");
    let stable: Vec<_> = listed
        .iter()
        .filter(|name| is_name(name) && !development.contains(**name))
        .filter(|name| OTHERS.iter().all(|(other, _)| other != *name))
        .collect();
    assert!(stable.is_empty(), "listed, and not in development: {stable:?}");
}
