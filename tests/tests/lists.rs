//! What arrives in `tracestate` and `baggage` is seen by the handler, leaves with the exported span and
//! reaches the next service unchanged, however the process is set up. What is global belongs to a process,
//! so the test runs itself once for each set-up.
#![allow(clippy::unwrap_used)] // a test may

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Request},
    routing::{get, post},
};
use futures_util::FutureExt as _;
use opentelemetry::{
    Context, KeyValue, TraceId,
    baggage::BaggageExt as _,
    global,
    trace::{Link, SpanKind, TraceContextExt as _, Tracer as _},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{
        SamplingDecision, SamplingResult, SdkTracerProvider, ShouldSample, Span, SpanData,
        SpanExporter, SpanProcessor,
    },
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::{
    cell::Cell,
    collections::BTreeMap,
    env,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tower::ServiceExt as _;
use tracewire::{
    ServerLayer, Telemetry,
    propagation::{
        Baggage, Composite, Propagator, TraceContext, W3c, default_propagator, moves_trace_state,
    },
    setup::{Otlp, Traces, TracesExporter},
};

const TEST: &str = "lists_pass_through_every_set_up";
const CHILD: &str = "TRACEWIRE_TEST_LISTS";

/// How many requests each process serves.
const CASES: u32 = 24;

/// Samplers of a process that `init` sets up, by their names in `OTEL_TRACES_SAMPLER`, or the test's own.
const SAMPLERS: [&str; 9] = [
    "always_on",
    "always_off",
    "traceidratio",
    "probability",
    "rules",
    "parentbased_always_on",
    "parentbased_traceidratio",
    "parentbased_probability",
    OWN_SAMPLER,
];
const OWN_SAMPLER: &str = "own";

/// What takes spans: an exporter, an exporter behind the application's own processor, or a collector.
const EXPORTERS: [&str; 3] = ["exporter", "own processor", "collector"];

/// The propagators of a process, by their names in `OTEL_PROPAGATORS`. Only the first is read in one
/// pass.
const PROPAGATORS: [&str; 3] =
    ["tracecontext,baggage", "baggage,tracecontext", "b3,xray,tracecontext,baggage"];

#[test]
fn lists_pass_through_every_set_up() {
    if let Ok(set_up) = env::var(CHILD) {
        let [sdk, sampler, exporter] = *set_up.split('|').collect::<Vec<_>>() else { panic!() };
        return serve(sdk, sampler, exporter);
    }
    let mut set_ups = vec![("none", "", ""), ("own", "", "exporter")];
    for sampler in SAMPLERS {
        set_ups.extend(EXPORTERS.map(|exporter| ("init", sampler, exporter)));
    }
    let runs = set_ups.iter().flat_map(|set_up| PROPAGATORS.map(|names| (*set_up, names)));
    for some in runs.collect::<Vec<_>>().chunks(8) {
        let children = some.iter().map(|(set_up, names)| (set_up, names, start(*set_up, names)));
        for (set_up, names, child) in children.collect::<Vec<_>>() {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{set_up:?} {names}: {said}");
        }
    }
}

fn start((sdk, sampler, exporter): (&str, &str, &str), propagators: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", TEST])
        .env_clear()
        .env(CHILD, format!("{sdk}|{sampler}|{exporter}"))
        .env("OTEL_PROPAGATORS", propagators)
        .env("OTEL_TRACES_SAMPLER", if sampler == OWN_SAMPLER { "" } else { sampler })
        .env("OTEL_TRACES_SAMPLER_ARG", if sampler == "rules" { "on" } else { "0.5" })
        .env("OTEL_METRICS_EXPORTER", "none")
        .env("OTEL_LOGS_EXPORTER", "none")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Serves requests with random lists, in the process that is set up so.
fn serve(sdk: &str, sampler: &str, exporter: &str) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let spans = Spans::default();
    let telemetry = match sdk {
        "init" => Some(spans.init(sampler, runtime.block_on(Spans::collect(&spans)), exporter)),
        "own" => {
            let provider = SdkTracerProvider::builder().with_span_processor(spans.clone());
            global::set_tracer_provider(provider.build());
            None
        }
        _ => None,
    };
    let keeps = ["always_on", "always_off", "parentbased_always_on", "parentbased_traceidratio"];
    let moves = sdk == "init" && keeps.contains(&sampler) && exporter != "own processor";
    assert_eq!(moves_trace_state(), moves, "whether the list is moved into the span");
    let exported = Cell::new(0);
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&message(), |message| {
            // A list that comes again is not read again.
            let seen = [(); 3].map(|()| handled(ServerLayer::new(), &message));
            if let Some(telemetry) = &telemetry {
                telemetry.flush();
            }
            let expected = Seen::expected(&message);
            for seen in &seen {
                prop_assert_eq!(seen, &expected);
            }
            for state in spans.take(message.trace) {
                exported.set(exported.get() + 1);
                prop_assert_eq!(without_own(&state), expected.state.clone());
            }
            // A gateway reads neither list, and passes both on.
            let unread = handled(ServerLayer::new().propagator(W3c::unread()), &message);
            prop_assert_eq!(&unread.sent_state, &expected.sent_state);
            Ok(())
        })
        .unwrap();
    let has_spans = sdk != "none" && sampler != "always_off";
    assert_eq!(exported.get() > 0, has_spans, "{exported:?} spans had lists");
}

/// A request with random lists.
#[derive(Debug)]
struct Message {
    trace: TraceId,
    headers: HeaderMap,
}

fn message() -> impl Strategy<Value = Message> {
    let key = "[a-z0-9][a-z0-9_*/@-]{0,6}";
    let value = "[ -+\\--<>-~]{0,8}[!-+\\--<>-~]";
    let member = (key, value).prop_map(|(key, value)| format!("{key}={value}"));
    let member = prop_oneof![
        20 => member,
        1 => Just("ot=rv:6e6d1a75832a2f;a:b".to_owned()),
        1 => Just("not a member".to_owned()),
    ];
    let state = vec(vec(member, 0..9).prop_map(|members| members.join(" ,")), 0..3);
    let entry = prop_oneof![
        20 => "[a-zA-Z0-9!#$.^_`|~-]{1,6}=[!#-+\\--:<-\\[\\]-~]{0,8}(;[a-z]{1,3}(=[a-z0-9%]{0,3})?)?",
        2 => Just("key=%C3%A9t%C3%A9%2C".to_owned()),
        1 => Just("no entry".to_owned()),
    ];
    let comma = prop_oneof![Just(","), Just(", ")];
    let baggage = (vec(entry, 0..9), comma).prop_map(|(entries, comma)| entries.join(comma));
    let baggage = vec(baggage, 0..3);
    (any::<u128>(), 0..4_u8, state, baggage).prop_map(|(trace, flags, state, baggage)| {
        let trace = TraceId::from(trace.max(1));
        let mut headers = HeaderMap::new();
        let parent = format!("00-{trace}-b7ad6b7169203331-0{flags}");
        headers.insert("traceparent", parent.parse().unwrap());
        for (name, lines) in [("tracestate", state), ("baggage", baggage)] {
            for line in lines {
                headers.append(name, HeaderValue::try_from(line).unwrap());
            }
        }
        Message { trace, headers }
    })
}

/// What a handler sees, and what it sends.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    state: String,
    entries: BTreeMap<String, (String, String)>,
    sent_state: Option<String>,
    sent_baggage: Option<String>,
}

