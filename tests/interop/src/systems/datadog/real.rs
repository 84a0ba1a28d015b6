//! The Agent's own receiver, samplers and counters, built from its module: what Datadog would get.

use crate::{
    http,
    lab::{Lab, free_port},
    peer::without_tracers,
    process::Process,
    relay::expect,
};
use serde_json::Value;
use std::{
    process::Command,
    time::{Duration, Instant},
};

pub(super) const MODULE: &str = "github.com/DataDog/datadog-agent/pkg/trace";
/// What the Agent calls requests that a server got.
pub(super) const SERVED: &str = "http.server.request";
const START: Duration = Duration::from_secs(30);
/// The Agent counts in buckets, and sends each once it is over.
const PATIENCE: Duration = Duration::from_secs(30);
const BUCKET: Duration = Duration::from_secs(1);

/// A running Agent, on two ports for OTLP.
pub(super) struct Agent {
    _process: Process,
    http: String,
    grpc: String,
}

impl Agent {
    pub(super) fn start(lab: &Lab) -> Result<Self, String> {
        let (http, grpc) = (free_port(), free_port());
        let mut command = Command::new(lab.go("datadog-agent", ".")?);
        without_tracers(&mut command);
        command.args([http.to_string(), grpc.to_string()]);
        let log = lab.log(&format!("datadog-agent-{http}"));
        let mut process = Process::start("the Agent", &mut command, &log)?;
        process.listening(http, START)?;
        process.listening(grpc, START)?;
        let url = |port| format!("http://127.0.0.1:{port}");
        Ok(Self { _process: process, http: url(http), grpc: url(grpc) })
    }

    /// Starts a service of ours that sends to it, lets `requests` be made of the service, and ends it. The
    /// Agent's ports are not its usual ones, so a standard variable names them.
    pub(super) fn serve(
        &self,
        lab: &Lab,
        protocol: &str,
        environment: &[(&str, &str)],
        requests: impl FnOnce(&str),
    ) -> Result<(), String> {
        let endpoint = if protocol == "grpc" { &self.grpc } else { &self.http };
        let mut all = vec![
            ("DD_SERVICE", "shop"),
            ("DD_AGENT_HOST", "127.0.0.1"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_PROPAGATORS", "datadog,tracecontext,baggage"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ];
        all.extend_from_slice(environment);
        let ours = lab.ours(&all)?;
        requests(ours.url());
        let said = ours.stop()?;
        expect("complaints of our service", said.as_str(), "")
    }

    /// What it has sent to Datadog, once that is `complete` and no more comes, or it takes too long.
    pub(super) fn sent(&self, complete: impl Fn(&Sent) -> bool) -> Result<Sent, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        loop {
            let sent = Sent(http::get_json(&format!("{}/seen", self.http))?);
            let sizes = (sent.spans().count(), sent.count(SERVED, "Hits"));
            let is_settled = last.replace(sizes) == Some(sizes) && complete(&sent);
            if is_settled || Instant::now() > deadline {
                return Ok(sent);
            }
            std::thread::sleep(BUCKET);
        }
    }
}

/// The spans and counts of an Agent.
pub(super) struct Sent(Value);

impl Sent {
    /// The sum over all groups of an operation.
    pub(super) fn count(&self, operation: &str, what: &str) -> u64 {
        let groups = self.0["Groups"].as_array().into_iter().flatten();
        let groups = groups.filter(|group| group["Name"] == operation);
        // Counts of spans, small and whole.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let count = groups.filter_map(|group| group[what].as_f64()).sum::<f64>().round() as u64;
        count
    }

    /// The spans that it kept.
    pub(super) fn spans(&self) -> impl Iterator<Item = &Value> {
        self.0["Spans"].as_array().into_iter().flatten()
    }

    /// Those of an operation.
    pub(super) fn named<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Value> {
        self.spans().filter(move |span| span["Name"] == operation)
    }

    /// The one span of an operation.
    pub(super) fn one<'a>(&'a self, operation: &'a str) -> Result<&'a Value, String> {
        let mut spans = self.named(operation);
        match (spans.next(), spans.next()) {
            (Some(span), None) => Ok(span),
            _ => Err(format!("not one span {operation}: {}", self.0["Spans"])),
        }
    }
}
