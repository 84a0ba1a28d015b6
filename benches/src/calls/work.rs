//! The work of one case.

use super::{Call, Case, Place, sqlx};
use crate::http::{Recorded, Telemetry};
use opentelemetry::{
    Context, ContextGuard, KeyValue,
    global::{self, BoxedTracer},
    metrics::Histogram,
    trace::{
        FutureExt as _, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId,
        TraceState, Tracer,
    },
};
use std::{
    fmt,
    future::{Future, Ready, ready},
    hint::black_box,
    pin::pin,
    task::{self, Poll, Waker},
    time::Instant,
};
use tracewire_span::{database::Database, span};

/// A query as an application writes it, with a literal in it.
const SQL: &str = "SELECT id, name, price FROM items \
                   WHERE category = $1 AND stock > 0 ORDER BY name LIMIT 20";
/// So many texts that none is remembered until it comes again.
const NEW: usize = 20_000;

type Output = Result<u8, std::fmt::Error>;

/// One case that is ready to be called.
pub struct Work {
    case: Case,
    call: Box<dyn FnMut()>,
    done: u64,
    /// Of the parent; dropped before the providers are shut down.
    _attached: ContextGuard,
    telemetry: Option<Telemetry>,
}

impl Work {
    /// Makes `case` ready. It sets what is global to the process: once in its life.
    #[must_use]
    pub fn new(case: Case) -> Self {
        let mut telemetry = (case.place != Place::NoSdk).then(Telemetry::install);
        if let (Place::Sampled | Place::Unsampled, Some(telemetry)) = (case.place, &mut telemetry) {
            telemetry.set_as_init_does();
        }
        let attached = parent(case.place).attach();
        Self { case, call: call(case.call), done: 0, _attached: attached, telemetry }
    }

    /// Makes so many calls that buffers and tables have their size.
    pub fn warm_up(&mut self) {
        const CALLS: u32 = 300;
        for _ in 0..CALLS {
            (self.call)();
        }
        self.done += u64::from(CALLS);
    }

    /// Makes `count` calls, one after the other.
    ///
    /// Callgrind counts inside this function alone, and finds it by its name.
    #[inline(never)]
    pub fn calls(&mut self, count: u32) {
        for _ in 0..count {
            (self.call)();
        }
        self.done += u64::from(count);
    }

    /// Asserts that every call was recorded as it should be.
    ///
    /// # Panics
    ///
    /// If spans or durations are missing, or there are too many.
    pub fn check(self) {
        let Self { case: Case { call, place }, done, telemetry, .. } = self;
        let Recorded { spans, durations, .. } =
            telemetry.map(Telemetry::recorded).unwrap_or_default();
        let is_traced = !matches!(call, Call::Nothing | Call::BareSqlxQuery);
        let has_span = matches!(place, Place::Sampled | Place::OwnSdk) && is_traced;
        let is_span = matches!(call, Call::Span | Call::SpanByOpenTelemetry) || !is_traced;
        let has_duration = place != Place::NoSdk && !is_span;
        let times = |has| if has { done } else { 0 };
        assert_eq!((spans, durations), (times(has_span), times(has_duration)));
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("case", &self.case).finish_non_exhaustive()
    }
}

/// The context of a request as a server has it: a span of its own, if it is sampled, which is not
/// exported while it lasts.
fn parent(place: Place) -> Context {
    let flags = match place {
        Place::Unsampled => TraceFlags::NOT_SAMPLED,
        Place::Sampled | Place::OwnSdk | Place::NoSdk => TraceFlags::SAMPLED,
    };
    let ids = (TraceId::from(0x0af7_6519_16cd), SpanId::from(0xb7ad_6b71));
    let caller = SpanContext::new(ids.0, ids.1, flags, true, TraceState::NONE);
    let caller = Context::new().with_remote_span_context(caller);
    match place {
        // A layer starts no span for a caller who did not sample.
        Place::NoSdk | Place::Unsampled => caller,
        Place::Sampled | Place::OwnSdk => {
            let request = global::tracer("server").start_with_context("GET", &caller);
            // Kept for ever, so that the case's spans are all that is exported.
            let request = caller.with_span(request);
            std::mem::forget(request.clone());
            request
        }
    }
}

