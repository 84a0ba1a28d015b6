//! The handle that spans are brought to and the page reads from.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError};

use crate::clock::{Clock, now};
use crate::hub::Hub;
use crate::live::Live;
use crate::store::{EndedSpan, Gate, Memory, Running, Source, Sources, SpanId, Store, TraceId};
use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};
use crate::sync::{Mutex, MutexGuard};
use crate::tables::{MetricRow, TelemetryRow};

/// Collects spans for the page. Clones share one store.
///
/// ```
/// use tracewire_live::Live;
///
/// let recorder = Live::new().memory_mib(16).build();
/// recorder.tick(); // once a second
/// assert!(recorder.used() <= recorder.memory().total);
/// ```
#[derive(Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
}

struct Shared {
    store: Mutex<Store>,
    sources: Sources,
    gate: Arc<Gate>,
    running: Running,
    hub: Arc<Hub>,
    missed: AtomicU64,
    /// Another one after each start, so that a browser notices.
    instance: u64,
    started: u64,
    clock: Clock,
    settings: Live,
    telemetry: Rows<TelemetryRow>,
    metrics: Rows<MetricRow>,
    sampler: Asked<String>,
}

/// Spans that are taken before readers have their turn.
const SPANS_AT_ONCE: usize = 32;

/// Answers when it is asked.
type Asked<T> = Mutex<Option<Arc<dyn Fn() -> T + Send + Sync>>>;
/// Makes the rows of a table.
type Rows<T> = Asked<Vec<T>>;

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Live {
    /// Builds the store.
    pub fn build(self) -> Recorder {
        Recorder::new(self)
    }
}

/// A request that begins.
///
/// ```
/// use std::sync::Arc;
/// use tracewire_live::{Live, RequestStart};
///
/// let recorder = Live::new().build();
/// recorder.request_started(RequestStart {
///     trace_id: [1; 16],
///     span_id: [2; 8],
///     start: 1_780_000_000_000_000_000,
///     name: Arc::from("GET /orders/{id}"),
///     path: "/orders/7",
/// });
/// recorder.request_ended([1; 16], [2; 8]);
/// ```
#[derive(Clone, Debug)]
pub struct RequestStart<'a> {
    /// The trace's id.
    pub trace_id: TraceId,
    /// The id of the entry span.
    pub span_id: SpanId,
    /// Start, in nanoseconds since the Unix epoch.
    pub start: u64,
    /// The name as known so far: the method and route, or the method alone. It is shared, not copied.
    pub name: Arc<str>,
    /// The path that was asked for, without its query. Up to 64 bytes are copied.
    pub path: &'a str,
}

impl Recorder {
    pub(crate) fn new(settings: Live) -> Self {
        let sources = Sources::default();
        let started = now();
        let store = Store::new(settings.options, sources.clone());
        Self {
            shared: Arc::new(Shared {
                gate: store.gate(),
                store: Mutex::new(store),
                sources,
                running: Running::new(settings.options.memory.held),
                hub: Arc::default(),
                missed: AtomicU64::new(0),
                instance: RandomState::new().hash_one(started),
                started,
                clock: Clock::new(),
                settings,
                telemetry: Mutex::default(),
                metrics: Mutex::default(),
                sampler: Mutex::default(),
            }),
        }
    }

    /// Returns the source for an encoded OTLP `Resource` and `InstrumentationScope`, the same one for
    /// the same bytes. Keep it instead of asking for each span.
    pub fn source(&self, resource: &[u8], scope: &[u8]) -> Arc<Source> {
        self.shared.sources.intern(resource, scope)
    }

