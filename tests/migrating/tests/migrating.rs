//! Each program before, and the same after: one whole trace in both, and every difference on the page.
//!
//! `UPDATE_PAGE=1 cargo test -p migrating --features peers` writes programs and tables into the page.
#![cfg(unix)] // where a test can send Ctrl-C
#![allow(clippy::unwrap_used)] // a test may

mod support;

use std::{collections::BTreeSet, fs};
use support::{
    differences::{Differences, assert_calls_are_carried, assert_whole},
    page,
    program::{Exported, TRACE, job, serve},
};

/// Checks the section of these programs.
fn compare(heading: &str, programs: &str, before: &Exported, after: &Exported) {
    page::shows_program(&format!("{programs}_before"));
    page::shows_program(&format!("{programs}_after"));
    let differences = Differences::between(before, after);
    page::shows(&format!("{programs}: differences"), differences.table());
    page::names_what_is_lost(heading, &differences);
}

fn compare_services(heading: &str, programs: &str, variables: &[(&str, &str)]) {
    let before = serve(&format!("{programs}_before"), &[]);
    let after = serve(&format!("{programs}_after"), variables);
    assert_whole(&before);
    assert_whole(&after);
    compare(heading, programs, &before, &after);
}

#[test]
fn from_axum_tracing_opentelemetry() {
    let heading = "From axum-tracing-opentelemetry and init-tracing-opentelemetry";
    compare_services(heading, "axum_tracing_opentelemetry", &[("TRACEWIRE_LOG", "json")]);
}

#[test]
fn from_opentelemetry_instrumentation_tower() {
    let heading = "From opentelemetry-instrumentation-tower";
    compare_services(heading, "instrumentation_tower", &[]);
}

#[test]
fn from_tower_otel() {
    compare_services("From tower-otel", "tower_otel", &[]);
}

#[test]
fn from_hand_written_spans() {
    compare_services("From your own code on opentelemetry-otlp", "opentelemetry_otlp", &[]);
}

/// Whether requests have spans with these variables, in the program before and the one after.
fn traces_requests(programs: &str, variables: &[(&str, &str)]) -> [bool; 2] {
    ["before", "after"].map(|program| {
        let exported = serve(&format!("{programs}_{program}"), variables);
        exported.spans.iter().any(|span| span.name == "GET /orders/{id}")
    })
}

#[test]
fn the_environment_is_read_as_the_page_says() {
    let spans = |name, value| traces_requests("opentelemetry_otlp", &[(name, value)]);
    assert_eq!(spans("OTEL_TRACES_EXPORTER", "none"), [true, false]);
    assert_eq!(spans("OTEL_SDK_DISABLED", "true"), [true, false]);
    assert_eq!(spans("OTEL_TRACES_SAMPLER", "always_off"), [false, false]);

    let variables = [("OTEL_PROPAGATORS", "none"), ("OTEL_RESOURCE_ATTRIBUTES", "team=blue")];
    let before = serve("opentelemetry_otlp_before", &variables);
    let after = serve("opentelemetry_otlp_after", &variables);
    assert_whole(&before);
    assert!(after.spans.iter().all(|span| span.trace_id.to_string() != TRACE), "{}", after.spans);
    for exported in [before, after] {
        let resource = &exported.spans[0].resource;
        assert!(resource.iter().any(|pair| pair.key.as_str() == "team"), "{resource:?}");
    }
}

#[test]
fn log_filters_hide_no_spans_afterwards() {
    let quiet = [("RUST_LOG", "warn"), ("TRACEWIRE_LOG", "text")];
    let has_custom_span = ["before", "after"].map(|program| {
        let exported = serve(&format!("axum_tracing_opentelemetry_{program}"), &quiet);
        exported.spans.iter().any(|span| span.name == "load_price")
    });
    assert_eq!(has_custom_span, [false, true]);
}

#[test]
fn from_reqwest_tracing() {
    let (before, after) = (job("reqwest_tracing_before"), job("reqwest_tracing_after"));
    assert_calls_are_carried(&before);
    assert_calls_are_carried(&after);
    compare("From reqwest-tracing", "reqwest_tracing", &before, &after);
}

#[test]
fn from_trace_layer() {
    let heading = "From tower-http's TraceLayer";
    let (before, after) = (serve("trace_layer_before", &[]), serve("trace_layer_after", &[]));
    assert!(before.spans.is_empty() && before.metrics.is_empty());
    assert_whole(&after);
    compare(heading, "trace_layer", &before, &after);

    let (old, new) = (messages(&before), messages(&after));
    assert_eq!(old, new, "{:#?}", after.lines);
    let in_trace = after.lines.iter().filter(|line| line.contains("trace_id="));
    assert_eq!(in_trace.count(), after.lines.len(), "{:#?}", after.lines);
    page::shows("trace_layer: lines before", &block(&before));
    page::shows("trace_layer: lines after", &block(&after));
}

/// Level and text of each line, without what differs from run to run and without ids.
fn messages(exported: &Exported) -> BTreeSet<String> {
    let lines = exported.lines.iter().map(|line| {
        let level = line.split_whitespace().nth(1).unwrap();
        let (_, text) = line.split_once("}: ").unwrap();
        let (_, text) = text.split_once(": ").unwrap();
        let varying = ["latency=", "stream_duration=", "trace_id=", "span_id=", "ms"];
        let is_fixed = |word: &&str| !varying.iter().any(|varying| word.starts_with(varying));
        let words: Vec<_> = text.split(' ').filter(is_fixed).collect();
        format!("{level} {}", words.join(" "))
    });
    lines.collect()
}

/// The lines of one request without the values that change.
fn block(exported: &Exported) -> String {
    let lines = exported.lines.iter().filter(|line| line.contains("/orders/"));
    let lines = lines.map(|line| {
        let mut words = line.split(' ').map(|word| match word.split_once('=') {
            Some(("latency", _)) => String::from("latency=1"),
            Some(("span_id", id)) => format!("span_id={}", &"00f067aa0ba902b7"[..id.len().min(16)]),
            _ => word.to_owned(),
        });
        words.next();
        format!("09:00:00 {}\n", words.collect::<Vec<_>>().join(" ").trim_start())
    });
    format!("```text\n{}```\n", lines.collect::<String>())
}

#[test]
fn the_versions_on_the_page_are_those_that_are_tried() {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let (page, workspace) = (page::read(), fs::read_to_string(workspace).unwrap());
    let blocks = page.split("```diff\n").skip(1).map(|block| block.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).filter(|line| line.contains(" = "));
    let mut count = 0;
    for line in lines {
        let (name, rest) = line.trim_start_matches(['-', '+', ' ']).split_once(" = ").unwrap();
        let version = rest.split('"').nth(1).unwrap();
        let ours = workspace.lines().filter(|line| {
            line.starts_with(&format!("{name} = "))
                || line.contains(&format!("package = \"{name}\""))
        });
        assert!(ours.clone().any(|ours| ours.contains(&format!("\"{version}"))), "{line}");
        count += 1;
    }
    assert!(count > 0);
}
