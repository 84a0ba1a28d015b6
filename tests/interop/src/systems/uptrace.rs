//! Uptrace: its own client beside ours, both sending to a collector in Uptrace's place.

use super::{example::Example, go::version};
use crate::{
    http,
    lab::Lab,
    relay::expect,
    row::{Checks, System},
};
use serde_json::Value;
use std::{collections::BTreeSet, process::Command};
use tracewire_testing::{Collector, Received};

pub(crate) const SYSTEMS: &[System] = &[System { name: "Uptrace's client for Go", check }];

const MODULE: &str = "github.com/uptrace/uptrace-go";

/// The forms of DSNs in Uptrace's documentation, and those that its client tests.
const DSNS: [&str; 9] = [
    "https://token@api.uptrace.dev?grpc=4317",
    "https://token@api.uptrace.dev",
    "https://token@uptrace.dev/1",
    "https://token@demo.uptrace.dev/1?grpc=4317",
    "http://token@localhost:14318?grpc=14317",
    "http://token@localhost:14317/project_id",
    "https://token@localhost:1234/1",
    "https://token@uptrace.example",
    "http://token@[::1]:14318?grpc=14317",
];

fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(format!("uptrace-go {}", version(lab, "uptrace", MODULE)?));
    let client = lab.go("uptrace", ".")?;
    checks.check("for each form of DSN, theirs and ours send to the same address", || {
        let output = Command::new(&client).arg("addresses").args(DSNS).output();
        let output = output.map_err(|error| format!("their client: {error}"))?;
        let theirs: Vec<Value> = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))?;
        expect("their answers", theirs.len(), DSNS.len())?;
        for (dsn, theirs) in DSNS.iter().zip(theirs) {
            for (protocol, key) in [("http/protobuf", "HTTP"), ("grpc", "GRPC")] {
                let ours = address(lab, dsn, protocol)?;
                expect(&format!("{dsn} over {protocol}"), Some(&*ours), theirs[key].as_str())?;
            }
        }
        Ok::<_, String>(())
    });
    let their_requests = Collector::start();
    let dsn = |collector: &Collector| format!("http://t0ken@{}?grpc=1", collector.address());
    let their_dsn = dsn(&their_requests);
    lab.run("their client", Command::new(&client).args(["send", &their_dsn]))?;
    let our_requests = Collector::start();
    let our_dsn = dsn(&our_requests);
    let environment = [("UPTRACE_DSN", our_dsn.as_str()), ("OTEL_SERVICE_NAME", "shop")];
    let service = Example::start(lab, "uptrace-service", &environment)?;
    http::get(&format!("{}/hello/Ada", service.url()), &[])?;
    service.stop()?;
    checks.check(
        "spans, metrics and log records go by the same paths, headers and compression",
        || {
            let theirs = shapes(&their_requests.requests(), &their_dsn)?;
            expect("paths of theirs", theirs.len(), 3)?;
            expect("requests of ours", shapes(&our_requests.requests(), &our_dsn)?, theirs)
        },
    );
    checks.check("a log record has the ids of its span on both sides", || {
        for (who, collector) in [("theirs", &their_requests), ("ours", &our_requests)] {
            let (logs, spans) = (collector.logs(), collector.spans());
            let is_there = logs.iter().any(|log| {
                let is_of = |span: &tracewire_testing::Span| Some(span.span_id) == log.span_id;
                spans.iter().any(is_of)
            });
            expect(&format!("of {who}: {logs:?}"), is_there, true)?;
        }
        Ok::<_, String>(())
    });
    Ok(())
}

/// Where a service of ours sends for this DSN, as it says when it starts. It sends nothing.
fn address(lab: &Lab, dsn: &str, protocol: &str) -> Result<String, String> {
    let ours = lab.ours(&[
        ("UPTRACE_DSN", dsn),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_LOGS_EXPORTER", "none"),
        ("OTEL_LOG_LEVEL", "debug"),
    ])?;
    let said = ours.stop()?;
    let (_, url) = said
        .split_once("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = ")
        .ok_or_else(|| format!("it says no address for {dsn}: {said}"))?;
    let url = url.split(' ').next().unwrap_or_default();
    let url = url.strip_suffix("/v1/traces").unwrap_or(url).trim_end_matches('/');
    // Theirs has the port that the scheme says.
    let (scheme, authority) = url.split_once("://").unwrap_or_default();
    let has_port = authority.rsplit(']').next().is_some_and(|rest| rest.contains(':'));
    Ok(match (has_port, scheme) {
        (true, _) => url.to_owned(),
        (false, "https") => format!("{url}:443"),
        (false, _) => format!("{url}:80"),
    })
}

/// What the requests have in common with others of their path: the path, the type, the compression, and whether
/// the DSN is in its header.
fn shapes(requests: &[Received], dsn: &str) -> Result<BTreeSet<String>, String> {
    let shape = |request: &Received| {
        let header = |name| {
            let value = request.headers.get(name).and_then(|value| value.to_str().ok());
            value.ok_or_else(|| format!("no {name} of {}", request.path))
        };
        let (kind, encoding) = (header("content-type")?, header("content-encoding")?);
        let has_dsn = header("uptrace-dsn")? == dsn;
        Ok(format!("{} {kind} {encoding}, DSN {has_dsn}", request.path))
    };
    requests.iter().map(shape).collect()
}
