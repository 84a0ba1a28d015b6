//! OTLP in a file: what our exporter `otlp_file` writes, read by a Collector's receiver `otlp_json_file`.

use super::output::{Item, Output};
use super::{complains_not, order_lamp, server::Collector};
use crate::{
    lab::Lab, relay::expect, row::Checks, systems::example::Example, systems::go::version,
};
use serde_json::Value;
use std::path::Path;

/// Enough for several lines of the length at which a batch is cut.
const ORDERS: usize = 800;
/// The longest line that the receiver takes unless told otherwise.
const LONGEST: usize = 1024 * 1024;

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(version(lab, "collector", "go.opentelemetry.io/collector/otelcol")?);
    let file = lab.cache(&format!("otlp-lines-{}.jsonl", std::process::id()));
    let _ = std::fs::remove_file(&file); // of an earlier run with this id
    write(lab, &file)?;
    let written = Output::read(&file)?;
    checks.check("every signal is written, one line of JSON a batch, of at most 1 MiB", || {
        let text = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
            let members = value.as_object().map_or(0, serde_json::Map::len);
            expect("members of a line", members, 1)?;
            expect(&format!("{} is at most 1 MiB", line.len()), line.len() < LONGEST, true)?;
        }
        let with_spans = text.lines().filter(|line| line.contains("resourceSpans")).count();
        expect(&format!("{with_spans} lines with spans are several"), with_spans > 1, true)?;
        expect("spans", written.spans.len(), ORDERS * 4)?;
        expect("log records", written.logs.len(), ORDERS)?;
        expect("some metrics", written.metrics.is_empty(), false)
    });
    spoil(&file)?;
    let environment = vec![("LINES", file.display().to_string())];
    let mut collector =
        Collector::start_with(lab, "http", &["config.yaml", "lines.yaml"], environment)?;
    let what = "a Collector reads back the same spans, metrics and log records, beside lines cut off or empty";
    checks.check(what, || {
        collector.written(written.spans.len())?;
        let read = collector.output()?;
        for (kind, of) in [
            ("spans", (|output| &output.spans) as fn(&Output) -> &Vec<Item>),
            ("metrics", |output| &output.metrics),
            ("log records", |output| &output.logs),
        ] {
            let (read, written) = (sorted(of(&read)), sorted(of(&written)));
            expect(&format!("number of {kind}"), read.len(), written.len())?;
            for (read, written) in read.iter().zip(&written) {
                expect(kind, read, written)?;
            }
        }
        Ok::<_, String>(())
    });
    collector.end()?;
    std::fs::remove_file(&file).map_err(|error| error.to_string())
}

/// Lets the shop write what comes of many orders.
fn write(lab: &Lab, file: &Path) -> Result<(), String> {
    let path = file.display().to_string();
    let shop = Example::start(
        lab,
        "collector-service",
        &[
            ("OTEL_TRACES_EXPORTER", "otlp_file"),
            ("OTEL_METRICS_EXPORTER", "otlp_file"),
            ("OTEL_LOGS_EXPORTER", "otlp_file"),
            ("TRACEWIRE_OTLP_FILE", &path),
            ("OTEL_BSP_SCHEDULE_DELAY", "60000"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
        ],
    )?;
    for _ in 0..ORDERS {
        order_lamp(&shop)?;
    }
    complains_not(&shop.stop()?)
}

/// Puts an empty line and one that was cut off between the others.
fn spoil(file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let (first, rest) = text.split_once('\n').ok_or("no line")?;
    let spoiled = format!("{first}\n\n{}\n{rest}", &first[..first.len() / 2]);
    std::fs::write(file, spoiled).map_err(|error| error.to_string())
}

/// What identifies each item, in order.
fn sorted(items: &[Item]) -> Vec<String> {
    // The Collector leaves out what is empty, and adds the name of the file to records and metrics.
    let identity = |item: &Item| {
        let ids =
            ["name", "traceId", "spanId", "parentSpanId", "startTimeUnixNano", "timeUnixNano"];
        // A log record without a time has 0 or nothing.
        let ids = ids.map(|key| item.text(key).trim_start_matches('0').to_owned());
        let points = ["sum", "gauge", "histogram"]
            .map(|kind| full(&item.value[kind]["dataPoints"]).to_string());
        format!("{} {} {ids:?} {points:?}", item.resource, item.scope)
    };
    let mut sorted: Vec<_> = items.iter().map(identity).collect();
    sorted.sort();
    sorted
}

/// The value without members that are empty or zero, and with one form for each number.
fn full(value: &Value) -> Value {
    let is_empty =
        |value: &Value| value.as_array().is_some_and(Vec::is_empty) || value.as_f64() == Some(0.0);
    match value {
        Value::Array(values) => values.iter().map(full).collect(),
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !is_empty(value));
            members.map(|(name, value)| (name.clone(), full(value))).collect()
        }
        Value::Number(number) => number.as_f64().into(),
        other => other.clone(),
    }
}
