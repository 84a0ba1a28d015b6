//! The OpenTelemetry Collector, built from its modules: what the shop of `examples/collector-service` sends
//! is read from the file that the Collector writes.

mod counts;
mod downstream;
mod exemplars;
mod lines;
mod output;
mod restart;
mod scraper;
mod server;
mod signals;
mod tls;
mod vectors;

use super::{example::Example, go::version};
use crate::{
    http,
    lab::Lab,
    row::{Checks, System},
};
use server::Collector;

pub(crate) const SYSTEMS: &[System] = &[
    System { name: "OpenTelemetry Collector", check },
    System { name: "Counts: Collector, spanmetrics", check: counts::check },
    System { name: "Counts: Collector, probabilistic_sampler", check: downstream::check },
    System { name: "Counts: the Collector's sampling package", check: vectors::check },
    System { name: "OTLP in a file: Collector", check: lines::check },
    System { name: "Exemplars: Collector, Prometheus, Jaeger", check: exemplars::check },
];

const PROTOCOLS: [&str; 3] = ["grpc", "http/protobuf", "http/json"];

/// What the service says when something did not arrive.
const LOST: &str = "telemetry was lost";

fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(version(lab, "collector", "go.opentelemetry.io/collector/otelcol")?);
    for protocol in PROTOCOLS {
        for compression in ["none", "gzip"] {
            signals::check(lab, checks, protocol, compression)?;
        }
    }
    for protocol in PROTOCOLS {
        tls::check(lab, checks, protocol)?;
    }
    for protocol in PROTOCOLS {
        restart::check(lab, checks, protocol)?;
    }
    Ok(())
}

/// The shop, sending this way to a Collector.
fn shop(
    lab: &Lab,
    collector: &Collector,
    protocol: &str,
    more: &[(&str, &str)],
) -> Result<Example, String> {
    let endpoint = collector.endpoint(protocol);
    let mut environment = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "50"),
    ];
    environment.extend_from_slice(more);
    Example::start(lab, "collector-service", &environment)
}

/// Orders a lamp, which is four spans and one log record.
fn order_lamp(shop: &Example) -> Result<(), String> {
    http::get(&format!("{}/orders/lamp", shop.url()), &[]).map(drop)
}

/// It has not said that something was lost.
fn complains_not(said: &str) -> Result<(), String> {
    match said.lines().find(|line| line.contains(LOST)) {
        Some(line) => Err(format!("the service says: {line}")),
        None => Ok(()),
    }
}
