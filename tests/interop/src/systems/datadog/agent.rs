//! Datadog's test agent: it takes what Datadog's tracers send, and OTLP, and shows it.

use crate::{
    chain::Hop,
    http,
    lab::{Lab, free_port},
    process::Process,
};
use serde_json::Value;
use std::{
    collections::HashMap,
    net::Ipv4Addr,
    process::Command,
    time::{Duration, Instant},
};

/// What the test agent needs.
pub(crate) const REQUIREMENTS: &str = "python/test-agent.txt";

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(60);
/// How long tracers may keep spans before they send them.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// A running test agent.
#[derive(Debug)]
pub(crate) struct TestAgent {
    process: Process,
    address: Ipv4Addr,
    ports: Ports,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    /// Datadog's own protocol.
    datadog: u16,
    otlp_http: u16,
    otlp_grpc: u16,
}

impl TestAgent {
    /// One on free ports.
    pub(crate) fn start(lab: &Lab) -> Result<Self, String> {
        let [datadog, otlp_http, otlp_grpc] = [(); 3].map(|()| free_port());
        Self::at(lab, Ipv4Addr::LOCALHOST, Ports { datadog, otlp_http, otlp_grpc })
    }

    /// One on the ports of a real Agent, which tracers take for granted. It has an address of the
    /// loopback network to itself, so the ports are free.
    ///
    /// Over gRPC it takes nothing there: what comes in that way it sends to 127.0.0.1.
    pub(crate) fn on_usual_ports(lab: &Lab) -> Result<Self, String> {
        let [_, _, high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, 126, high, low.clamp(1, 254));
        Self::at(lab, address, Ports { datadog: 8126, otlp_http: 4318, otlp_grpc: 4317 })
    }

    fn at(lab: &Lab, address: Ipv4Addr, ports: Ports) -> Result<Self, String> {
        let mut command = Command::new(lab.python(REQUIREMENTS)?.join("ddapm-test-agent"));
        command.args(["--host", &address.to_string(), "--port", &ports.datadog.to_string()]);
        command.args(["--otlp-http-port", &ports.otlp_http.to_string()]);
        command.args(["--otlp-grpc-port", &ports.otlp_grpc.to_string()]);
        command.env_remove("DD_TRACE_AGENT_URL").env_remove("DD_AGENT_URL"); // it would pass on
        let log = lab.log(&format!("test-agent-{}", ports.datadog));
        let process = Process::start("test agent", &mut command, &log)?;
        let mut agent = Self { process, address, ports };
        let (info, traces) = (agent.url() + "/info", agent.otlp_traces_url());
        agent.process.until(START, "answers", || {
            http::get(&info, &[]).is_ok() && http::get(&traces, &[]).is_ok()
        })?;
        Ok(agent)
    }

    /// For `DD_AGENT_HOST`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// For `DD_TRACE_AGENT_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}", self.address, self.ports.datadog)
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT` with a protocol over HTTP.
    pub(crate) fn otlp_http(&self) -> String {
        format!("http://{}:{}", self.address, self.ports.otlp_http)
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT` with gRPC.
    pub(crate) fn otlp_grpc(&self) -> String {
        format!("http://{}:{}", self.address, self.ports.otlp_grpc)
    }

    /// The payloads that came in by OTLP, in the JSON of Protobuf.
    pub(crate) fn otlp_traces(&self) -> Result<Value, String> {
        http::get_json(&self.otlp_traces_url())
    }

    /// The same of metrics.
    pub(crate) fn otlp_metrics(&self) -> Result<Value, String> {
        http::get_json(&format!("{}/test/session/metrics", self.otlp_http()))
    }

    fn otlp_traces_url(&self) -> String {
        format!("{}/test/session/traces", self.otlp_http())
    }

