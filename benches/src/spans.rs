//! Spans as a server's layer makes them, at a steady pace, exported as `tracewire::init` does it.

use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanBuilder, SpanKind, Tracer, TracerProvider},
};
use std::{
    fs,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// What was made, and what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// How many spans were made.
    pub spans: u64,
    /// The most memory over that at the start, in KiB, where the system tells.
    pub kib: u64,
    /// What became of them, as the guard says.
    pub report: String,
}

/// Makes `rate` spans a second for so long, and exports them.
///
/// # Panics
///
/// If telemetry cannot be set up. Once in the life of a process.
#[must_use]
pub fn at_pace(rate: u64, time: Duration) -> Made {
    let before = peak_kib();
    let guard = tracewire_init::init().expect("the variables are right");
    let tracer = guard.tracer_provider().expect("nothing is disabled").tracer("spans");
    let texts = Texts::new();
    let start = Instant::now();
    let mut spans = 0;
    while start.elapsed() < time {
        let due = (start.elapsed().as_secs_f64() * rate as f64) as u64;
        while spans < due {
            texts.record(&tracer);
            spans += 1;
        }
        thread::sleep(Duration::from_millis(1));
    }
    let report = guard.shutdown().to_string();
    Made { spans, kib: peak_kib().saturating_sub(before), report }
}

/// Makes so many spans and exports them, a thousand at a time, so that none is lost however slow it
/// goes.
///
/// # Panics
///
/// If telemetry cannot be set up. Once in the life of a process.
pub fn counted(spans: u64) {
    let guard = tracewire_init::init().expect("the variables are right");
    let tracer = guard.tracer_provider().expect("nothing is disabled").tracer("spans");
    let texts = Texts::new();
    for number in 1..=spans {
        texts.record(&tracer);
        if number % 1_000 == 0 {
            let _ = guard.flush(); // the collector knows what arrived
        }
    }
    guard.shutdown();
}

/// The texts that the spans of one route share.
struct Texts {
    agent: Arc<str>,
    host: Arc<str>,
    path: Arc<str>,
    peer: Arc<str>,
    route: Arc<str>,
}

impl Texts {
    fn new() -> Self {
        Self {
            agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)".into(),
            host: "shop.example".into(),
            path: "/users/4711".into(),
            peer: "192.0.2.17".into(),
            route: "/users/{id}".into(),
        }
    }

    fn record(&self, tracer: &impl Tracer) {
        let text = |key: &'static str, text: &Arc<str>| KeyValue::new(key, text.clone());
        let mut attributes = Vec::with_capacity(15);
        attributes.extend([
            KeyValue::new("http.request.method", "GET"),
            KeyValue::new("url.scheme", "http"),
            text("url.path", &self.path),
            text("http.route", &self.route),
            KeyValue::new("network.protocol.version", "1.1"),
            text("user_agent.original", &self.agent),
            text("server.address", &self.host),
            KeyValue::new("server.port", 8080),
            text("client.address", &self.peer),
            text("network.peer.address", &self.peer),
            KeyValue::new("network.peer.port", 51712),
        ]);
        let builder = SpanBuilder::from_name("GET /users/{id}")
            .with_kind(SpanKind::Server)
            .with_attributes(attributes);
        let mut span = tracer.build_with_context(builder, &Context::new());
        span.set_attribute(KeyValue::new("http.response.status_code", 200));
    }
}

/// The most memory that this process ever had; zero where the system does not tell.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
