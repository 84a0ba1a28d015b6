//! Calls that reuse a connection, of which nothing is told: what it costs that something could be.

use crate::calls::{Calls, boxed, current_thread, request};
use allocation_counter::measure;
use contract::client::server::Server;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use reqwest_middleware::ClientBuilder;
use std::{env, process::Command};
use tokio::runtime::Runtime;
use tower::ServiceExt;
use tower_layer::Layer;
use tracewire_reqwest::ClientMiddleware;
use tracewire_testing::Capture;
use tracewire_tower::ClientLayer;

const CALLS: u32 = 200;

/// Client, and how it is set up.
pub(crate) const CASES: [&str; 7] = [
    "reqwest, bare",
    "reqwest, untraced connections",
    "reqwest, the hook alone",
    "reqwest, traced connections",
    "hyper-util, bare",
    "hyper-util, untraced connections",
    "hyper-util, traced connections",
];

/// What a call runs in, and what it calls.
struct Stage {
    capture: Capture,
    runtime: Runtime,
    url: String,
    /// On threads of its own, which are not counted.
    _server: (Server, Runtime),
}

impl Stage {
    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let threads = builder.worker_threads(1).enable_all().build().expect("a runtime starts");
        let server = threads.block_on(Server::start());
        let (capture, runtime) = (Capture::new(), current_thread());
        Self { capture, runtime, url: server.url("/success"), _server: (server, threads) }
    }
}

/// Makes one call each time, which reuses the connection of the first.
pub(crate) fn prepare(case: &str) -> Box<dyn Fn()> {
    let stage = Stage::new();
    let (library, set_up) = case.split_once(", ").expect("it is a case");
    match library {
        "reqwest" => reqwest(stage, set_up),
        _ => hyper_util(stage, set_up),
    }
}

fn reqwest(stage: Stage, set_up: &str) -> Box<dyn Fn()> {
    let provider = stage.capture.tracer_provider();
    let mut middleware = ClientMiddleware::new().tracer_provider(provider);
    let mut builder = reqwest::Client::builder().no_proxy();
    match set_up {
        "traced connections" => builder = middleware.trace_connections(builder),
        "the hook alone" => builder = ClientMiddleware::new().trace_setups(builder),
        _ => {}
    }
    let mut client = ClientBuilder::new(builder.build().expect("it can be built"));
    if set_up != "bare" {
        client = client.with(middleware);
    }
    let client = client.build();
    Box::new(move || {
        let Stage { capture, runtime, url, .. } = &stage;
        runtime.block_on(async {
            let response = client.get(url).send().await.expect("the server answers");
            response.bytes().await.expect("the body ends");
        });
        capture.clear();
    })
}

fn hyper_util(stage: Stage, set_up: &str) -> Box<dyn Fn()> {
    let mut layer = ClientLayer::new().tracer_provider(stage.capture.tracer_provider());
    let builder = Client::builder(TokioExecutor::new());
    let client: Calls = match set_up {
        "bare" => boxed(builder.build(HttpConnector::new())),
        "traced connections" => {
            let client = layer.trace_connections(&builder, |connections| connections.http());
            boxed(layer.layer(client))
        }
        _ => boxed(layer.layer(builder.build(HttpConnector::new()))),
    };
    Box::new(move || {
        let Stage { capture, runtime, url, .. } = &stage;
        runtime.block_on(client.clone().oneshot(request(url))).expect("the server answers");
        capture.clear();
    })
}

/// Allocations of one call.
pub(crate) fn allocations(case: &str) -> u64 {
    let call = prepare(case);
    // What is kept from call to call is there by then.
    (0..20).for_each(|_| call());
    (0..20).map(|_| measure(&call).count_total).min().unwrap_or_default()
}

/// Instructions of one call, on the thread of the caller; `None` without valgrind.
pub(crate) fn instructions(case: &str) -> Option<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=phases::reuse::calls*")
        .arg(env::current_exe().ok()?)
        .args(["--only", case])
        .output()
        .ok()?;
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{report}");
    let collected = report.split("Collected : ").nth(1)?.split_whitespace().next()?;
    let collected: u64 = collected.parse().expect("callgrind reports a number");
    Some(collected / u64::from(CALLS))
}

/// What [`instructions`] counts, in a process of its own.
pub(crate) fn only(case: &str) {
    let call = prepare(case);
    (0..50).for_each(|_| call());
    calls(&*call);
}

#[inline(never)]
fn calls(call: &dyn Fn()) {
    (0..CALLS).for_each(|_| call());
}
