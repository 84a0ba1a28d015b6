//! Reads a configuration file again under load, and says what that costs requests and a start:
//! `reloads [SECONDS]`, ten seconds of each kind unless told.
//!
//! One thread serves 100,000 requests a second through a `ServerLayer`, or as many as it can. In every
//! third second another thread reads the file again, 100 times, with two samplers in turn; one in ten files
//! is broken. In every third second it only makes a plan of the file as often, which takes as much of the
//! processor and changes nothing. Prints how long requests took from the moment they were due, and ends with 1
//! if a span was lost, or carries a threshold that no sampler sets. Before that it prints what a file adds to a
//! start.
//!
//! ```sh
//! cargo run --release -p benches --features config-file --bin reloads
//! ```
#![allow(clippy::print_stdout)] // what it is asked for

use axum::{Router, body::Body, routing::get};
use futures_util::FutureExt;
use http::{Request, StatusCode};
use opentelemetry::{Context, trace::TraceContextExt};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};
use std::{
    env, fs,
    future::{Future, ready},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tower::ServiceExt;
use tracewire_init::{Component, ConfigFile, Telemetry};
use tracewire_tower::ServerLayer;

const EVERY: Duration = Duration::from_micros(10);
const SECOND: Duration = Duration::from_secs(1);
const RELOADS_A_SECOND: u32 = 100;
/// What a file that does not want to be read looks like.
const BROKEN: &str = "file_format: '1.1'\ntracer_provider: {processors: []}\n";

/// What the other thread does meanwhile.
const NOTHING: u8 = 0;
const PLANS: u8 = 1;
const RELOADS: u8 = 2;

fn main() -> ExitCode {
    let seconds = env::args().nth(1).map_or(10, |word| word.parse().expect("a number of seconds"));
    let file = File::new();
    start_up(&file.0);
    let telemetry = Telemetry::builder()
        .config_file(&file.0)
        .component(Component::span_exporter("nowhere", |_| Ok::<_, String>(Nowhere)))
        .init()
        .expect("the file is right");
    let (work, is_over) = (AtomicU8::new(NOTHING), AtomicBool::new(false));
    let kept = Arc::<AtomicU64>::default();
    let app = app(kept.clone());
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    let reloads = thread::scope(|scope| {
        let reloads = scope.spawn(|| reload(&telemetry, &file, &work, &is_over));
        for _ in 0..seconds {
            for kind in [NOTHING, PLANS, RELOADS] {
                work.store(kind, Ordering::SeqCst);
                times[usize::from(kind)].extend(serve(&app));
            }
        }
        is_over.store(true, Ordering::SeqCst);
        reloads.join().expect("reloads do not panic")
    });
    let report = telemetry.shutdown();
    let exported: u64 = report.signals().iter().map(|signal| signal.exported()).sum();
    let kept = kept.load(Ordering::SeqCst);
    let [quiet, plans, reloading] = times;
    print("without reloads", quiet);
    let planned = print("plans alone", plans);
    let with = print("with reloads", reloading);
    println!("p99 with reloads against plans alone: {:+.1} %", (with / planned - 1.0) * 100.0);
    println!(
        "{} reloads, {} refused; {kept} spans kept, {exported} exported",
        reloads.0, reloads.1
    );
    if report.is_complete() && kept == exported { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a typical file adds to a start: it is read, checked and decided by.
fn start_up(path: &Path) {
    let median = |work: &dyn Fn()| {
        let mut times: Vec<_> = (0..201)
            .map(|_| {
                let start = Instant::now();
                work();
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    let typical = path.with_extension("typical.yaml");
    fs::write(&typical, TYPICAL).expect("the folder is writable");
    let read = median(&|| drop(ConfigFile::read(&typical).expect("the file is right")));
    let by_file = median(&|| {
        drop(Telemetry::builder().config_file(&typical).plan().expect("the file is right"));
    });
    let by_variables = median(&|| drop(Telemetry::builder().plan().expect("nothing is set")));
    fs::remove_file(&typical).expect("it was just written");
    println!(
        "start-up: a file is read in {read:.1?}; a plan takes {by_file:.1?} by the file and \
         {by_variables:.1?} by variables"
    );
}

fn app(kept: Arc<AtomicU64>) -> Router {
    let handler = move || async move {
        let context = Context::current();
        let span = context.span();
        let span = span.span_context();
        // Of exactly one of the two samplers.
        match (span.is_sampled(), span.trace_state().get("ot")) {
            (true, Some("th:8" | "th:c")) => kept.fetch_add(1, Ordering::Relaxed),
            (false, None) => 0,
            other => panic!("of no sampler: {other:?}"),
        };
        StatusCode::OK
    };
    Router::new().route("/orders/{id}", get(handler)).layer(ServerLayer::new())
}

/// Serves for a second: how long each request took from when it was due, in nanoseconds.
fn serve(app: &Router) -> Vec<u64> {
    let start = Instant::now();
    let mut times = Vec::with_capacity(100_000);
    let mut due = Duration::ZERO;
    while due < SECOND {
        while start.elapsed() < due {
            std::hint::spin_loop();
        }
        let request = Request::get("/orders/7").body(Body::empty()).expect("it is a request");
        let response = app.clone().oneshot(request).now_or_never().expect("nothing waits");
        let Ok(response) = response;
        assert_eq!(response.status(), StatusCode::OK);
        let taken = start.elapsed().saturating_sub(due);
        times.push(u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX));
        due += EVERY;
        if start.elapsed() > 2 * SECOND {
            break; // it cannot keep up
        }
    }
    times
}

/// Writes the file again and again while it is asked to, and reads it: how often it was reloaded, and how
/// often that was refused.
fn reload(telemetry: &Telemetry, file: &File, work: &AtomicU8, is_over: &AtomicBool) -> (u32, u32) {
    let (mut reloads, mut refused, mut written) = (0, 0, 0_u32);
    while !is_over.load(Ordering::SeqCst) {
        thread::sleep(SECOND / RELOADS_A_SECOND);
        let work = work.load(Ordering::SeqCst);
        if work == NOTHING {
            continue;
        }
        written += 1;
        let is_broken = written % 10 == 0;
        file.write(if is_broken {
            BROKEN.to_owned()
        } else {
            text(0.25 * f64::from(1 + written % 2))
        });
        let is_refused = if work == PLANS {
            let nowhere = Component::span_exporter("nowhere", |_| Ok::<_, String>(Nowhere));
            Telemetry::builder().config_file(&file.0).component(nowhere).plan().is_err()
        } else {
            let is_refused = telemetry.reload().is_err();
            reloads += 1;
            refused += u32::from(is_refused);
            is_refused
        };
        assert_eq!(is_refused, is_broken);
    }
    (reloads, refused)
}

/// Prints percentiles, and returns the 99th.
fn print(what: &str, mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize] as f64 / 1000.0;
    let [half, most, worst] = [0.5, 0.99, 0.999].map(at);
    let count = times.len();
    println!(
        "{what:<16} {count:>8} requests: p50 {half:.1} µs, p99 {most:.1} µs, p99.9 {worst:.1} µs"
    );
    most
}

/// A configuration file in the temporary folder.
struct File(PathBuf);

impl File {
    fn new() -> Self {
        let name = format!("tracewire-reloads-{}.yaml", std::process::id());
        let file = Self(env::temp_dir().join(name));
        file.write(text(0.5));
        file
    }

    /// Replaces the file at once, as tools that deploy configuration do.
    fn write(&self, text: String) {
        let new = self.0.with_extension("new");
        fs::write(&new, text).expect("the folder is writable");
        fs::rename(new, &self.0).expect("the folder is writable");
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn text(ratio: f64) -> String {
    format!(
        "file_format: '1.1'
tracer_provider:
  processors: [{{batch: {{exporter: {{nowhere: }}}}}}]
  sampler: {{composite/development: {{parent_threshold: {{root: {{probability: {{ratio: {ratio}}}}}}}}}}}
"
    )
}

const TYPICAL: &str = "file_format: '1.1'
resource:
  attributes:
    - {name: service.name, value: '${SERVICE_NAME:-shop}'}
    - {name: deployment.environment.name, value: production}
propagator: {composite: [{tracecontext: }, {baggage: }]}
tracer_provider:
  limits: {attribute_value_length_limit: 4096}
  sampler:
    composite/development:
      parent_threshold:
        root:
          rules: {rules: ['GET /healthz*: off', 'POST /orders: on 50/s', '0.01 50/s']}
  processors:
    - batch:
        schedule_delay: 1000
        exporter:
          otlp_http:
            endpoint: '${COLLECTOR:-http://localhost:4318}/v1/traces'
            headers: [{name: api-key, value: '${API_KEY:-none}'}]
            compression: gzip
meter_provider:
  readers:
    - periodic:
        interval: 15000
        exporter: {otlp_http: {endpoint: '${COLLECTOR:-http://localhost:4318}/v1/metrics'}}
  views:
    - selector: {instrument_name: http.server.request.duration}
      stream: {aggregation: {base2_exponential_bucket_histogram: {max_size: 160}}}
instrumentation/development:
  general: {http: {server: {request_captured_headers: [x-request-id]}}}
distribution: {tracewire: {excluded_paths: [/healthz], reload: true}}
";

/// An exporter that drops.
#[derive(Debug)]
struct Nowhere;

impl SpanExporter for Nowhere {
    fn export(&self, _: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        ready(Ok(()))
    }
}
