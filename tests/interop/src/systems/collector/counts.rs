//! Requests that a Collector counts from sampled spans: its spanmetrics connector against the truth.

use super::{output::Output, server::Collector};
use crate::{
    http, lab::Lab, peer::Peer, random::mixed, relay::expect, row::Checks, systems::go::version,
};
use std::{
    collections::{BTreeMap, HashSet},
    thread,
    time::{Duration, Instant},
};
use tracewire_sampling::OtelTraceState;

const CONNECTOR: &str =
    "github.com/open-telemetry/opentelemetry-collector-contrib/connector/spanmetricsconnector";
/// Three services in a row, each of which decides for itself.
const SERVICES: [(&str, f64); 3] = [("all", 1.0), ("tenth", 0.1), ("hundredth", 0.01)];
const REQUESTS: u64 = 5_000;
const CLIENTS: u64 = 4;
/// How long the connector may take to write what it has counted.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(version(lab, "collector", CONNECTOR)?);
    let configs = ["config.yaml", "counts.yaml"];
    let mut collector = Collector::start_with(lab, "http", &configs, vec![])?;
    send(lab, &collector)?;
    let counted = counted(&collector)?;
    let output = collector.output()?;
    for (service, probability) in SERVICES {
        let (spans, stands_for) = adjusted(&output, service)?;
        let calls = counted.get(service).copied().unwrap_or_default();
        let truth = REQUESTS as f64;
        let sigma = (truth * (1.0 - probability) / probability).sqrt();
        checks.check(
            &format!("{service}: the calls of spanmetrics are the requests, within 3 sigma"),
            || {
                let off = calls as f64 - truth;
                let said = format!("{calls} of {REQUESTS} from {spans} spans, sigma {sigma:.0}");
                expect(&said, off.abs() <= 3.0 * sigma, true)?;
                // It rounds each count up or down at random, so that none is off by more than one.
                let rounded = (calls as f64 - stands_for).abs() <= spans as f64;
                expect(&format!("{calls} is the sum of counts {stands_for:.1}"), rounded, true)
            },
        );
    }
    checks.check("what the Collector got at 0.01 it got at 0.1 and at 1", || {
        let [all, tenth, hundredth] = SERVICES.map(|(service, _)| traces(&output, service));
        let are_nested = hundredth.is_subset(&tenth) && tenth.is_subset(&all);
        expect("nested", are_nested && !hundredth.is_empty(), true)
    });
    Ok(())
}

/// Sends requests through all services. Their trace ids are the same in each run.
fn send(lab: &Lab, collector: &Collector) -> Result<(), String> {
    let start = |(name, probability): (&str, f64)| {
        lab.ours(&[
            ("OTEL_SERVICE_NAME", name),
            ("OTEL_TRACES_SAMPLER", "probability"),
            ("OTEL_TRACES_SAMPLER_ARG", &probability.to_string()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint("http/protobuf")),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ])
    };
    let services = SERVICES.iter().map(|service| start(*service));
    let services = services.collect::<Result<Vec<Peer>, String>>()?;
    let last = format!("{}/users/1", services[2].url());
    let url = services[0].relay(&services[1].relay(&last));
    let ask = |client: u64| {
        (client..REQUESTS).step_by(CLIENTS as usize).try_for_each(|number| {
            let (high, low) = (mixed(2 * number) | 1, mixed(2 * number + 1));
            let parent = format!("00-{high:016x}{low:016x}-00000000000000aa-03");
            http::get(&url, &[("traceparent", &parent)]).map(drop)
        })
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move || ask(client))).collect();
        clients.into_iter().try_for_each(|client| match client.join() {
            Ok(asked) => asked,
            Err(_) => Err("a client panicked".to_owned()),
        })
    })?;
    // Ended, they have sent all their spans.
    for service in services {
        expect("what a service says", service.stop()?.as_str(), "")?;
    }
    Ok(())
}

/// The calls of each service's server spans, once all requests of the first service are counted, which
/// keeps everything, and nothing has changed for half a second.
fn counted(collector: &Collector) -> Result<BTreeMap<String, u64>, String> {
    let deadline = Instant::now() + PATIENCE;
    let mut before = BTreeMap::new();
    loop {
        let calls = calls(&collector.read()?);
        // The same twice in a row: nothing is on its way any more.
        if calls == before && calls.get("all").copied().unwrap_or_default() >= REQUESTS {
            return Ok(calls);
        }
        if Instant::now() > deadline {
            return Err(format!("after {PATIENCE:?} the connector has counted {calls:?}"));
        }
        before = calls;
        thread::sleep(Duration::from_millis(500));
    }
}

/// The last value of `calls` for each service's server spans. All of them have a known probability.
fn calls(output: &Output) -> BTreeMap<String, u64> {
    let mut last = BTreeMap::new();
    let calls = output.metrics.iter().filter(|one| one.text("name") == "traces.span.metrics.calls");
    for metric in calls {
        for point in metric.value["sum"]["dataPoints"].as_array().into_iter().flatten() {
            let attributes = super::output::attributes(point);
            let is_known = attributes["sampling.method"] == "extrapolated";
            if attributes["span.kind"] != "SPAN_KIND_SERVER" || !is_known {
                continue;
            }
            let service = attributes["service.name"].as_str().unwrap_or_default();
            let value = point["asInt"].as_str().and_then(|digits| digits.parse().ok());
            last.insert(service.to_owned(), value.unwrap_or_default());
        }
    }
    last
}

/// The server spans of a service, and how many requests they stand for.
fn adjusted(output: &Output, service: &str) -> Result<(usize, f64), String> {
    let (mut spans, mut stands_for) = (0, 0.0);
    for span in output.spans.iter().filter(|span| is_of(span, service)) {
        let state = span.text("traceState").parse().map_err(|error| format!("{error:?}"))?;
        let threshold = OtelTraceState::of(&state).threshold();
        let threshold = threshold.ok_or_else(|| format!("a span has no th: {:?}", span.value))?;
        spans += 1;
        stands_for += threshold.adjusted_count();
    }
    Ok((spans, stands_for))
}

fn traces<'a>(output: &'a Output, service: &str) -> HashSet<&'a str> {
    let spans = output.spans.iter().filter(|span| is_of(span, service));
    spans.map(|span| span.text("traceId")).collect()
}

fn is_of(span: &super::output::Item, service: &str) -> bool {
    span.resource["service.name"] == service && span.value["kind"] == 2
}
