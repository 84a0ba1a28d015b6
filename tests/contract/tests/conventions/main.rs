//! Every name in our sources, and every metric that is measured, is as OpenTelemetry's registry has it.
//!
//! The registry's crate may be a version behind the conventions that we follow, which is
//! `tracewire_http::conventions::SCHEMA_URL`; what is newer is listed here.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod registry;

use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::Empty;
use opentelemetry::Context;
use registry::Registry;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};
use tracewire_http::{
    ClientRequest, ClientResponse, Outcome, RpcMethods, Scheme,
    wiring::{ClientCall, ClientSettings, ServerCall, ServerSettings},
};
use tracewire_testing::{Capture, MetricKind, Metrics};

/// What names of the conventions begin with.
const NAMESPACES: [&str; 27] = [
    "aws",
    "azure",
    "client",
    "cloud",
    "code",
    "container",
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
    "telemetry",
    "thread",
    "url",
    "user_agent",
];

/// Texts that look like names and are none, or are names on purpose that the registry does not have, and why.
const OTHERS: &[(&str, &str)] = &[
    ("aws.redshift", "a value of `db.system.name`"),
    ("azure.app_service", "a value of `cloud.platform`"),
    ("azure.container_apps", "a value of `cloud.platform`"),
    ("azure.cosmosdb", "a value of `db.system.name`"),
    ("azure.functions", "a value of `cloud.platform`"),
    ("client.request", "how Datadog's Agent names a client's span"),
    ("deployment.environment", "what Elastic's server reads"),
    ("gcp.bigquery", "a value of `db.system.name`"),
    ("gcp.spanner", "a value of `db.system.name`"),
    ("http.client.request", "how Datadog's Agent names a client's span"),
    ("http.client.request.time_in_queue", "proposed to the conventions, and .NET's name"),
    ("http.request.header.", "the beginning of names"),
    ("http.response.header.", "the beginning of names"),
    ("http.server.request", "how Datadog's Agent names a server's span"),
    ("http.status_code", "what the live page reads of others"),
    ("otel.dropped_attributes_count", "how Zipkin gets it"),
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
fn every_name_in_the_sources_is_in_the_registry_and_not_deprecated() {
    let registry = Registry::read();
    assert!(registry.attributes.len() > 900 && registry.metrics.len() > 500);
    let named = named();
    assert!(named.len() > 100, "{named:?}");
    let mut wrong = Vec::new();
    for (name, files) in &named {
        let entry = registry.attributes.get(name).or_else(|| registry.metrics.get(name));
        let is_right = entry.is_some_and(|entry| !entry.is_deprecated);
        let is_listed = OTHERS.iter().any(|(other, _)| other == name);
        if is_right == is_listed {
            wrong.push((name, files, entry));
        }
    }
    assert!(wrong.is_empty(), "{} has not, or has after all:\n{wrong:#?}", registry.schema_url);
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
        .filter(|name| {
            let entry = registry.attributes.get(name).or_else(|| registry.metrics.get(name));
            entry.is_some_and(|entry| !entry.is_stable)
        })
        .collect();
    let unlisted: Vec<_> = development.iter().filter(|name| !listed.contains(&***name)).collect();
    assert!(unlisted.is_empty(), "in development, and not listed: {unlisted:?}");
    let stable: Vec<_> = listed
        .iter()
        .filter(|name| is_name(name) && !development.contains(**name))
        .filter(|name| OTHERS.iter().all(|(other, _)| other != *name))
        .collect();
    assert!(stable.is_empty(), "listed, and not in development: {stable:?}");
    assert!(page.contains(tracewire_http::conventions::SCHEMA_URL));
}

/// The metrics of a request and a call, over HTTP and over gRPC, with all that can be measured.
fn measured() -> Metrics {
    let capture = Capture::new();
    let mut grpc = HeaderMap::new();
    grpc.insert("content-type", "application/grpc".parse().unwrap());
    let server = ServerSettings::new("conventions", "1")
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .active_requests(true)
        .body_sizes(true)
        .synthetic_user_agents(true)
        .grpc(RpcMethods::any());
    let server = Arc::new(server);
    let client = ClientSettings::new("conventions", "1")
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .active_requests(true)
        .body_sizes(true)
        .grpc(RpcMethods::any());
    let client = Arc::new(client);
    for (headers, path) in [(HeaderMap::new(), "/users/1"), (grpc, "/s.S/M")] {
        let mut request = Request::new(());
        *request.headers_mut() = headers.clone();
        *request.uri_mut() = path.parse().unwrap();
        request.headers_mut().insert("content-length", "7".parse().unwrap());
        request.headers_mut().insert("user-agent", "Googlebot/2.1".parse().unwrap());
        let (mut scope, _) = ServerCall::begin(&server, &request);
        let exchange = scope.exchange().unwrap();
        exchange.add_response_size(7);
        exchange.set_status(StatusCode::INTERNAL_SERVER_ERROR);
        drop(ServerCall::respond(scope, Response::new(Empty::<bytes::Bytes>::new())));

        let (method, url) = (Method::GET, format!("http://h.example{path}"));
        let mut request = ClientRequest::new(&method, &url, Scheme::Http, "h.example", 80);
        request.headers = Some(&headers);
        request.body_size = Some(7);
        request.template = Some("/users/{id}");
        let mut extensions = Extensions::new();
        let call = ClientCall::start(&client, &Context::new(), request, &mut extensions);
        let (mut call, none) = (call.unwrap(), HeaderMap::new());
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        let mut response = ClientResponse::new(status, Version::HTTP_11, &none);
        response.body_size = Some(7);
        call.set_response(&response);
        call.end(Outcome::Complete);
    }
    capture.metrics()
}

#[test]
fn every_metric_has_the_kind_unit_description_and_attributes_of_the_registry() {
    let registry = Registry::read();
    let measured = measured();
    let names: BTreeSet<_> = measured.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(
        names,
        BTreeSet::from([
            "http.client.active_requests",
            "http.client.request.body.size",
            "http.client.request.duration",
            "http.client.response.body.size",
            "http.server.active_requests",
            "http.server.request.body.size",
            "http.server.request.duration",
            "http.server.response.body.size",
            "rpc.client.call.duration",
            "rpc.server.call.duration",
        ])
    );
    for metric in measured.iter() {
        let entry = &registry.metrics[&metric.name];
        let kind = match metric.kind {
            MetricKind::Histogram => "histogram",
            _ => "updowncounter",
        };
        assert_eq!(entry.property("Instrument"), kind, "{}", metric.name);
        assert_eq!(entry.property("Unit"), metric.unit, "{}", metric.name);
        let description = metric.description.trim_end_matches('.');
        assert_eq!(entry.description(), description, "{}", metric.name);
        for attribute in metric.points.iter().flat_map(|point| &point.attributes) {
            let known = &registry.attributes[attribute.key.as_str()];
            assert!(entry.has_attribute(known), "{} {}", metric.name, attribute.key);
        }
    }
}
