//! A service that is set up by a configuration file alone.
#![allow(clippy::unwrap_used)] // a test may

use axum::{Router, routing::get};
use opentelemetry::trace::{Span as _, TraceContextExt, Tracer as _, TracerProvider as _};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
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

/// The lines that a process writes to stderr.
fn said(stderr: std::process::ChildStderr) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        let read = BufReader::new(stderr).lines().map_while(Result::ok);
        read.for_each(|line| drop(sender.send(line)));
    });
    lines
}

#[test]
fn a_watched_file_that_breaks_is_said_once_and_its_repair_is_used() {
    const PATIENCE: Duration = Duration::from_secs(60);
    let text = |sampler: &str| {
        let more = "distribution: {tracewire: {reload: true}}\n";
        let processor = "{simple: {exporter: {console: }}}";
        format!(
            "file_format: '1.1'\ntracer_provider: {{processors: [{processor}], sampler: {sampler}}}\n{more}"
        )
    };
    let file = File::new("watched", &text("{always_off: }"));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_watches_its_file", "--ignored", "--test-threads=1", "--nocapture"])
        // By a name that means another file once the process goes to another folder.
        .current_dir(file.0.parent().unwrap())
        .env("OTEL_CONFIG_FILE", file.0.file_name().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = said(child.stderr.take().unwrap());
    let until = |wanted: &str| {
        let mut warnings = Vec::new();
        loop {
            let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("never: {wanted}"));
            if line.contains(wanted) {
                return warnings;
            }
            if line.contains("warning") {
                warnings.push(line);
            }
        }
    };
    assert_eq!(until("spans are dropped"), [""; 0]);
    file.write(&text("{always_of: }"));
    let broken = file.0.file_name().unwrap().display();
    let message = format!(
        "tracewire: warning: the configuration file changed and is not used; what was read before \
         still holds: {broken}:2:"
    );
    assert_eq!(until(&message), [""; 0]);
    file.write(&text("{always_on: }"));
    assert_eq!(until("spans are kept"), [""; 0], "it is said once");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
#[ignore = "the process that a_watched_file_that_breaks_is_said_once_and_its_repair_is_used starts"]
#[allow(clippy::print_stderr)] // its parent reads it
fn child_watches_its_file() {
    let telemetry = tracewire::init().unwrap();
    std::env::set_current_dir("/").unwrap();
    let (end, ended) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        // To its end, which is the parent's, too.
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(end);
    });
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    let mut before = None;
    while ended.recv_timeout(Duration::from_millis(20)) != Err(RecvTimeoutError::Disconnected) {
        let is_kept = tracer.start("span").span_context().is_sampled();
        if before.replace(is_kept) != Some(is_kept) {
            eprintln!("spans are {}", if is_kept { "kept" } else { "dropped" });
        }
    }
    telemetry.shutdown();
}

#[test]
fn handlers_may_read_the_file_again() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_reloads_in_its_handlers", "--ignored", "--test-threads=1"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that handlers_may_read_the_file_again starts"]
async fn child_reloads_in_its_handlers() {
    const REQUESTS: usize = 40;
    let collector = Collector::start();
    let text = |excluded: &str| configuration(&collector.endpoint(), "{always_on: }", excluded);
    let file = Arc::new(File::new("handlers", &text("/a")));
    let telemetry = Arc::new(Telemetry::builder().config_file(&file.0).init().unwrap());
    let reload = {
        let (telemetry, file) = (telemetry.clone(), file.clone());
        let texts = [text("/a"), text("/b")];
        let count = AtomicU64::new(0);
        move || {
            let number = count.fetch_add(1, Ordering::Relaxed) as usize;
            // In place, so that others may read half of it: that is refused, and changes nothing.
            let _ = std::fs::write(&file.0, &texts[number % 2]);
            let _ = telemetry.reload();
        }
    };
    let reload = Arc::new(reload);
    let handler = move || async move { reload() };
    let app = Router::new().fallback(get(handler)).layer(ServerLayer::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let requests = (0..REQUESTS).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { reqwest::get(url).await.unwrap().status().is_success() })
    });
    for request in requests.collect::<Vec<_>>() {
        assert!(request.await.unwrap());
    }
    file.write(&text("/a"));
    telemetry.reload().unwrap();
    assert_eq!(collector.received(REQUESTS).await.len(), REQUESTS);
}
