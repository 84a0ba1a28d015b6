//! Jaeger 2, built from its module: traces in by OTLP, asked back through its query API.

use super::{example::Example, go::version};
use crate::{
    chain::{Hop, is_chain},
    http,
    lab::{Lab, free_port},
    peer::without_tracers,
    process::Process,
    relay::expect,
    row::{Checks, System},
};
use serde_json::{Map, Value, json};
use std::{
    process::Command,
    time::{Duration, Instant},
};

pub(crate) const SYSTEMS: &[System] = &[System { name: "Jaeger", check }];

const MODULE: &str = "github.com/jaegertracing/jaeger";
const PROGRAM: &str = "github.com/jaegertracing/jaeger/cmd/jaeger";
/// How long it may take until it listens.
const START: Duration = Duration::from_secs(60);
/// How long spans may be on their way.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// A call of somebody whom Jaeger knows nothing about.
const PARENT: &str = "051581bf3cb55c13";

fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    // Version 2 of the program is published with version 1 of the module.
    checks.version(format!("2 (module {})", version(lab, "jaeger", MODULE)?));
    let jaeger = Jaeger::start(lab)?;

    let library = Example::start(
        lab,
        "jaeger-service",
        &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &jaeger.http),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
            ("JAEGER_UI", &jaeger.query),
        ],
    )?;
    checks.check("a trace by OTLP is asked back: tree, tags, kinds, event", || {
        found(&jaeger, &library)
    });
    checks.check("errors are marked, with their messages", || failed(&jaeger, &library));
    checks.check("its services and operations are ours, and a search finds the error", || {
        searched(&jaeger)
    });
    checks.check("its newer API (v3) gives the same spans", || newer(&jaeger, &library));
    checks.check("the page of a trace is where the example says", || page(&library));
    checks.check("what calls spent on their connections, as tags and spans", || {
        connections(lab, &jaeger)
    });
    expect("what the service says of it", library.stop()?.lines().count(), 1)?;

    for protocol in ["grpc", "http/protobuf", "http/json"] {
        checks.check(&format!("uber-trace-id in, {protocol}, a tree out"), || {
            joined(lab, &jaeger, protocol)
        });
    }
    Ok(())
}

fn found(jaeger: &Jaeger, library: &Example) -> Result<(), String> {
    let trace_id = "5b8aa5a2d2c872e8321cf37308d69df2";
    let header = format!("{trace_id}:{PARENT}:0:1");
    http::get(&format!("{}/books/emma", library.url()), &[("uber-trace-id", &header)])?;
    let trace = jaeger.trace(trace_id, 4)?;
    is_chain(
        &trace.hops(),
        trace_id,
        &["library server", "library internal", "library client", "library server"],
    )?;
    for span in &trace.spans {
        expect("errors", tags(span).get("error"), None)?;
    }
    let server = trace.span("GET /books/{title}")?;
    expect("the caller's span", server["references"][0]["spanID"].as_str(), Some(PARENT))?;
    let port = library.url().rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let mut got = tags(server);
    got.insert("network.peer.port".into(), "…".into()); // whatever was free
    got.remove("user_agent.original");
    let expected = json!({
        "client.address": "127.0.0.1",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/books/{title}",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": "…",
        "network.protocol.version": "1.1",
        "otel.scope.name": "tracewire-tower",
        "otel.scope.version": env!("CARGO_PKG_VERSION"),
        "server.address": "127.0.0.1",
        "server.port": port,
        "span.kind": "server",
        "url.path": "/books/emma",
        "url.scheme": "http",
    });
    expect("tags of the server's span", Value::Object(got), expected)?;

    let find = trace.span("find book")?;
    let expected = json!({
        "book.title": "emma",
        "otel.scope.name": "tracewire-span",
        "otel.scope.version": env!("CARGO_PKG_VERSION"),
        "span.kind": "internal",
    });
    expect("tags of the span by hand", Value::Object(tags(find)), expected)?;
    let events: Vec<_> = find["logs"].as_array().into_iter().flatten().map(fields).collect();
    expect("events", events, vec![json!({"event": "found", "book.shelf": "1"})])?;
    let process = fields(&json!({ "fields": trace.processes["p1"]["tags"] }));
    expect("the SDK's language", process["telemetry.sdk.language"].as_str(), Some("rust"))
}

fn failed(jaeger: &Jaeger, library: &Example) -> Result<(), String> {
    let trace_id = "8d0a1d2b6f7c4e5591a2b3c4d5e6f708";
    let header = format!("{trace_id}:{PARENT}:0:1");
    let url = format!("{}/books/necronomicon", library.url());
    let answer = http::get(&url, &[("uber-trace-id", &header)]);
    expect("the answer is 502", answer.is_err_and(|error| error.contains("502")), true)?;
    let trace = jaeger.trace(trace_id, 4)?;
    for span in &trace.spans {
        let tags = tags(span);
        expect("error", tags.get("error"), Some(&json!(true)))?;
        expect("status", tags.get("otel.status_code"), Some(&json!("ERROR")))?;
    }
    let types = ["GET /books/{title}", "GET", "GET /shelves/{title}"]
        .map(|name| trace.span(name).map(|span| tags(span)["error.type"].clone()));
    expect("error types", types, ["502", "500", "500"].map(|status| Ok(json!(status))))?;
    let find = trace.span("find book")?;
    let said = "HTTP status server error (500 Internal Server Error)";
    expect("message", &tags(find)["otel.status_description"], &json!(said))?;
    let event = fields(&find["logs"][0]);
    expect("event", &event["event"], &json!("exception"))?;
    expect("exception.message", &event["exception.message"], &json!(said))
}

