//! Zipkin's server: callers that speak B3 in, spans out through the exporter `zipkin`, asked back.

use crate::{
    chain::{Hop, is_chain},
    http,
    lab::{Lab, free_port},
    peer::Peer,
    process::Process,
    relay::expect,
    row::{Checks, System},
    systems::example::Example,
};
use serde_json::{Value, json};
use std::{
    process::Command,
    time::{Duration, Instant},
};

pub(crate) const SYSTEMS: &[System] = &[System { name: "Zipkin", check }];

const SERVER: &str = "io.zipkin:zipkin-server:3.6.1:jar:exec";
/// How long it may take until it listens.
const START: Duration = Duration::from_secs(90);
/// How long spans may be on their way.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// Somebody who calls us in a trace, as Zipkin's tracers do.
struct Caller {
    what: &'static str,
    propagators: &'static str,
    headers: &'static [(&'static str, &'static str)],
    trace_id: &'static str,
}

/// The span of every caller.
const CALL: &str = "e457b5a2e4d86bd1";

const CALLERS: [Caller; 4] = [
    Caller {
        what: "b3 in, a tree out",
        propagators: "b3",
        headers: &[("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90")],
        trace_id: "80f198ee56343ba864fe8b2a57d3eff7",
    },
    Caller {
        what: "X-B3-… in, a tree out",
        propagators: "b3multi",
        headers: &[
            ("X-B3-TraceId", "463ac35c9f6413ad48485a3953bb6124"),
            ("X-B3-SpanId", CALL),
            ("X-B3-ParentSpanId", "05e3ac9a4f6e3b90"),
            ("X-B3-Sampled", "1"),
        ],
        trace_id: "463ac35c9f6413ad48485a3953bb6124",
    },
    Caller {
        what: "X-B3-… with a trace id of 64 bits in, a tree out",
        propagators: "b3multi",
        headers: &[
            ("X-B3-TraceId", "4e441824ec2b6a44"),
            ("X-B3-SpanId", CALL),
            ("X-B3-Sampled", "1"),
        ],
        trace_id: "4e441824ec2b6a44",
    },
    Caller {
        what: "the debug flag in, a tree out",
        propagators: "b3multi",
        headers: &[
            ("X-B3-TraceId", "5982fe77008310cc80f1da5e10147519"),
            ("X-B3-SpanId", CALL),
            ("X-B3-Flags", "1"),
        ],
        trace_id: "5982fe77008310cc80f1da5e10147519",
    },
];

fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    let zipkin = Zipkin::start(lab)?;
    let info = http::get_json(&format!("{}/info", zipkin.url))?;
    checks.version(info["zipkin"]["version"].as_str().unwrap_or("unknown"));

    let services = Services::start(lab, &zipkin, "b3")?;
    // First, while there is nothing else to count.
    checks.check(
        "a caller's own span is the parent of ours, not shared; services are linked",
        || parent_of_ours(&zipkin, &services),
    );
    checks.check("errors are tagged; kinds, names, endpoints and every tag", || {
        error(&zipkin, &services)
    });
    let (trace_id, not_sampled) =
        ("d2f9288a2904503d25f0d8a1e3d1d9c7", "d2f9288a2904503d25f0d8a1e3d1d9c7-e457b5a2e4d86bd1-0");
    http::get(&services.to_item(), &[("b3", not_sampled)])?;
    let said = services.stop()?; // sends what they hold
    checks.check("unsampled traces do not arrive, and nobody complains", || {
        expect("complaints of our services", said.as_str(), "")?;
        let spans = zipkin.trace(trace_id)?;
        expect("spans", spans.len(), 0)
    });

    for caller in CALLERS {
        let services = Services::start(lab, &zipkin, caller.propagators)?;
        checks.check(caller.what, || {
            http::get(&services.to_item(), caller.headers)?;
            is_tree(&zipkin.received(caller.trace_id, 3)?, caller.trace_id)
        });
        services.stop()?;
    }
    let endpoint = format!("{}/api/v2/spans", zipkin.url);
    let environment =
        [("OTEL_EXPORTER_ZIPKIN_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let barista = Example::start(lab, "zipkin-service", &environment)?;
    checks.check("our example: an error with its text, an event as an annotation", || {
        example(&zipkin, &barista)
    });
    Ok(())
}

fn example(zipkin: &Zipkin, barista: &Example) -> Result<(), String> {
    let brew = |trace_id: &str, kind: &str| {
        let b3 = format!("{trace_id}-{CALL}-1");
        let answer = http::get(&format!("{}/coffee/{kind}", barista.url()), &[("b3", &b3)]);
        let spans = zipkin.received(trace_id, 2)?;
        is_chain(&hops(&spans), trace_id, &["barista server", "barista "])?;
        let brew = spans.into_iter().find(|span| span["name"] == "brew").ok_or("no span brew")?;
        Ok::<_, String>((answer.is_ok(), brew))
    };
    let (served, latte) = brew("6f0b5ac9e1d8f1a2c3b4d5e6f7081920", "latte")?;
    expect("a latte is served", served, true)?;
    expect("its error", latte["tags"].get("error"), None)?;
    let annotations: Vec<_> = latte["annotations"].as_array().into_iter().flatten().collect();
    let values: Vec<_> = annotations.iter().map(|one| &one["value"]).collect();
    expect("annotations", values, vec![&json!(r#"{"beans ground":{"coffee.beans":"9"}}"#)])?;
    let (served, mocha) = brew("7a1c6bd0f2e9a2b3d4c5e6f708192a3b", "mocha")?;
    expect("a mocha is served", served, false)?;
    expect("its error", mocha["tags"]["error"].as_str(), Some("no chocolate left"))
}

/// Reports the caller's span as well, as a tracer of Zipkin's would.
fn parent_of_ours(zipkin: &Zipkin, services: &Services) -> Result<(), String> {
    let trace_id = "a3ce929d0e0e47364bf92f3577b34da6";
    http::get(&services.to_item(), &[("b3", &format!("{trace_id}-{CALL}-1"))])?;
    zipkin.report(&json!([{
        "traceId": trace_id,
        "id": CALL,
        "kind": "CLIENT",
        "name": "get",
        "timestamp": micros_now(),
        "duration": 1000,
        "localEndpoint": {"serviceName": "frontend"},
    }]))?;
    let spans = zipkin.received(trace_id, 4)?;
    // A server that took the caller's span id for its own would be marked so.
    let shared: Vec<_> = spans.iter().filter(|span| span["shared"] == true).collect();
    expect("shared spans", shared, vec![])?;
    let order = ["frontend client", "shop server", "shop client", "items server"];
    is_chain(&hops(&spans), trace_id, &order)?;
    let links = http::get_json(&format!(
        "{}/api/v2/dependencies?endTs={}",
        zipkin.url,
        micros_now() / 1000 + 1
    ))?;
    let mut links: Vec<_> = links.as_array().cloned().unwrap_or_default();
    links.sort_by_key(|link| link["parent"].to_string());
    let expected = vec![
        json!({"parent": "frontend", "child": "shop", "callCount": 1}),
        json!({"parent": "shop", "child": "items", "callCount": 1}),
    ];
    expect("links", links, expected)
}

/// A call that fails, with all that Zipkin shows of it.
fn error(zipkin: &Zipkin, services: &Services) -> Result<(), String> {
    let trace_id = "1f16b0811acd1dc9d0a4c0f8c5b3f3a1";
    let url = format!("{}/boom", services.items.url());
    http::get(&services.shop.relay(&url), &[("b3", &format!("{trace_id}-{CALL}-1"))])?;
    let spans = zipkin.received(trace_id, 3)?;
    is_tree(&spans, trace_id)?;
    let find = |kind: &str, name: &str| {
        let span = spans.iter().find(|span| span["kind"] == kind && service(span) == name);
        span.ok_or_else(|| format!("no {kind} of {name}"))
    };
    let (client, server) = (find("CLIENT", "shop")?, find("SERVER", "items")?);
    // Zipkin itself shows names in lower case.
    expect("name of the client's span", client["name"].as_str(), Some("get"))?;
    expect("its other side", &client["remoteEndpoint"], &json!({"serviceName": "127.0.0.1"}))?;
    let port = services.items.url().rsplit(':').next().unwrap_or_default();
    let failed = json!({
        "error": "",
        "error.type": "500",
        "http.request.method": "GET",
        "http.response.status_code": "500",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "network.protocol.version": "1.1",
        "otel.scope.name": "tracewire-reqwest",
        "otel.scope.version": env!("CARGO_PKG_VERSION"),
        "otel.status_code": "ERROR",
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.full": url,
    });
    expect("tags of the client's span", &client["tags"], &failed)?;
    expect("name of the server's span", server["name"].as_str(), Some("get /boom"))?;
    expect("its other side", server.get("remoteEndpoint"), None)?;
    let mut tags = server["tags"].clone();
    tags["network.peer.port"] = "…".into(); // whatever was free
    let failed = json!({
        "client.address": "127.0.0.1",
        "error": "",
        "error.type": "500",
        "http.request.method": "GET",
        "http.response.status_code": "500",
        "http.route": "/boom",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": "…",
        "network.protocol.version": "1.1",
        "otel.scope.name": "tracewire-tower",
        "otel.scope.version": env!("CARGO_PKG_VERSION"),
        "otel.status_code": "ERROR",
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.path": "/boom",
        "url.scheme": "http",
    });
    expect("tags of the server's span", &tags, &failed)
}

/// Ours under the caller's span: shop, its call, items; each within its parent.
fn is_tree(spans: &[Value], trace_id: &str) -> Result<(), String> {
    is_chain(&hops(spans), trace_id, &["shop server", "shop client", "items server"])?;
    let calls = spans.iter().filter(|span| span["parentId"] == CALL).count();
    expect("spans under the caller's", calls, 1)?;
    let mut times: Vec<_> = spans
        .iter()
        .map(|span| {
            let (start, duration) = (span["timestamp"].as_u64(), span["duration"].as_u64());
            (start.unwrap_or_default(), start.unwrap_or_default() + duration.unwrap_or_default())
        })
        .collect();
    times.sort_unstable();
    let nested = times.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[1].1 <= pair[0].1);
    expect(&format!("each within the one above: {times:?}"), nested, true)
}

/// Two of ours: the shop calls the items.
struct Services {
    shop: Peer,
    items: Peer,
}

impl Services {
    fn start(lab: &Lab, zipkin: &Zipkin, propagators: &str) -> Result<Self, String> {
        let endpoint = format!("{}/api/v2/spans", zipkin.url);
        let start = |service| {
            lab.ours(&[
                ("OTEL_SERVICE_NAME", service),
                ("OTEL_PROPAGATORS", propagators),
                ("OTEL_TRACES_EXPORTER", "zipkin"),
                ("OTEL_METRICS_EXPORTER", "none"),
                ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &endpoint),
                ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ])
        };
        Ok(Self { shop: start("shop")?, items: start("items")? })
    }

    fn to_item(&self) -> String {
        self.shop.relay(&format!("{}/users/1", self.items.url()))
    }

    fn stop(self) -> Result<String, String> {
        Ok(self.shop.stop()? + &self.items.stop()?)
    }
}

/// A running server that keeps traces in memory.
struct Zipkin {
    _process: Process,
    url: String,
}

impl Zipkin {
    fn start(lab: &Lab) -> Result<Self, String> {
        let port = free_port();
        let mut java = Command::new("java");
        java.args(["-XX:TieredStopAtLevel=1", "-Xmx256m", "-jar"]).arg(lab.maven(SERVER)?);
        // Its variable QUERY_PORT alone would open the port to everybody.
        java.arg("--armeria.ports[0].ip=127.0.0.1");
        java.arg(format!("--armeria.ports[0].port={port}"));
        java.arg("--armeria.ports[0].protocols[0]=http");
        java.env("STORAGE_TYPE", "mem").env("SELF_TRACING_ENABLED", "false");
        let mut process = Process::start("zipkin", &mut java, &lab.log("zipkin"))?;
        process.listening(port, START)?;
        Ok(Self { _process: process, url: format!("http://127.0.0.1:{port}") })
    }

    /// Sends spans as its own tracers do.
    fn report(&self, spans: &Value) -> Result<(), String> {
        ureq::post(format!("{}/api/v2/spans", self.url))
            .config()
            .proxy(None)
            .build()
            .content_type("application/json")
            .send(spans.to_string())
            .map(drop)
            .map_err(|error| format!("POST /api/v2/spans: {error}"))
    }

    /// The spans of a trace, once there are as many.
    fn received(&self, trace_id: &str, spans: usize) -> Result<Vec<Value>, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.trace(trace_id)?;
            if found.len() >= spans {
                return Ok(found);
            }
            if Instant::now() > deadline {
                return Err(format!("expected {spans} spans, but got {found:#?}"));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// What it has of a trace by now.
    fn trace(&self, trace_id: &str) -> Result<Vec<Value>, String> {
        match http::get_json(&format!("{}/api/v2/trace/{trace_id}", self.url)) {
            Ok(Value::Array(spans)) => Ok(spans),
            Ok(other) => Err(format!("a trace is a list, but this is {other}")),
            Err(error) if error.contains("404") => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn hops(spans: &[Value]) -> Vec<Hop> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    spans
        .iter()
        .map(|span| Hop {
            service: service(span),
            kind: text(&span["kind"]).to_lowercase(),
            trace_id: text(&span["traceId"]),
            span_id: text(&span["id"]),
            parent: span["parentId"].as_str().map(str::to_owned),
        })
        .collect()
}

fn service(span: &Value) -> String {
    span["localEndpoint"]["serviceName"].as_str().unwrap_or_default().to_owned()
}

fn micros_now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = now.unwrap_or_default().as_micros();
    u64::try_from(micros).unwrap_or(u64::MAX)
}