fn call(call: Call) -> Box<dyn FnMut()> {
    let database =
        || Database::new("postgresql").namespace("shop").server("db.internal", Some(5432));
    match call {
        Call::Nothing => Box::new(|| done(now(work()))),
        Call::Span => Box::new(|| done(now(span("price").attribute("item.id", 17).run(work())))),
        Call::SpanByOpenTelemetry => {
            let tracer = global::tracer("benches");
            Box::new(move || done(span_by_opentelemetry(&tracer)))
        }
        Call::Query => {
            let database = database();
            Box::new(move || done(now(database.query(black_box(SQL)).run(work()))))
        }
        Call::NewQuery => {
            let database = database();
            let texts: Vec<_> = (0..NEW).map(|n| SQL.replace("20", &n.to_string())).collect();
            let mut next = (0..NEW).cycle();
            Box::new(move || {
                let text = &texts[next.next().unwrap_or_default()];
                done(now(database.query(black_box(text)).run(work())));
            })
        }
        Call::LongQuery => {
            let database = database();
            let columns = "a_column_of_that_table, ".repeat(400);
            let text = format!("SELECT {columns}id FROM items");
            Box::new(move || done(now(database.query(black_box(&text)).run(work()))))
        }
        Call::FailedQuery => {
            let database = database();
            let code = |_: &fmt::Error| Some(String::from("23505"));
            Box::new(move || {
                let failed = ready(Err::<u8, _>(fmt::Error));
                done(now(database.query(black_box(SQL)).run_with_code(failed, code)));
            })
        }
        Call::Operation => {
            let database = Database::new("redis").server("cache.internal", Some(6379));
            Box::new(move || done(now(database.operation("GET").run(work()))))
        }
        Call::QueryByOpenTelemetry => {
            let tracer = global::tracer("benches");
            let meter = global::meter("benches");
            let duration =
                meter.f64_histogram("db.client.operation.duration").with_unit("s").build();
            Box::new(move || done(query_by_opentelemetry(&tracer, &duration)))
        }
        Call::SqlxQuery => sqlx::traced(),
        Call::BareSqlxQuery => sqlx::bare(),
    }
}

/// Keeps the compiler from leaving out what led to this.
fn done(output: Output) {
    let _ = black_box(output);
}

fn work() -> Ready<Output> {
    ready(Ok(black_box(7)))
}

/// The output of a future that is ready at once.
fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

fn span_by_opentelemetry(tracer: &BoxedTracer) -> Output {
    let builder = tracer.span_builder("price").with_attributes([KeyValue::new("item.id", 17)]);
    let context = Context::current_with_span(tracer.build(builder));
    let output = now(work().with_context(context.clone()));
    context.span().end();
    output
}

/// What an expert writes for this query alone, knowing all there is to say of it.
fn query_by_opentelemetry(tracer: &BoxedTracer, duration: &Histogram<f64>) -> Output {
    let start = Instant::now();
    let shared = || {
        [
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.namespace", "shop"),
            KeyValue::new("db.query.summary", "SELECT items"),
            KeyValue::new("server.address", "db.internal"),
            KeyValue::new("server.port", 5432),
        ]
    };
    let mut attributes = Vec::with_capacity(6);
    attributes.extend(shared());
    attributes.push(KeyValue::new("db.query.text", SQL));
    let builder = tracer.span_builder("SELECT items").with_kind(SpanKind::Client);
    let builder = builder.with_attributes(attributes);
    let context = Context::current_with_span(tracer.build(builder));
    let output = now(work().with_context(context.clone()));
    context.span().end();
    duration.record(start.elapsed().as_secs_f64(), &shared());
    output
}