impl Seen {
    /// What a service without telemetry passes on, by each format alone.
    fn expected(message: &Message) -> Self {
        let both = Composite::new().and(TraceContext::new()).and(Baggage::new());
        Self::of(&both.extract(&message.headers, &Context::new()), &both)
    }

    fn of(context: &Context, propagator: &dyn Propagator) -> Self {
        let entries = context.baggage().iter().map(|(key, (value, metadata))| {
            (key.to_string(), (value.to_string(), metadata.to_string()))
        });
        let mut headers = HeaderMap::new();
        propagator.inject(context, &mut headers);
        let sent = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Self {
            state: without_own(&context.span().span_context().trace_state().header()),
            entries: entries.collect(),
            sent_state: sent("tracestate").map(|list| without_own(&list)).filter(|l| !l.is_empty()),
            sent_baggage: sent("baggage"),
        }
    }
}

/// What the handler of a request sees; its child spans see and send the same.
fn handled(layer: ServerLayer, message: &Message) -> Seen {
    let seen = Arc::<Mutex<Option<Seen>>>::default();
    let found = seen.clone();
    let handler = async move || {
        let context = Context::current();
        let own = Seen::of(&context, &*default_propagator());
        let child = global::tracer("test").start("child");
        let child = context.with_span(child);
        assert_eq!(Seen::of(&child, &*default_propagator()), own);
        // A library that knows only OpenTelemetry's API.
        let mut carrier = std::collections::HashMap::<String, String>::new();
        global::get_text_map_propagator(|global| global.inject_context(&child, &mut carrier));
        let sent = carrier.get("tracestate").map(|list| without_own(list));
        if !carrier.is_empty() {
            assert_eq!(sent.filter(|list| !list.is_empty()), own.sent_state);
        }
        *found.lock().unwrap() = Some(own);
    };
    let router = Router::new().route("/", get(handler)).layer(layer);
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    *request.headers_mut() = message.headers.clone();
    let response = router.oneshot(request).now_or_never().expect("nothing here waits");
    assert!(response.unwrap().status().is_success());
    seen.lock().unwrap().take().expect("the handler ran")
}

