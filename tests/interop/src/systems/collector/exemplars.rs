//! Exemplars of our service, as a Collector wrote them and as Prometheus' parser reads them. Each is
//! asked back from Jaeger, which has one request in ten.

use super::output::{Item, attributes};
use super::scraper::Scraper;
use super::server::Collector;
use crate::http;
use crate::lab::{Lab, free_port};
use crate::relay::expect;
use crate::row::Checks;
use crate::systems::go::version;
use crate::systems::jaeger::{Jaeger, tags};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

const ROUTES: [(&str, &str); 3] = [
    ("/users/7", "/users/{id}"),
    ("/api/v1/items/3", "/api/v1/items/{item_id}"),
    ("/any/x", "/any/{x}"),
];
const REQUESTS: usize = 300;
const DURATION: &str = "http.server.request.duration";
const BUCKET: &str = "http_server_request_duration_seconds_bucket";
const ACCEPT: &str = "application/openmetrics-text;version=1.0.0";

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    let collector = version(lab, "collector", "go.opentelemetry.io/collector/otelcol")?;
    let prometheus = version(lab, "prometheus", "github.com/prometheus/prometheus")?;
    checks.version(format!("Collector {collector}, textparse {prometheus}"));
    let (jaeger, parser) = (Jaeger::start(lab)?, lab.go("prometheus", ".")?);
    for protocol in super::PROTOCOLS {
        let mut collector = Collector::start(lab)?;
        let Measured { page, stored, said } =
            measured(lab, &jaeger, &collector, protocol, &mut Command::new(&parser))?;
        let output = collector.output()?;
        let durations = output.metrics.iter().filter(|metric| metric.text("name") == DURATION);
        let exemplars: Vec<_> = durations.flat_map(of_metric).collect();
        let in_page = of_page(&page);
        let name = |what: &str| format!("{protocol}: {what}");
        checks.check(
            &name("a Collector has exemplars, in buckets and times of their points"),
            || {
                expect("what the service says", said.as_str(), "")?;
                expect("some", exemplars.len() >= 3, true)?;
                exemplars.iter().try_for_each(Exemplar::is_in_its_point)
            },
        );
        checks.check(&name("each leads to a span in Jaeger of that route and duration"), || {
            exemplars.iter().try_for_each(|exemplar| exemplar.is_stored(&jaeger))
        });
        checks.check(
            &name("Prometheus' parser reads those of the page, and Jaeger has them"),
            || {
                expect("some", in_page.len() >= 2, true)?;
                in_page.iter().try_for_each(|exemplar| exemplar.is_in_its_point())?;
                in_page.iter().try_for_each(|exemplar| exemplar.is_stored(&jaeger))
            },
        );
        checks.check(
            &name("a Prometheus server stores those that it scraped, and Jaeger has them"),
            || {
                expect("some", stored.len() >= 2, true)?;
                stored.iter().try_for_each(|exemplar| exemplar.is_in_its_point())?;
                stored.iter().try_for_each(|exemplar| exemplar.is_stored(&jaeger))
            },
        );
    }
    Ok(())
}

/// What a service did.
struct Measured {
    /// Its page for Prometheus, as a parser read it.
    page: Value,
    /// What a Prometheus server kept of the page.
    stored: Vec<Exemplar>,
    /// What the service wrote on its outputs.
    said: String,
}

