//! Spans, metrics and log records of two orders, one of which fails, by every way to send them.

use super::{
    complains_not, order_lamp,
    output::{Item, Output, attributes},
    server::Collector,
    shop,
};
use crate::{http, lab::Lab, relay::expect, row::Checks};
use serde_json::{Value, json};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

pub(super) fn check(
    lab: &Lab,
    checks: &mut Checks,
    protocol: &str,
    compression: &str,
) -> Result<(), String> {
    // Over HTTP a Collector can be told to take nothing but gzip.
    let only_gzip = compression == "gzip" && protocol != "grpc";
    let configs: &[&str] = if only_gzip { &["config.yaml", "gzip.yaml"] } else { &["config.yaml"] };
    let mut collector = Collector::start_with(lab, "http", configs, vec![])?;
    let environment = [
        ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=interop,team=a%20b"),
    ];
    let shop = shop(lab, &collector, protocol, &environment)?;
    order_lamp(&shop)?;
    let failed = http::get(
        &format!("{}/orders/unicorn", shop.url()),
        &[("traceparent", TRACEPARENT), ("user-agent", "interop")],
    );
    let port = shop.url().rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let said = shop.stop()?;
    let output = collector.output()?;

    let way = match compression {
        "none" => protocol.to_owned(),
        compression => format!("{protocol}, {compression}"),
    };
    checks.check(&format!("{way}: nothing is lost; resource and scope"), || {
        expect("the failed order answers 502", failed.is_err_and(|e| e.contains("502")), true)?;
        complains_not(&said)?;
        resources(&output)
    });
    checks.check(&format!("{way}: spans, their tree, attributes, errors, events"), || {
        spans(&output, port)
    });
    checks.check(&format!("{way}: metrics and their points"), || metrics(&output));
    checks.check(&format!("{way}: log records with the ids of their spans"), || logs(&output));
    Ok(())
}

fn resources(output: &Output) -> Result<(), String> {
    let Output { spans, metrics, logs } = output;
    expect("spans", spans.len(), 8)?;
    for item in spans.iter().chain(metrics).chain(logs) {
        for (key, value) in [
            ("service.name", "shop"),
            ("deployment.environment.name", "interop"),
            ("team", "a b"),
            ("telemetry.sdk.language", "rust"),
            ("telemetry.sdk.name", "opentelemetry"),
            ("telemetry.distro.name", "tracewire"),
        ] {
            expect(key, item.resource[key].as_str(), Some(value))?;
        }
    }
    Ok(())
}

