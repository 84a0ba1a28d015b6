//! A service that is told by one line of environment what to keep, over real sockets: every request to an
//! error-prone route, one percent of the rest, no probe, and at most 100 traces a second. Its graphs still
//! add up.
#![allow(clippy::unwrap_used)] // a test may

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use opentelemetry::trace::SpanKind;
use reqwest::{Client, Method};
use std::{
    collections::BTreeMap,
    process::Command,
    time::{Duration, SystemTime},
};
use tracewire::{ServerLayer, sampling::OtelTraceState};
use tracewire_testing::{Collector, Span};

/// `OTEL_TRACES_SAMPLER=parentbased_rules` and one of these: a share for each rule, or one for all.
const LINES: [&str; 2] = [
    "GET /healthz*: off; POST /orders: on 50/s; 0.01 50/s",
    "GET /healthz*: off; POST /orders: on; 0.01; total 100/s",
];
const LOAD: &str = "SAMPLING_LINE_LOAD";
const HEAVY: usize = 12_000;
const LIGHT: usize = 50;
const CLIENTS: usize = 4;

/// What one service sent of all requests: how many there were by its metric, and the spans that it kept,
/// each by route.
struct Sent {
    requests: BTreeMap<String, u64>,
    spans: BTreeMap<String, Vec<Kept>>,
}

/// A span that was kept, and for how many requests it stands.
struct Kept {
    started: SystemTime,
    stands_for: f64,
}

/// Runs a service under this load in a process of its own, which has the line in its environment.
fn run(load: &str, line: &str) -> Sent {
    let collector = Collector::start();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_serves_under_load", "--ignored", "--test-threads=1"])
        .env(LOAD, load)
        .env("OTEL_TRACES_SAMPLER", "parentbased_rules")
        .env("OTEL_TRACES_SAMPLER_ARG", line)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_LOGS_EXPORTER", "none")
        // Once, at the end, however slow this machine is.
        .env("OTEL_METRIC_EXPORT_INTERVAL", "3600000")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut sent = Sent { requests: BTreeMap::new(), spans: BTreeMap::new() };
    for point in &collector.metrics().one("http.server.request.duration").points {
        let route = point.attributes.iter().find(|pair| pair.key.as_str() == "http.route").unwrap();
        *sent.requests.entry(route.value.to_string()).or_default() += point.count;
    }
    for span in collector.spans().of_kind(SpanKind::Server).iter() {
        let route = span.attribute("http.route").unwrap().to_string();
        sent.spans.entry(route).or_default().push(Kept::of(span));
    }
    sent
}

impl Kept {
    fn of(span: &Span) -> Self {
        let state = span.trace_state.parse().unwrap();
        let threshold = OtelTraceState::of(&state).threshold().expect("each span can be counted");
        Self { started: span.start_time, stands_for: threshold.adjusted_count() }
    }
}

/// Whether the spans stand for as many requests, within five standard deviations: how many were kept, and
/// with which probabilities, differs from run to run.
#[track_caller]
fn assert_adds_up(spans: &[Kept], requests: u64) {
    let total: f64 = spans.iter().map(|span| span.stands_for).sum();
    let variance: f64 = spans.iter().map(|span| span.stands_for * (span.stands_for - 1.0)).sum();
    let off = (total - requests as f64).abs();
    let sigma = variance.sqrt();
    assert!(off <= 5.0 * sigma + 0.5, "{total} for {requests} requests, sigma {sigma}");
}

#[test]
fn under_load_at_most_so_many_are_kept_and_the_graphs_add_up() {
    for line in LINES {
        assert_keeps_at_most_so_many(&run("heavy", line));
    }
}

fn assert_keeps_at_most_so_many(sent: &Sent) {
    let requests = |route: &str| sent.requests[route];
    assert_eq!(requests("/healthz"), HEAVY as u64 / 20);
    assert_eq!(requests("/orders") + requests("/users/{id}"), HEAVY as u64 * 19 / 20);
    assert!(!sent.spans.contains_key("/healthz"), "no probe is kept");
    let (orders, users) = (&sent.spans["/orders"], &sent.spans["/users/{id}"]);
    assert_adds_up(orders, requests("/orders"));
    assert_adds_up(users, requests("/users/{id}"));
    // Once the rate is known, which takes a tenth of a second and is given a whole one.
    let mut started: Vec<_> = orders.iter().chain(users).map(|span| span.started).collect();
    started.sort_unstable();
    let settled = started[0] + Duration::from_secs(1);
    let later = started.iter().filter(|start| **start > settled).count() as f64;
    let seconds = started[started.len() - 1].duration_since(settled).unwrap_or_default();
    let most = 130.0 * seconds.as_secs_f64() + 50.0;
    assert!(later <= most, "{later} traces in {seconds:?} after the first second");
    // A busy machine may not send more than what is wanted.
    let offered = requests("/orders") as f64 / (seconds.as_secs_f64() + 1.0);
    let kept = orders.len();
    assert!(offered < 300.0 || kept < requests("/orders") as usize / 2, "{kept} of {offered}/s");
}

#[test]
fn below_the_rate_every_request_to_the_error_prone_route_is_kept() {
    for line in LINES {
        assert_keeps_every_order(&run("light", line));
    }
}

fn assert_keeps_every_order(sent: &Sent) {
    let orders = &sent.spans["/orders"];
    assert_eq!(orders.len() as u64, sent.requests["/orders"]);
    assert!(orders.iter().all(|span| span.stands_for == 1.0), "each stands for itself");
    assert!(!sent.spans.contains_key("/healthz"));
    let users = sent.spans.get("/users/{id}").map_or(0, Vec::len);
    assert!(users < LIGHT / 2, "{users} of {} are one percent", sent.requests["/users/{id}"]);
}

fn app() -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/orders", post(async || StatusCode::CREATED))
        .route("/users/{id}", get(async || "user"))
        .layer(ServerLayer::new())
}

async fn ask(client: &Client, url: &str, number: usize) {
    let (method, path) = match number {
        _ if number.is_multiple_of(20) => (Method::GET, "/healthz".to_owned()),
        _ if number.is_multiple_of(2) => (Method::POST, "/orders".to_owned()),
        _ => (Method::GET, format!("/users/{number}")),
    };
    let response = client.request(method, format!("{url}{path}")).send().await.unwrap();
    assert!(response.status().is_success());
    response.bytes().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the other tests start"]
async fn child_serves_under_load() {
    let telemetry = tracewire::init().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app()).await });
    let client = Client::new();
    if std::env::var(LOAD).unwrap() == "heavy" {
        let clients = (0..CLIENTS).map(|first| {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move {
                for number in (first..HEAVY).step_by(CLIENTS) {
                    ask(&client, &url, number).await;
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
    } else {
        for number in 0..LIGHT {
            ask(&client, &url, number).await;
            // 25 orders in a second, however slow this machine is.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let report = tokio::task::spawn_blocking(|| telemetry.shutdown()).await.unwrap();
    assert!(report.is_complete(), "{report}");
}