/// Lets a service answer requests.
fn measured(
    lab: &Lab,
    jaeger: &Jaeger,
    collector: &Collector,
    protocol: &str,
    parser: &mut Command,
) -> Result<Measured, String> {
    let port = free_port().to_string();
    let traces = format!("{}/v1/traces", jaeger.http);
    let metrics = match protocol {
        "grpc" => collector.endpoint(protocol),
        _ => format!("{}/v1/metrics", collector.endpoint(protocol)),
    };
    let service = lab.ours(&[
        ("OTEL_SERVICE_NAME", "shop"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.1"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &traces),
        ("OTEL_METRICS_EXPORTER", "otlp,prometheus"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &metrics),
        ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", &port),
        ("OTEL_LOGS_EXPORTER", "none"),
    ])?;
    let scraper = Scraper::start(lab, &port)?;
    for (path, _) in ROUTES.iter().cycle().take(REQUESTS) {
        http::get(&format!("{}{path}", service.url()), &[])?;
        std::thread::sleep(Duration::from_millis(3));
    }
    parser.arg(format!("http://127.0.0.1:{port}/metrics")).arg(ACCEPT);
    lab.run("scrape", parser)?;
    let page = std::fs::read_to_string(lab.log("scrape")).map_err(|error| error.to_string())?;
    let page = serde_json::from_str(&page).map_err(|error| format!("{error}: {page}"))?;
    let stored = scraper.exemplars(BUCKET)?;
    let stored = stored.iter().map(|(series, exemplar)| of_series(series, exemplar)).collect();
    Ok(Measured { page, stored, said: service.stop()? })
}

/// An exemplar, and what its data point says of it.
#[derive(Debug)]
struct Exemplar {
    trace_id: String,
    span_id: String,
    seconds: f64,
    route: String,
    is_counted: bool,
    is_in_time: bool,
}

impl Exemplar {
    fn is_in_its_point(&self) -> Result<(), String> {
        expect(&format!("counted and in time: {self:?}"), self.is_counted && self.is_in_time, true)
    }

    fn is_stored(&self, jaeger: &Jaeger) -> Result<(), String> {
        let trace = jaeger.trace(&self.trace_id, 1)?;
        let [span] = &*trace.spans else { return Err(format!("not one span: {:?}", trace.spans)) };
        expect("span", span["spanID"].as_str(), Some(&*self.span_id))?;
        let tags = tags(span);
        expect("kind", tags["span.kind"].as_str(), Some("server"))?;
        expect("route", tags["http.route"].as_str(), Some(&*self.route))?;
        let seconds = span["duration"].as_f64().unwrap_or(f64::NAN) / 1e6;
        let is_near = (seconds - self.seconds).abs() <= 0.001;
        expect(&format!("{seconds} s is the duration of {self:?}"), is_near, true)
    }
}

fn of_metric(metric: &Item) -> Vec<Exemplar> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<u64>().ok());
    let mut all = Vec::new();
    for point in list(&metric.value["histogram"]["dataPoints"]) {
        let bounds: Vec<_> =
            list(&point["explicitBounds"]).iter().filter_map(Value::as_f64).collect();
        let counts: Vec<_> = list(&point["bucketCounts"]).iter().filter_map(number).collect();
        for exemplar in list(&point["exemplars"]) {
            let text = |key: &str| exemplar[key].as_str().unwrap_or_default().to_owned();
            let seconds = exemplar["asDouble"].as_f64().unwrap_or(f64::NAN);
            let bucket = bounds.partition_point(|&bound| bound < seconds);
            let [start, time, end] = [
                number(&point["startTimeUnixNano"]),
                number(&exemplar["timeUnixNano"]),
                number(&point["timeUnixNano"]),
            ];
            all.push(Exemplar {
                trace_id: text("traceId"),
                span_id: text("spanId"),
                seconds,
                route: attributes(&point)["http.route"].as_str().unwrap_or_default().to_owned(),
                is_counted: counts.get(bucket).is_some_and(|&count| count > 0),
                is_in_time: start.is_some() && start <= time && time <= end,
            });
        }
    }
    all
}

fn of_series(series: &Value, exemplar: &Value) -> Exemplar {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let seconds = text(&exemplar["value"]).parse().unwrap_or(f64::NAN);
    let bound: f64 = text(&series["le"]).parse().unwrap_or(f64::NAN);
    Exemplar {
        trace_id: text(&exemplar["labels"]["trace_id"]),
        span_id: text(&exemplar["labels"]["span_id"]),
        seconds,
        route: text(&series["http_route"]),
        is_counted: seconds <= bound,
        is_in_time: exemplar["timestamp"].as_f64().is_some_and(|time| time > 0.0),
    }
}

fn of_page(page: &Value) -> Vec<Exemplar> {
    let families = page["families"].as_object().into_iter().flat_map(|families| families.values());
    let samples = families.flat_map(|family| family["samples"].as_array()).flatten();
    let bucket = |sample: &&Value| sample["name"] == BUCKET;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let samples = samples.filter(bucket).filter(|sample| sample["exemplar"].is_object());
    let exemplars = samples.map(|sample| {
        let exemplar = &sample["exemplar"];
        let seconds = exemplar["value"].as_f64().unwrap_or(f64::NAN);
        let bound = text(&sample["labels"]["le"]).parse().unwrap_or(f64::NAN);
        Exemplar {
            trace_id: text(&exemplar["labels"]["trace_id"]),
            span_id: text(&exemplar["labels"]["span_id"]),
            seconds,
            route: text(&sample["labels"]["http_route"]),
            is_counted: seconds <= bound && text(&sample["value"]) != "0",
            is_in_time: exemplar["milliseconds"].as_i64().is_some_and(|time| time > 0),
        }
    });
    exemplars.collect()
}
