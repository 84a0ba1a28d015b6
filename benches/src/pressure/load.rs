//! Spans of one shape, sent over one protocol.

use opentelemetry::{
    Context, KeyValue, StringValue, Value,
    trace::{
        Link, Span as _, SpanBuilder, SpanContext, SpanId, Status, TraceContextExt, TraceFlags,
        TraceId, TraceState, Tracer, TracerProvider,
    },
};
use std::{
    fs, thread,
    time::{Duration, Instant},
};
use tracewire_init::{Metrics, Otlp, Protocol, Telemetry, Traces, TracesExporter, Zipkin};

/// How much text each span carries.
const BYTES: usize = 60_000;

/// How spans are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// OTLP as protobuf over HTTP.
    Http,
    /// OTLP over gRPC.
    Grpc,
    /// OTLP as JSON over HTTP.
    Json,
    /// Zipkin's JSON.
    Zipkin,
}

impl Wire {
    /// All of them, with their names.
    pub const ALL: [(&str, Self); 4] = [
        ("http", Self::Http),
        ("grpc", Self::Grpc),
        ("json", Self::Json),
        ("zipkin", Self::Zipkin),
    ];

    pub(super) fn telemetry(self, endpoint: &str, flush: Duration) -> Telemetry {
        let builder =
            Telemetry::builder().metrics(Metrics::new().exporters([])).shutdown_timeout(flush);
        let protocol = match self {
            Self::Http => Protocol::HttpProtobuf,
            Self::Grpc => Protocol::Grpc,
            Self::Json => Protocol::HttpJson,
            Self::Zipkin => {
                let endpoint = format!("{endpoint}/api/v2/spans");
                let builder = builder.traces(Traces::new().exporters([TracesExporter::zipkin()]));
                return builder
                    .traces(Traces::new().zipkin(Zipkin::new().endpoint(endpoint)))
                    .build()
                    .expect("it can be set up");
            }
        };
        let builder = builder
            .traces(Traces::new().exporters([TracesExporter::otlp()]))
            .otlp(Otlp::new().protocol(protocol));
        builder.otlp(Otlp::new().endpoint(endpoint)).build().expect("it can be set up")
    }
}

/// What makes a span large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The value of an attribute.
    Attributes,
    /// Its name.
    Names,
    /// The description of its status.
    Status,
    /// The trace state of its links, of which there are four.
    Links,
    /// Its own trace state.
    States,
    /// A value of control characters, each of which JSON writes as six.
    Escapes,
    /// A list of one-letter texts.
    Lists,
    /// Nothing: a span of an HTTP request has no more.
    Small,
}

impl Shape {
    /// All of them, with their names.
    pub const ALL: [(&str, Self); 8] = [
        ("attributes", Self::Attributes),
        ("names", Self::Names),
        ("status", Self::Status),
        ("links", Self::Links),
        ("states", Self::States),
        ("escapes", Self::Escapes),
        ("lists", Self::Lists),
        ("small", Self::Small),
    ];

    pub(super) fn record(self, tracer: &impl Tracer<Span: Send + Sync + 'static>) {
        let long = || "x".repeat(BYTES);
        let attribute = |value: Value| vec![KeyValue::new("key", value)];
        let builder = SpanBuilder::from_name("span");
        let mut parent = Context::new();
        let builder = match self {
            Self::Attributes => builder.with_attributes(attribute(long().into())),
            Self::Names => SpanBuilder::from_name(long()),
            Self::Links => builder.with_links(vec![Link::with_context(remote()); 4]),
            Self::States => {
                parent = parent.with_remote_span_context(remote());
                builder
            }
            Self::Escapes => builder.with_attributes(attribute("\u{1}".repeat(BYTES).into())),
            Self::Lists => {
                let texts = vec![StringValue::from("x".to_owned()); BYTES / 32];
                builder.with_attributes(attribute(Value::Array(texts.into())))
            }
            Self::Status | Self::Small => builder,
        };
        let mut span = tracer.build_with_context(builder, &parent);
        if self == Self::Status {
            span.set_status(Status::error(long()));
        }
    }

    /// How many spans are recorded each millisecond.
    fn rate(self) -> usize {
        if self == Self::Small { 20 } else { 1 }
    }
}

/// The trace state is as long as one may be: 16 KB.
fn remote() -> SpanContext {
    let members = (10..42).map(|number| (format!("{number:k<256}"), "v".repeat(256)));
    let state = TraceState::from_key_value(members).expect("a list may be that long");
    SpanContext::new(TraceId::from(1), SpanId::from(1), TraceFlags::SAMPLED, true, state)
}

/// Records spans for so long, and gives the most memory that this process kept meanwhile beyond
/// what it had at the start, in bytes.
#[must_use]
pub fn hold(wire: Wire, shape: Shape, endpoint: &str, time: Duration) -> u64 {
    let telemetry = wire.telemetry(endpoint, Duration::from_secs(5));
    let tracer = telemetry.tracer_provider().expect("it is not disabled").tracer("pressure");
    let before = resident();
    let end = Instant::now() + time;
    let mut most = before;
    while Instant::now() < end {
        for _ in 0..shape.rate() {
            shape.record(&tracer);
        }
        most = most.max(resident());
        thread::sleep(Duration::from_millis(1));
    }
    telemetry.shutdown_timeout(Duration::from_millis(1));
    most - before
}

/// Records so many spans and exports them, which takes at most so long. Gives the report.
#[must_use]
pub fn push(wire: Wire, shape: Shape, endpoint: &str, spans: usize, time: Duration) -> String {
    let telemetry = wire.telemetry(endpoint, Duration::from_secs(5));
    let tracer = telemetry.tracer_provider().expect("it is not disabled").tracer("pressure");
    for _ in 0..spans {
        shape.record(&tracer);
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(time);
    telemetry.shutdown().to_string()
}

/// The resident memory of this process, in bytes.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("this system has /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.expect("the kernel says how much memory is resident") * 1024
}