/// A list without the members that samplers write.
fn without_own(list: &str) -> String {
    let is_own = |member: &&str| !member.starts_with("ot=") && !member.starts_with("sampler=");
    list.split(',').filter(is_own).collect::<Vec<_>>().join(",")
}

/// What was exported: bodies at a collector, or spans.
#[derive(Clone, Debug, Default)]
struct Spans {
    ended: Arc<Mutex<Vec<(TraceId, String)>>>,
    bodies: Arc<Mutex<Vec<Bytes>>>,
}

impl Spans {
    /// The URL of a collector that keeps what it gets.
    async fn collect(&self) -> String {
        let bodies = self.bodies.clone();
        let keep = async move |body: Bytes| bodies.lock().unwrap().push(body);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(keep));
        tokio::spawn(async { axum::serve(listener, router).await });
        url
    }

    fn init(&self, sampler: &str, url: String, exporter: &str) -> Telemetry {
        let mut traces = Traces::new();
        if sampler == OWN_SAMPLER {
            traces = traces.sampler(Writes);
        }
        traces = match exporter {
            "collector" => traces.exporters([TracesExporter::otlp()]),
            _ => traces.exporters([TracesExporter::custom(self.clone())]),
        };
        if exporter == "own processor" {
            // It sees what it would see anywhere, and what follows it exports the same.
            traces = traces.processor_first(self.clone());
        }
        let otlp = Otlp::new().endpoint(url);
        Telemetry::builder().traces(traces).otlp(otlp).init().unwrap()
    }

    /// The trace states of the spans of this trace that have ended and been exported.
    fn take(&self, trace: TraceId) -> Vec<String> {
        let mut states: Vec<_> = self.ended.lock().unwrap().drain(..).collect();
        states.extend(self.bodies.lock().unwrap().drain(..).flat_map(|body| spans_in(&body)));
        states.into_iter().filter(|(own, _)| *own == trace).map(|(_, state)| state).collect()
    }

    fn keep(&self, span: &SpanData) {
        let context = &span.span_context;
        let state = context.trace_state().header();
        self.ended.lock().unwrap().push((context.trace_id(), state));
    }
}

impl SpanExporter for Spans {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter().for_each(|span| self.keep(span));
        Ok(())
    }
}

impl SpanProcessor for Spans {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        use opentelemetry::trace::Span as _;
        let (around, own) = (parent.span(), span.span_context());
        if around.span_context().is_valid() {
            let state = |list: &str| without_own(list);
            let around = around.span_context().trace_state().header();
            assert_eq!(state(&own.trace_state().header()), state(&around));
        }
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.keep(&span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// A sampler of the application, which looks at the list and writes a member.
#[derive(Clone, Debug)]
struct Writes;

impl ShouldSample for Writes {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let state = parent.map(|parent| parent.span().span_context().trace_state().clone());
        let state = state.unwrap_or_default();
        SamplingResult {
            decision: SamplingDecision::RecordAndSample,
            attributes: Vec::new(),
            trace_state: state.insert("sampler", "was here").unwrap_or(state),
        }
    }
}

/// Trace ids and trace states of the spans in an OTLP request. Of protobuf it knows as much as that takes.
fn spans_in(body: &[u8]) -> Vec<(TraceId, String)> {
    let nested = |message: &[u8], number| {
        fields(message)
            .filter(|(own, _)| *own == number)
            .map(|(_, f)| f.to_vec())
            .collect::<Vec<_>>()
    };
    let resources = nested(body, 1);
    let scopes = resources.iter().flat_map(|resource| nested(resource, 2));
    let spans = scopes.flat_map(|scope| nested(&scope, 2));
    spans
        .map(|span| {
            let of = |number| nested(&span, number).pop().unwrap_or_default();
            let trace = TraceId::from_bytes(of(1).try_into().unwrap());
            (trace, String::from_utf8(of(3)).unwrap())
        })
        .collect()
}

/// The fields of a message that have a length.
fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            let tag = varint(&mut message)?;
            match tag & 7 {
                0 => drop(varint(&mut message)?),
                1 => message = message.get(8..)?,
                5 => message = message.get(4..)?,
                _ => {
                    let len = usize::try_from(varint(&mut message)?).ok()?;
                    let (field, rest) = message.split_at_checked(len)?;
                    message = rest;
                    return Some((tag >> 3, field));
                }
            }
        }
    })
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        shift += 7;
    }
}