    /// Waits until as many spans of servers and clients in this trace (32 digits) have come from
    /// tracers, or more.
    pub(crate) fn received(
        &self,
        trace_id: &str,
        count: usize,
    ) -> Result<Vec<DatadogSpan>, String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let spans = self.spans(trace_id)?;
            if spans.len() >= count {
                return Ok(spans);
            }
            if Instant::now() > deadline {
                let got = spans.len();
                return Err(format!("{got} of {count} spans of {trace_id} came to the test agent"));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// The spans of servers and clients in this trace (32 digits) that came from tracers.
    pub(crate) fn spans(&self, trace_id: &str) -> Result<Vec<DatadogSpan>, String> {
        let chunks = http::get_json(&format!("{}/test/session/traces", self.url()))?;
        let chunks = chunks.as_array().ok_or("the test agent's traces are no list")?;
        let spans = chunks.iter().flat_map(exchanges);
        Ok(spans.filter(|span| span.hop.trace_id == trace_id).collect())
    }
}

/// A span of a server or client as Datadog has it.
#[derive(Clone, Debug)]
pub(crate) struct DatadogSpan {
    pub(crate) hop: Hop,
    whole: Value,
}

impl DatadogSpan {
    /// A tag of text.
    pub(crate) fn meta(&self, key: &str) -> Option<&str> {
        self.whole["meta"][key].as_str()
    }

    /// Whether the trace is to be kept, and who says so: -1, 0, 1 or 2.
    pub(crate) fn priority(&self) -> Option<i64> {
        #[allow(clippy::cast_possible_truncation)] // it is a small integer
        self.whole["metrics"]["_sampling_priority_v1"].as_f64().map(|priority| priority as i64)
    }
}

/// The spans of servers and clients among those of a trace. What lies between them, as the steps of
/// Flask, is left out, and each has the next of them above it for its parent.
fn exchanges(chunk: &Value) -> Vec<DatadogSpan> {
    let spans = chunk.as_array().map(Vec::as_slice).unwrap_or_default();
    // The upper half of the id is told once.
    let upper = spans.iter().find_map(|span| span["meta"]["_dd.p.tid"].as_str());
    let upper = upper.unwrap_or("0000000000000000");
    let id = |span: &Value, key: &str| span[key].as_u64().unwrap_or_default();
    let kind = |span: &Value| span["meta"]["span.kind"].as_str().map(str::to_owned);
    let by_id: HashMap<u64, &Value> =
        spans.iter().map(|span| (id(span, "span_id"), span)).collect();
    let mut exchanges = Vec::new();
    for span in spans {
        let Some(own_kind) = kind(span) else { continue };
        let mut parent = id(span, "parent_id");
        while let Some(above) = by_id.get(&parent).filter(|above| kind(above).is_none()) {
            parent = id(above, "parent_id");
        }
        // Clients go by the name of what they call.
        let service = span["meta"]["_dd.base_service"].as_str().or(span["service"].as_str());
        exchanges.push(DatadogSpan {
            hop: Hop {
                service: service.unwrap_or_default().to_owned(),
                kind: own_kind,
                trace_id: format!("{upper}{:016x}", id(span, "trace_id")),
                span_id: format!("{:016x}", id(span, "span_id")),
                parent: (parent != 0).then(|| format!("{parent:016x}")),
            },
            whole: span.clone(),
        });
    }
    exchanges
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn steps_between_server_and_client_are_left_out() {
        let chunk = json!([
            { "service": "theirs", "trace_id": 0x2a, "span_id": 1, "parent_id": 7,
              "meta": { "span.kind": "server", "_dd.p.tid": "6b00b29a00000000" },
              "metrics": { "_sampling_priority_v1": 2.0 } },
            { "service": "theirs", "trace_id": 0x2a, "span_id": 2, "parent_id": 1, "meta": {} },
            { "service": "theirs", "trace_id": 0x2a, "span_id": 3, "parent_id": 2, "meta": {} },
            { "service": "requests", "trace_id": 0x2a, "span_id": 4, "parent_id": 3,
              "meta": { "span.kind": "client", "_dd.base_service": "theirs" } },
        ]);
        let spans = exchanges(&chunk);
        let hops: Vec<_> = spans
            .iter()
            .map(|span| {
                let hop = &span.hop;
                (hop.service.as_str(), hop.kind.as_str(), hop.parent.as_deref())
            })
            .collect();
        assert_eq!(
            hops,
            [
                ("theirs", "server", Some("0000000000000007")),
                ("theirs", "client", Some("0000000000000001")),
            ]
        );
        assert!(spans.iter().all(|span| span.hop.trace_id == "6b00b29a00000000000000000000002a"));
        assert_eq!(spans[0].priority(), Some(2));
    }
}