fn searched(jaeger: &Jaeger) -> Result<(), String> {
    let data = |path: &str| {
        let mut answer = http::get_json(&format!("{}/api/{path}", jaeger.query))?;
        Ok::<_, String>(answer["data"].take())
    };
    expect("services", data("services")?, json!(["library"]))?;
    let mut operations = data("services/library/operations")?;
    let names = operations.as_array_mut().ok_or("operations are a list")?;
    names.sort_by_key(ToString::to_string);
    let expected = json!(["GET /books/{title}", "GET /shelves/{title}", "GET", "find book"]);
    expect("operations", operations, expected)?;
    // Not by `error`: in memory, Jaeger compares its boolean with the query's text.
    let failed = http::encoded(r#"{"error.type":"502","http.route":"/books/{title}"}"#);
    let traces = data(&format!("traces?service=library&limit=10&tags={failed}"))?;
    let ids: Vec<_> = traces
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|trace| trace["traceID"].as_str())
        .collect();
    expect("failed traces", ids, vec!["8d0a1d2b6f7c4e5591a2b3c4d5e6f708"])
}

/// Its answer is OTLP, as it came in.
fn newer(jaeger: &Jaeger, library: &Example) -> Result<(), String> {
    let trace_id = "a2fb4a1d1a96d312b7ad6b7169203331";
    let header = format!("{trace_id}:{PARENT}:0:1");
    http::get(&format!("{}/books/ulysses", library.url()), &[("uber-trace-id", &header)])?;
    jaeger.trace(trace_id, 4)?;
    let answer = http::get_json(&format!("{}/api/v3/traces/{trace_id}", jaeger.query))?;
    let list = |of: &Value, key: &str| of[key].as_array().cloned().unwrap_or_default();
    let mut spans: Vec<_> = list(&answer["result"], "resourceSpans")
        .iter()
        .flat_map(|resource| list(resource, "scopeSpans"))
        .flat_map(|scope| {
            let name = scope["scope"]["name"].clone();
            list(&scope, "spans")
                .into_iter()
                .map(move |span| json!([span["traceId"], name, span["name"], span["kind"]]))
        })
        .collect();
    spans.sort_by_key(Value::to_string);
    let mut expected = vec![
        json!([trace_id, "tracewire-reqwest", "GET", 3]),
        json!([trace_id, "tracewire-span", "find book", 1]),
        json!([trace_id, "tracewire-tower", "GET /books/{title}", 2]),
        json!([trace_id, "tracewire-tower", "GET /shelves/{title}", 2]),
    ];
    expected.sort_by_key(Value::to_string);
    expect("spans", spans, expected)
}

fn page(library: &Example) -> Result<(), String> {
    let answer = http::get(&format!("{}/books/emma", library.url()), &[])?;
    let page = answer.split_whitespace().last().unwrap_or_default();
    let html = http::get(page, &[])?;
    expect(&format!("{page} is a page"), html.contains("<html"), true)
}

/// Three calls: one connects, one reuses its connection, and one finds no host.
fn connections(lab: &Lab, jaeger: &Jaeger) -> Result<(), String> {
    let mut command = Command::new(lab.build("client-phases", "client-phases")?);
    without_tracers(&mut command);
    command.env("OTEL_TRACES_EXPORTER", "otlp").env("OTEL_EXPORTER_OTLP_ENDPOINT", &jaeger.http);
    let log = lab.log("client-phases");
    Process::start("client-phases", &mut command, &log)?.finished(PATIENCE)?;
    let found =
        http::get_json(&format!("{}/api/traces?service=client-phases&limit=1", jaeger.query))?;
    let trace_id = found["data"][0]["traceID"].as_str().ok_or("no trace of client-phases")?;
    let trace = jaeger.trace(trace_id, 9)?;

    let mut calls: Vec<_> =
        trace.spans.iter().filter(|span| span["operationName"] == "GET").collect();
    calls.sort_by_key(|call| call["startTime"].as_u64());
    let phase = "tracewire.connection.dns.duration";
    let waited: Vec<_> = calls
        .iter()
        .map(|call| tags(call).get(phase).and_then(Value::as_f64).is_some_and(|took| took >= 0.05))
        .collect();
    expect("lookups of 50 ms", waited, vec![true, false, true])?;
    let failed = &tags(calls[2])["tracewire.connection.failed_phase"];
    expect("the phase that failed", failed, &json!("dns"))?;

    let lookup = trace.span("DNS lookup")?;
    let setup = trace
        .spans
        .iter()
        .find(|span| span["spanID"] == lookup["references"][0]["spanID"])
        .ok_or("the lookup has no parent")?;
    expect("the lookup's parent", &setup["operationName"], &json!("HTTP connection_setup"))?;
    let parent = &setup["references"][0]["spanID"];
    expect("its parent is a call", calls.iter().any(|call| &call["spanID"] == parent), true)
}

