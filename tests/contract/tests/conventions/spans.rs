//! Spans, as they are recorded.

use crate::{
    registry::{Levels, Registry},
    values::{clients, databases, servers},
};
use std::collections::BTreeSet;
use tracewire_testing::{Capture, Span};

/// Attributes that the conventions recommend or want on a condition, and that no span below has, and why.
const NEVER: &[(&str, &str)] = &[
    ("db.collection.name", "the summary of a query has it, and one alone would be a guess"),
    ("db.operation.batch.size", "not known of a query"),
    ("db.operation.name", "the summary of a query has it"),
    ("db.response.returned_rows", "not known of a query"),
    ("db.stored_procedure.name", "the summary of a query has it"),
    ("http.request.resend_count", "checked with retries and redirects, in the clients' contract"),
    ("network.peer.address", "of a database not known; checked for HTTP apart"),
    ("network.peer.port", "likewise"),
    ("network.protocol.name", "it is always `http`"),
];

/// What spans of HTTP clients have beside what the conventions list for them.
const GENERAL: [&str; 1] = ["service.peer.name"];

/// The conventions' name for a span of ours, by what it has.
fn convention(span: &Span) -> &'static str {
    let has = |key: &str| span.attribute(key).is_some();
    let is_server = format!("{:?}", span.kind) == "Server";
    match (has("db.system.name"), has("rpc.system.name"), is_server) {
        (true, ..) => "db.client",
        (_, true, true) => "rpc.grpc.call.server",
        (_, true, false) => "rpc.grpc.call.client",
        (_, _, true) => "http.server",
        _ => "http.client",
    }
}

fn recorded(with_options: bool) -> Vec<Span> {
    let capture = Capture::new();
    servers(&capture, with_options);
    clients(&capture, with_options);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    drop(runtime.block_on(capture.run(databases())));
    // Waits for a connection are spans of the pool's own.
    let spans = capture.spans().without("wait for connection");
    spans.iter().cloned().collect()
}

/// The attributes of a span of this convention, and those that may stand on any.
fn levels(registry: &Registry, convention: &str) -> Levels {
    let mut levels = registry.spans[convention].1.clone();
    if convention.starts_with("rpc.") {
        // Only the model's prose says so, since the value is that of the convention.
        levels.insert("rpc.system.name".to_owned(), "required".to_owned());
        // gRPC is HTTP below.
        for name in ["http.request.body.size", "http.response.body.size"] {
            levels.insert(name.to_owned(), "opt_in".to_owned());
        }
    }
    if convention.ends_with("client") {
        levels.extend(GENERAL.map(|name| (name.to_owned(), "opt_in".to_owned())));
    }
    levels
}

#[test]
fn every_span_has_the_kind_and_the_attributes_of_its_convention() {
    let registry = Registry::read();
    for with_options in [false, true] {
        let spans = recorded(with_options);
        let found: BTreeSet<_> = spans.iter().map(convention).collect();
        assert_eq!(found.len(), registry.spans.len(), "{found:?}");
        for span in &spans {
            let convention = convention(span);
            let kind = format!("{:?}", span.kind).to_lowercase();
            assert_eq!(kind, registry.spans[convention].0, "{span:?}");
            let faults = registry.faults(&span.attributes, &levels(&registry, convention));
            assert!(faults.is_empty(), "{convention} {faults:#?}\n{span:?}");
        }
    }
}

#[test]
fn attributes_of_level_opt_in_are_there_by_option_only_and_all_others_where_they_are_known() {
    let registry = Registry::read();
    let (by_default, with_options) = (recorded(false), recorded(true));
    for convention in registry.spans.keys() {
        let levels = levels(&registry, convention);
        let names = |spans: &[Span]| -> BTreeSet<String> {
            let spans = spans.iter().filter(|span| self::convention(span) == convention);
            let keys = spans.flat_map(|span| &span.attributes).map(|pair| pair.key.as_str());
            keys.map(|key| registry.of_key(key).unwrap().0.to_owned()).collect()
        };
        let of_default = names(&by_default);
        let opted: Vec<_> = of_default.iter().filter(|name| levels[*name] == "opt_in").collect();
        assert!(opted.is_empty(), "{convention}: {opted:?} without an option");
        let all: BTreeSet<_> = of_default.union(&names(&with_options)).cloned().collect();
        let wanted = levels.iter().filter(|(_, level)| *level != "opt_in").map(|(name, _)| name);
        let missing: Vec<_> = wanted
            .filter(|name| !all.contains(*name))
            .filter(|name| NEVER.iter().all(|(never, _)| never != name))
            .collect();
        assert!(missing.is_empty(), "{convention}: {missing:?} on no span");
    }
    let http = by_default.iter().filter(|span| convention(span).starts_with("http."));
    assert!(
        http.clone().count() == 8
            && http.clone().all(|span| span.attribute("network.peer.port").is_some())
    );
}