    /// Takes spans that have ended.
    ///
    /// When an entry span comes, its trace is kept or dropped. Only spans that are kept are encoded, on
    /// the calling thread.
    pub fn offer<S: EndedSpan + 'static>(&self, spans: impl IntoIterator<Item = S>) {
        self.take(spans, SPANS_AT_ONCE, |store, span, now| store.offer(span, now));
    }

    /// Gives items to the store, some at a time.
    pub(crate) fn take<T>(
        &self,
        items: impl IntoIterator<Item = T>,
        at_once: usize,
        take: impl Fn(&mut Store, T, u64),
    ) {
        let mut items = items.into_iter();
        let mut some = Vec::with_capacity(items.size_hint().0.clamp(1, at_once));
        loop {
            // Not under the lock: this is the caller's code.
            some.extend(items.by_ref().take(at_once));
            if some.is_empty() {
                return;
            }
            let mut store = self.store();
            let now = now();
            some.drain(..).for_each(|item| take(&mut store, item, now));
        }
    }

    /// Takes a log record. `encode` appends an encoded OTLP `LogRecord`; it is called unless the record's
    /// trace was let go. Returns whether it was called.
    ///
    /// A record may come before the spans of its trace. It is forgotten if none comes in 30 seconds.
    pub fn offer_log(
        &self,
        trace_id: TraceId,
        source: &Arc<Source>,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        self.store().offer_early_log(trace_id, source, encode, now())
    }

    /// Lists a request as running until [`ended`](Self::ended) or [`request_ended`](Self::request_ended).
    ///
    /// At most 4,096 are listed; further ones are counted.
    pub fn request_started(&self, request: RequestStart<'_>) {
        let RequestStart { trace_id, span_id, start, name, path } = request;
        self.shared.running.started(trace_id, span_id, start, name, path);
    }

    /// Removes a request from those that run, if its span is not given to [`ended`](Self::ended). To be
    /// called on the thread that ends the span, not through a queue that may refuse it.
    pub fn request_ended(&self, trace_id: TraceId, span_id: SpanId) {
        let held = self.shared.running.ended(&trace_id, span_id);
        self.offer(held);
    }

    /// Counts a span within a request as open, until [`span_ended`](Self::span_ended) or
    /// [`ended`](Self::ended). The request's own span is counted by
    /// [`request_started`](Self::request_started).
    ///
    /// Spans of traces without a listed request are not counted.
    pub fn span_started(&self, trace_id: TraceId) {
        self.shared.running.span_started(&trace_id);
    }

    /// Counts a span within a request as ended, on the thread that ends it, if the span is not given to
    /// [`ended`](Self::ended).
    pub fn span_ended(&self, trace_id: TraceId) {
        self.shared.running.span_ended(&trace_id);
    }

    /// Counts spans that could not be brought here, so that the page can say so.
    pub fn missed(&self, spans: u64) {
        self.shared.missed.fetch_add(spans, Relaxed);
    }

    /// Completes traces that nothing came for in a while. To be called each second.
    pub fn tick(&self) {
        let now = now();
        let overdue = self.shared.running.pass_on_overdue(now);
        let mut store = self.store();
        overdue.into_iter().for_each(|span| store.offer(span, now));
        store.tick(now);
    }

    /// Gives the store what waits with the running requests of a trace, so that it is shown.
    pub(crate) fn show(&self, trace_id: &TraceId) {
        self.offer(self.shared.running.pass_on(trace_id));
    }

    /// Sets what is asked for the table of telemetry's own counts.
    pub fn set_telemetry(&self, rows: impl Fn() -> Vec<TelemetryRow> + Send + Sync + 'static) {
        *lock(&self.shared.telemetry) = Some(Arc::new(rows));
    }

    /// Sets what is asked for the table of metrics.
    pub fn set_metrics(&self, rows: impl Fn() -> Vec<MetricRow> + Send + Sync + 'static) {
        *lock(&self.shared.metrics) = Some(Arc::new(rows));
    }

    /// Sets what is asked for a description of the sampler. The page shows it, as it sees only spans that are
    /// sampled.
    pub fn set_sampler(&self, description: impl Fn() -> String + Send + Sync + 'static) {
        *lock(&self.shared.sampler) = Some(Arc::new(description));
    }

    /// Returns how the memory is divided.
    pub fn memory(&self) -> Memory {
        self.shared.settings.options.memory
    }

    /// Returns the bytes that traces, routes and ids take.
    pub fn used(&self) -> usize {
        self.store().used()
    }

    /// Ends all streams to browsers and begins no new ones, so that a server can shut down.
    pub fn close_streams(&self) {
        self.shared.hub.close();
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.shared.store)
    }

    pub(crate) fn running(&self) -> &Running {
        &self.shared.running
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.shared.hub
    }

    pub(crate) fn missed_count(&self) -> u64 {
        self.shared.missed.load(Relaxed)
    }

    pub(crate) fn instance(&self) -> u64 {
        self.shared.instance
    }

    pub(crate) fn started(&self) -> u64 {
        self.shared.started
    }

    pub(crate) fn settings(&self) -> &Live {
        &self.shared.settings
    }

    pub(crate) fn telemetry(&self) -> Option<Vec<TelemetryRow>> {
        // Not under the lock: what is called may take long.
        let rows = lock(&self.shared.telemetry).clone();
        rows.map(|rows| rows())
    }

    pub(crate) fn metrics(&self) -> Option<Vec<MetricRow>> {
        let rows = lock(&self.shared.metrics).clone();
        rows.map(|rows| rows())
    }

    /// Returns the description of the sampler, or an empty text.
    pub(crate) fn sampler(&self) -> String {
        let description = lock(&self.shared.sampler).clone();
        description.map_or_else(String::new, |description| description())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