/// Two of ours by every protocol.
fn joined(lab: &Lab, jaeger: &Jaeger, protocol: &str) -> Result<(), String> {
    let (trace_id, endpoint) = match protocol {
        "grpc" => ("c2d1e0f918273645", &jaeger.grpc), // of 64 bits, as old clients make them
        "http/protobuf" => ("c2d1e0f9182736450000000000000001", &jaeger.http),
        _ => ("c2d1e0f9182736450000000000000002", &jaeger.http),
    };
    let start = |service| {
        lab.ours(&[
            ("OTEL_SERVICE_NAME", service),
            ("OTEL_PROPAGATORS", "jaeger"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ])
    };
    let (shop, items) = (start("shop")?, start("items")?);
    let url = shop.relay(&format!("{}/boom", items.url()));
    let header = format!("{trace_id}:{PARENT}:0:1");
    http::get(&url, &[("uber-trace-id", &header)])?;
    expect("complaints of our services", shop.stop()? + &items.stop()?, String::new())?;
    let trace = jaeger.trace(trace_id, 3)?;
    is_chain(&trace.hops(), trace_id, &["shop server", "shop client", "items server"])?;
    let errors: Vec<_> = trace.spans.iter().map(|span| tags(span).contains_key("error")).collect();
    expect("spans with errors", errors.iter().filter(|error| **error).count(), 2)
}

/// A running Jaeger that keeps traces in memory.
pub(super) struct Jaeger {
    _process: Process,
    grpc: String,
    pub(super) http: String,
    query: String,
}

/// A trace as its query API gives it.
pub(super) struct Trace {
    pub(super) spans: Vec<Value>,
    processes: Value,
}

impl Jaeger {
    pub(super) fn start(lab: &Lab) -> Result<Self, String> {
        let [grpc, http, query] = [(); 3].map(|()| free_port());
        let mut command = Command::new(lab.go("jaeger", PROGRAM)?);
        without_tracers(&mut command);
        let config = lab.source("jaeger").join("config.yaml");
        command.arg(format!("--config=file:{}", config.display()));
        command.env("GRPC_PORT", grpc.to_string()).env("HTTP_PORT", http.to_string());
        command.env("QUERY_PORT", query.to_string());
        let mut process = Process::start("jaeger", &mut command, &lab.log("jaeger"))?;
        for port in [grpc, http, query] {
            process.listening(port, START)?;
        }
        let url = |port| format!("http://127.0.0.1:{port}");
        Ok(Self { _process: process, grpc: url(grpc), http: url(http), query: url(query) })
    }

    /// A trace, once it has as many spans.
    pub(super) fn trace(&self, trace_id: &str, spans: usize) -> Result<Trace, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = http::get_json(&format!("{}/api/traces/{trace_id}", self.query));
            let found = match &answer {
                Ok(answer) => answer["data"][0]["spans"].as_array().map_or(0, Vec::len),
                Err(error) if error.contains("404") => 0,
                Err(error) => return Err(error.clone()),
            };
            if let Ok(mut answer) = answer
                && found == spans
            {
                let mut data = answer["data"][0].take();
                let spans = data["spans"].as_array().cloned().unwrap_or_default();
                return Ok(Trace { spans, processes: data["processes"].take() });
            }
            if Instant::now() > deadline {
                return Err(format!("Jaeger has {found} of {spans} spans of {trace_id}"));
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Trace {
    fn hops(&self) -> Vec<Hop> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let hop = |span: &Value| Hop {
            service: text(&self.processes[text(&span["processID"])]["serviceName"]),
            kind: text(&tags(span)["span.kind"]),
            trace_id: text(&span["traceID"]),
            span_id: text(&span["spanID"]),
            parent: span["references"][0]["spanID"].as_str().map(str::to_owned),
        };
        self.spans.iter().map(hop).collect()
    }

    fn span(&self, name: &str) -> Result<&Value, String> {
        let found = self.spans.iter().find(|span| span["operationName"] == name);
        found.ok_or_else(|| format!("Jaeger has no span {name:?}"))
    }
}

pub(super) fn tags(span: &Value) -> Map<String, Value> {
    pairs(&span["tags"])
}

fn fields(log: &Value) -> Value {
    Value::Object(pairs(&log["fields"]))
}

fn pairs(list: &Value) -> Map<String, Value> {
    let pairs = list.as_array().into_iter().flatten();
    pairs
        .map(|pair| (pair["key"].as_str().unwrap_or_default().to_owned(), pair["value"].clone()))
        .collect()
}
