//! tracewire-viewer: one trace through a Rust, a Python and a Node service, whole on its page.

use super::{node, python};
use crate::chain::{Hop, is_chain};
use crate::http;
use crate::lab::{Lab, free_port};
use crate::peer::{Peer, Seen, without_tracers};
use crate::process::Process;
use crate::relay::expect;
use crate::row::{Checks, System};
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, Instant};

pub(crate) const SYSTEMS: &[System] = &[System { name: "tracewire-viewer", check }];

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(20);
/// How long spans may be on their way.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(50);

fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(env!("CARGO_PKG_VERSION"));
    let viewer = Viewer::start(lab)?;
    let environment = |service, protocol, endpoint| {
        [
            ("OTEL_SERVICE_NAME", service),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ]
    };
    let rust = lab.ours(&environment("rust", "grpc", &viewer.grpc))?;
    let python = python::service(lab, &environment("python", "http/protobuf", &viewer.http))?;
    let node = node::service(lab, &environment("node", "http/protobuf", &viewer.http))?;

    let chain = |first: &Peer, second: &Peer, third: &Peer| {
        Seen::at(&first.relay(&second.relay(&third.seen())), &[])
    };
    checks.check("Rust → Python → Node is one trace, whole on its page", || {
        let seen = chain(&rust, &python, &node)?;
        let order = ["rust server", "rust client", "python server", "python client", "node server"];
        is_chain(&viewer.trace(seen.trace_id(), 5)?, seen.trace_id(), &order)
    });
    checks.check("Node → Rust → Python is one trace, whole on its page", || {
        let seen = chain(&node, &rust, &python)?;
        let order = ["node server", "node client", "rust server", "rust client", "python server"];
        is_chain(&viewer.trace(seen.trace_id(), 5)?, seen.trace_id(), &order)
    });
    checks.check("its list names the three services", || {
        let list = http::get_json(&format!("{}/api/traces", viewer.page))?;
        let rows = list["traces"].as_array().into_iter().flatten();
        let mut services: Vec<_> = rows
            .flat_map(|row| row["services"].as_array().cloned().unwrap_or_default())
            .map(|service| service.as_str().unwrap_or_default().to_owned())
            .collect();
        services.sort();
        services.dedup();
        expect("services", services, ["node", "python", "rust"].map(str::to_owned).to_vec())
    });
    for service in [rust, python, node] {
        service.stop()?;
    }
    Ok(())
}

/// A running viewer.
struct Viewer {
    _process: Process,
    grpc: String,
    http: String,
    page: String,
}

impl Viewer {
    fn start(lab: &Lab) -> Result<Self, String> {
        let [grpc, http, page] = [(); 3].map(|()| free_port());
        let mut command = Command::new(lab.build("tracewire-viewer", "tracewire-viewer")?);
        without_tracers(&mut command);
        for (option, port) in [("--grpc-port", grpc), ("--http-port", http), ("--page-port", page)]
        {
            command.arg(option).arg(port.to_string());
        }
        let log = lab.log("tracewire-viewer");
        let mut process = Process::start("tracewire-viewer", &mut command, &log)?;
        for port in [grpc, http, page] {
            process.listening(port, START)?;
        }
        let url = |port| format!("http://127.0.0.1:{port}");
        Ok(Self { _process: process, grpc: url(grpc), http: url(http), page: url(page) })
    }

    /// The spans of a trace, once there are so many.
    fn trace(&self, id: &str, spans: usize) -> Result<Vec<Hop>, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = http::get_json(&format!("{}/api/trace/{id}/otlp", self.page));
            let found = answer.as_ref().map(hops).unwrap_or_default();
            if found.len() == spans {
                return Ok(found);
            }
            if Instant::now() > deadline {
                return Err(format!("the viewer has {} of {spans} spans of {id}", found.len()));
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn hops(download: &Value) -> Vec<Hop> {
    const KINDS: [&str; 6] = ["", "internal", "server", "client", "producer", "consumer"];
    let list = |of: &Value, key: &str| of[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut hops = Vec::new();
    for resource in list(download, "resourceSpans") {
        let attributes = list(&resource["resource"], "attributes");
        let name = attributes.iter().find(|pair| pair["key"] == "service.name");
        let service = name.map(|pair| text(&pair["value"]["stringValue"])).unwrap_or_default();
        for span in list(&resource, "scopeSpans").iter().flat_map(|scope| list(scope, "spans")) {
            let kind = span["kind"].as_u64().and_then(|kind| usize::try_from(kind).ok());
            hops.push(Hop {
                service: service.clone(),
                kind: kind.and_then(|kind| KINDS.get(kind)).copied().unwrap_or("?").to_owned(),
                trace_id: text(&span["traceId"]),
                span_id: text(&span["spanId"]),
                parent: Some(text(&span["parentSpanId"])).filter(|id| !id.is_empty()),
            });
        }
    }
    hops
}
