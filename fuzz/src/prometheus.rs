//! What must hold of every page of metrics.

use http::{Request, header::ACCEPT};
use http_body_util::BodyExt;
use opentelemetry::{KeyValue, metrics::MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use std::task::{Context, Poll, Waker};
use tower_service::Service;
use tracewire_export::PrometheusExporter;

/// The page of instruments that `text` describes: each line is a name, a unit, a description, a key and a
/// value of an attribute, separated by tabs.
pub fn page(text: &str, accept: &str) -> String {
    let exporter = PrometheusExporter::new();
    let provider = SdkMeterProvider::builder().with_reader(exporter.clone()).build();
    let meter = provider.meter("fuzz");
    for (line, number) in text.lines().take(8).zip(0_u32..) {
        let mut parts = line.split('\t').map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        let (name, unit, description) = (part(), part(), part());
        let attributes = [KeyValue::new(part(), part()), KeyValue::new(part(), part())];
        match number % 3 {
            0 => meter
                .u64_counter(name)
                .with_unit(unit)
                .with_description(description)
                .build()
                .add(1, &attributes),
            1 => meter
                .f64_gauge(name)
                .with_unit(unit)
                .with_description(description)
                .build()
                .record(f64::NAN, &attributes),
            _ => meter
                .f64_histogram(name)
                .with_unit(unit)
                .with_description(description)
                .build()
                .record(0.5, &attributes),
        }
    }
    let mut service = exporter.service();
    let request =
        Request::get("/metrics").header(ACCEPT, accept).body(()).expect("it is a request");
    let response = ready(service.call(request)).expect("it answers");
    let body = ready(response.into_body().collect()).expect("it is whole").to_bytes();
    String::from_utf8(body.to_vec()).expect("it is text")
}

/// The output of a future that is ready.
fn ready<F: Future>(future: F) -> F::Output {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for nothing"),
    }
}

/// Reads a page as Prometheus does, line by line.
pub fn reads(page: &str) {
    for line in page.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let word = comment.split(' ').next();
            assert!(matches!(word, Some("HELP" | "TYPE" | "UNIT" | "EOF")), "{line}");
            continue;
        }
        let end = line.find(['{', ' ']).unwrap_or(line.len());
        assert!(is_name(&line[..end], true), "{line}");
        let rest = match line[end..].strip_prefix('{') {
            None => &line[end..],
            Some(labels) => labels_of(labels, line),
        };
        let value = rest.trim_start().split(' ').next().unwrap_or_default();
        let special = ["NaN", "+Inf", "-Inf"].contains(&value);
        assert!(special || value.parse::<f64>().is_ok(), "{line}");
    }
}

/// Reads labels up to the brace, and returns what follows it.
fn labels_of<'a>(mut rest: &'a str, line: &str) -> &'a str {
    let mut seen = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return after;
        }
        let (name, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("no value in {line}"));
        assert!(is_name(name, false), "{name} in {line}");
        assert!(!seen.contains(&name), "{name} twice in {line}");
        seen.push(name);
        let mut escaped = false;
        let end = value.find(|c| {
            let ends = c == '"' && !escaped;
            assert!(!escaped || ['\\', '"', 'n'].contains(&c), "escape in {line}");
            escaped = c == '\\' && !escaped;
            ends
        });
        let end = end.unwrap_or_else(|| panic!("open quote in {line}"));
        rest = &value[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn is_name(name: &str, colons: bool) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
    !name.is_empty() && name.chars().all(legal) && !name.starts_with(|c: char| c.is_ascii_digit())
}