fn spans(output: &Output, port: Option<u16>) -> Result<(), String> {
    let failed = "\
GET /orders/{item} [server] tracewire-tower error: \"\"
  reserve [internal] tracewire-span error: \"HTTP status server error (500 Internal Server Error)\"
    GET [client] tracewire-reqwest error: \"\"
      GET /stock/{item} [server] tracewire-tower error: \"\"
";
    expect("tree of the failed order", without_exception(&output.tree(TRACE_ID)), failed.into())?;
    let lamp = output.spans.iter().find(|span| span.text("traceId") != TRACE_ID);
    let lamp = lamp.ok_or("no spans of the other order")?.text("traceId");
    let reserved = "\
GET /orders/{item} [server] tracewire-tower
  reserve [internal] tracewire-span
    ! reserved {\"shop.left\":\"4\"}
    GET [client] tracewire-reqwest
      GET /stock/{item} [server] tracewire-tower
";
    expect("tree of the other order", output.tree(lamp), reserved.into())?;

    let find = |name: &str, kind: u64| {
        let mut all = output.spans.iter().filter(|span| span.text("traceId") == TRACE_ID);
        let found = all.find(|span| span.text("name") == name && span.value["kind"] == kind);
        found.ok_or_else(|| format!("no {name}"))
    };
    let order = find("GET /orders/{item}", 2)?;
    expect("parent of the order", order.text("parentSpanId"), PARENT)?;
    let mut got = order.attributes();
    got["network.peer.port"] = "…".into(); // whatever was free
    let expected = json!({
        "client.address": "127.0.0.1",
        "error.type": "502",
        "http.request.method": "GET",
        "http.response.status_code": 502,
        "http.route": "/orders/{item}",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": "…",
        "network.protocol.version": "1.1",
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.path": "/orders/unicorn",
        "url.scheme": "http",
        "user_agent.original": "interop",
    });
    expect("attributes of the order", got, expected)?;
    let expected = json!({
        "error.type": "500",
        "http.request.method": "GET",
        "http.response.status_code": 500,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "network.protocol.version": "1.1",
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.full": format!("http://127.0.0.1:{}/stock/unicorn", port.unwrap_or_default()),
    });
    expect("attributes of the call", find("GET", 3)?.attributes(), expected)?;
    for span in &output.spans {
        let nanos = |key| span.text(key).parse::<u64>().unwrap_or_default();
        let (start, end) = (nanos("startTimeUnixNano"), nanos("endTimeUnixNano"));
        expect(&format!("{start} to {end} is a time"), 0 < start && start <= end, true)?;
    }
    Ok(())
}

/// Without the lines about the recorded exception, whose type is long, but only if they are there.
fn without_exception(tree: &str) -> String {
    let is_exception = |line: &&str| line.trim_start().starts_with("! exception ");
    if tree.lines().filter(is_exception).count() != 1 {
        return format!("not one exception in:\n{tree}");
    }
    tree.lines().filter(|line| !is_exception(line)).map(|line| format!("{line}\n")).collect()
}

fn metrics(output: &Output) -> Result<(), String> {
    let mut durations: Vec<Value> = Vec::new();
    for metric in named(output, "http.server.request.duration")? {
        expect("unit", metric.text("unit"), "s")?;
        let histogram = &metric.value["histogram"];
        expect("cumulative", histogram["aggregationTemporality"].as_u64(), Some(2))?;
        for point in histogram["dataPoints"].as_array().into_iter().flatten() {
            let bounds =
                json!([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]);
            let got: Vec<_> = point["explicitBounds"]
                .as_array()
                .into_iter()
                .flatten()
                .map(Value::as_f64)
                .collect();
            let bounds: Vec<_> =
                bounds.as_array().into_iter().flatten().map(Value::as_f64).collect();
            expect("bounds", got, bounds)?;
            expect("count", point["count"].as_str(), Some("1"))?;
            durations.push(attributes(point));
        }
    }
    durations.sort_by_key(Value::to_string);
    let common = |route: &str, status: u16| {
        let mut point = json!({
            "http.request.method": "GET",
            "http.response.status_code": status,
            "http.route": route,
            "network.protocol.version": "1.1",
            "url.scheme": "http",
        });
        if status >= 500 {
            point["error.type"] = status.to_string().into();
        }
        point
    };
    let mut expected = vec![
        common("/orders/{item}", 200),
        common("/orders/{item}", 502),
        common("/stock/{item}", 200),
        common("/stock/{item}", 500),
    ];
    expected.sort_by_key(Value::to_string);
    expect("points of http.server.request.duration", durations, expected)?;

    let calls = named(output, "http.client.request.duration")?;
    let points = calls.iter().flat_map(|metric| metric.value["histogram"]["dataPoints"].as_array());
    expect("points of http.client.request.duration", points.flatten().count(), 2)
}

/// The metric as often as it was exported, which is once, at the end.
fn named<'a>(output: &'a Output, name: &str) -> Result<Vec<&'a Item>, String> {
    let found: Vec<_> =
        output.metrics.iter().filter(|metric| metric.text("name") == name).collect();
    expect(&format!("exports of {name}"), found.len(), 1)?;
    Ok(found)
}

fn logs(output: &Output) -> Result<(), String> {
    let ours = output.logs.iter().filter(|log| log.scope.starts_with("collector_service"));
    let mut got: Vec<_> = ours
        .map(|log| {
            let span = output.spans.iter().find(|span| {
                span.text("traceId") == log.text("traceId")
                    && span.text("spanId") == log.text("spanId")
            });
            json!({
                "body": log.value["body"]["stringValue"],
                "severity": log.text("severityText"),
                "number": log.value["severityNumber"],
                "item": log.attributes()["item"],
                "span": span.map(|span| span.attributes()["url.path"].clone()),
            })
        })
        .collect();
    got.sort_by_key(Value::to_string);
    let log = |body: &str, severity: &str, number: u8, item: &str| {
        json!({
            "body": body,
            "severity": severity,
            "number": number,
            "item": item,
            "span": format!("/orders/{item}"),
        })
    };
    let expected = vec![
        log("order failed", "ERROR", 17, "unicorn"),
        log("order received", "INFO", 9, "lamp"),
        log("order received", "INFO", 9, "unicorn"),
    ];
    expect("log records", got, expected)
}
