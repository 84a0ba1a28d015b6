//! A service that is set up by a configuration file alone.
#![allow(clippy::unwrap_used)] // a test may

use axum::{Router, routing::get};
use opentelemetry::trace::TraceContextExt;
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use tracewire::{ServerLayer, Telemetry};
use tracewire_testing::Collector;

/// A file of its own, removed in the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("tracewire-{name}-{}.yaml", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        file.write(text);
        file
    }

    /// Replaces the file at once, as tools that deploy configuration do.
    fn write(&self, text: &str) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, &self.0).unwrap();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn configuration(endpoint: &str, sampler: &str, excluded: &str) -> String {
    format!(
        "file_format: \"1.1\"
resource: {{attributes: [{{name: service.name, value: shop}}]}}
propagator: {{composite: [{{tracecontext: }}]}}
tracer_provider:
  processors:
    - batch: {{exporter: {{otlp_http: {{endpoint: '{endpoint}/v1/traces'}}}}}}
  sampler: {sampler}
instrumentation/development:
  general:
    http:
      server: {{request_captured_headers: [x-shop], known_methods: [GET]}}
    sanitization: {{url: {{sensitive_query_parameters: [card]}}}}
distribution: {{tracewire: {{excluded_paths: [{excluded}]}}}}
"
    )
}

/// Serves, and counts the requests whose span is sampled.
async fn serve() -> (String, Arc<AtomicU64>) {
    let sampled = Arc::new(AtomicU64::new(0));
    let count = sampled.clone();
    let handler = move || async move {
        let context = opentelemetry::Context::current();
        if context.span().span_context().is_sampled() && context.span().is_recording() {
            count.fetch_add(1, Ordering::Relaxed);
        }
        "ok"
    };
    let app = Router::new().fallback(get(handler)).layer(ServerLayer::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, sampled)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_that_changes_under_load_loses_no_span() {
    const CLIENTS: usize = 4;
    const REQUESTS: usize = 250;
    let collector = Collector::start();
    let text =
        |sampler: &str, excluded: &str| configuration(&collector.endpoint(), sampler, excluded);
    let file = File::new("load", &text("{always_on: }", "/healthz"));
    let telemetry = Telemetry::builder().config_file(&file.0).init().unwrap();
    let (url, sampled) = serve().await;
    let client = reqwest::Client::new();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move {
                for number in 0..REQUESTS {
                    let path = if number % 3 == 0 { "healthz" } else { "orders" };
                    let request = client.get(format!("{url}/{path}?card=4711"));
                    let response = request.header("x-shop", "7").send().await.unwrap();
                    assert_eq!(response.text().await.unwrap(), "ok");
                }
            })
        })
        .collect();
    let mut reloads = 0;
    while !clients.iter().all(tokio::task::JoinHandle::is_finished) {
        let half = "{composite/development: {probability: {ratio: 0.5}}}";
        match reloads % 4 {
            0 => file.write(&text(half, "/healthz")),
            1 => file.write(&text("{always_on: }", "/orders")),
            2 => file.write("file_format: \"1.1\"\ntracer_provider: {processors: []}\n"),
            _ => file.write(&text("{parent_based: }", "/healthz, /orders")),
        }
        assert_eq!(telemetry.reload().is_err(), reloads % 4 == 2);
        reloads += 1;
        tokio::task::yield_now().await;
    }
    for client in clients {
        client.await.unwrap();
    }
    file.write(&text("{always_on: }", "/healthz"));
    telemetry.reload().unwrap();
    for path in ["healthz", "orders?card=4711"] {
        let request = client.get(format!("{url}/{path}")).header("x-shop", "8");
        request.send().await.unwrap();
    }
    let report = tokio::task::spawn_blocking(|| telemetry.shutdown()).await.unwrap();
    assert!(report.is_complete(), "{report}");
    let exported: u64 = report.signals().iter().map(|signal| signal.exported()).sum();
    assert_eq!(exported, sampled.load(Ordering::Relaxed), "after {reloads} reloads: {report}");
    let spans = collector.spans();
    let last = spans.iter().rfind(|span| {
        span.attribute("http.request.header.x-shop").is_some_and(|v| v.to_string().contains('8'))
    });
    let last = last.unwrap();
    assert_eq!(last.attribute("url.path").unwrap().as_str(), "/orders");
    assert_eq!(last.attribute("url.query").unwrap().as_str(), "card=REDACTED");
}

/// Runs one request in a process of its own, which `OTEL_CONFIG_FILE` sets up.
fn spans_of_a_process(collector: &Collector, file: &Path, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_serves_one_request", "--ignored", "--test-threads=1"])
        .env("OTEL_CONFIG_FILE", file)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let spans = collector.spans();
    let span = spans.iter().next_back().unwrap();
    let mut lines = vec![format!("{} {} {}", span.name, span.scope, span.schema_url)];
    let port = "server.port";
    let own = ["client.port", "network.peer.port", port];
    for attribute in span.attributes.iter().filter(|a| !own.contains(&a.key.as_str())) {
        lines.push(format!("{}={}", attribute.key, attribute.value));
    }
    lines.extend(span.resource.iter().map(|a| format!("resource {}={}", a.key, a.value)));
    lines.sort();
    lines.join("\n")
}

#[test]
fn no_variable_beside_a_file_changes_what_is_exported() {
    let collector = Collector::start();
    let file = File::new("isolation", &configuration(&collector.endpoint(), "{always_on: }", "/a"));
    let clean = spans_of_a_process(&collector, &file.0, &[]);
    assert!(clean.contains("resource service.name=shop"), "{clean}");
    let hostile = [
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_SERVICE_NAME", "other"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=b,service.name=c"),
        ("OTEL_PROPAGATORS", "none"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "no url"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "PURGE"),
        ("OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS", "host"),
        ("TRACEWIRE_EXCLUDED_PATHS", "/*"),
        ("TRACEWIRE_RESOURCE_DETECTORS", "all"),
        ("DD_SERVICE", "dog"),
        ("ELASTIC_APM_SERVICE_NAME", "stretch"),
    ];
    assert_eq!(spans_of_a_process(&collector, &file.0, &hostile), clean);
}

#[tokio::test]
#[ignore = "the process that no_variable_beside_a_file_changes_what_is_exported starts"]
async fn child_serves_one_request() {
    let telemetry = tracewire::init().unwrap();
    let (url, sampled) = serve().await;
    reqwest::get(format!("{url}/orders?card=4711&b=1")).await.unwrap();
    reqwest::get(format!("{url}/a")).await.unwrap();
    let report = tokio::task::spawn_blocking(|| telemetry.shutdown()).await.unwrap();
    assert_eq!(report.to_string(), "spans to otlp: 1 exported");
    assert_eq!(sampled.load(Ordering::Relaxed), 1);
}
