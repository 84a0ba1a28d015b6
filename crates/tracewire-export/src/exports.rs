//! What the exporters of one telemetry set-up share, and the counts of them all.

#[cfg(feature = "prometheus")]
use crate::self_metrics::component::PAGE;
#[cfg(feature = "otlp-grpc")]
use crate::transport::runtime::Runtimes;
use crate::{
    diagnostics::unreachable::Voice,
    pipeline::{
        counts::Counts,
        deadline::{Deadline, after, margin},
    },
    report::ShutdownReport,
    self_metrics::{
        self, Durations,
        component::{Exporter, Identity},
        spans::{CountedSampler, SpanCounts},
    },
};
use opentelemetry::metrics::MeterProvider;
use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

/// What the exporters of one telemetry set-up share, and the counts of them all.
///
/// Make one, give it to the processors and exporters of all signals, and keep it until the end of
/// the program: [`report`](Self::report) says what became of every span, log record and data point.
/// It is a handle, so clones are the same.
///
/// ```
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use tracewire_export::{BatchSpanProcessor, ConsoleExporter, Exports};
///
/// let exports = Exports::new();
/// let processor = BatchSpanProcessor::new(&exports).console(&ConsoleExporter::stdout());
/// let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
/// // ... the program ...
/// let _ = provider.shutdown();
/// assert!(exports.report().is_complete());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Exports(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    counts: Mutex<Vec<Arc<Counts>>>,
    /// Of pages, which show a data point as often as they are asked for: no report tells of them.
    pages: Mutex<Vec<Arc<Counts>>>,
    deadlines: Mutex<Vec<Arc<Deadline>>>,
    voice: Arc<Voice>,
    durations: Durations,
    /// Where spans are counted as they start and end.
    spans: OnceLock<Arc<SpanCounts>>,
    #[cfg(feature = "otlp-grpc")]
    runtimes: Runtimes,
}

impl Exports {
    /// Makes one without exporters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one that says, once, what to do about a collector that does not answer.
    pub fn with_hint(hint: &'static str) -> Self {
        let shared = Shared { voice: Arc::new(Voice::with_hint(hint)), ..Shared::default() };
        Self(Arc::new(shared))
    }

    /// Says what became of everything until now, without waiting for anything.
    ///
    /// What is still in a queue counts as unknown, so call it after the providers' `shutdown`. Each
    /// exporter has a part of its own, in the order in which they were added.
    pub fn report(&self) -> ShutdownReport {
        self.report_after(None)
    }

    /// The same, after a shutdown or a flush that was not done within `limit`.
    pub fn report_after(&self, limit: Option<Duration>) -> ShutdownReport {
        ShutdownReport::new(self.counts().iter().map(|counts| &**counts), limit)
    }

    /// Exports what becomes of telemetry as metrics of `provider`, by the conventions for `otel.sdk.*`.
    ///
    /// | metric | of | says |
    /// |---|---|---|
    /// | `otel.sdk.exporter.span.exported`, `.log.exported`, `.metric_data_point.exported` | exporter | what arrived, and with `error.type` what did not |
    /// | `otel.sdk.exporter.span.inflight`, `.log.inflight`, `.metric_data_point.inflight` | exporter | what is under way |
    /// | `otel.sdk.exporter.operation.duration` | exporter | how long an export takes, retries included, in seconds |
    /// | `otel.sdk.metric_reader.collection.duration` | reader | how long the metrics of `provider` take to collect, in seconds |
    /// | `otel.sdk.processor.span.processed`, `.log.processed` | queue | what was handed to the exporter, and with `error.type` (`queue_full`, `already_shutdown`) what was dropped |
    /// | `otel.sdk.processor.span.queue.size`, `.queue.capacity`, `.log.…` | queue | what waits, and how much may |
    /// | `tracewire.queue.size`, `tracewire.queue.capacity` | queue | the same in bytes, which bound it too |
    /// | `otel.sdk.span.started`, `otel.sdk.span.live` | [`counted`](Self::counted) sampler | spans that were started, and recorded ones that have not ended |
    ///
    /// Exporters and queues are told apart by `otel.component.type` and `otel.component.name`, exporters over
    /// the network also by `server.address` and `server.port`. `error.type` is a status (`503`,
    /// `UNAVAILABLE`) or one of `rejected`, `timeout`, `connect`, `dns`, `tls`, `panic`, `busy`, `_OTHER`;
    /// each exporter has at most 33 of them.
    ///
    /// Call it once, after [`counted`](Self::counted) and before other instruments with callbacks are
    /// created: collecting is measured from these on. Exporters may be added later. Nothing is measured
    /// between collections but the duration of exports.
    pub fn self_metrics(&self, provider: &impl MeterProvider) {
        self_metrics::register(self, provider, &self.0.durations);
    }

    /// Counts the spans that are started by the decisions of `sampler`, for
    /// [`self_metrics`](Self::self_metrics).
    ///
    /// Give it to the tracer provider together with a [`BatchSpanProcessor`](crate::BatchSpanProcessor),
    /// which counts the spans that end.
    ///
    /// ```
    /// use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
    /// use tracewire_export::{BatchSpanProcessor, Exports};
    ///
    /// let exports = Exports::new();
    /// let provider = SdkTracerProvider::builder()
    ///     .with_sampler(exports.counted(Sampler::AlwaysOn))
    ///     .with_span_processor(BatchSpanProcessor::new(&exports))
    ///     .build();
    /// # drop(provider);
    /// ```
    pub fn counted<S>(&self, sampler: S) -> CountedSampler<S> {
        let counts = Arc::clone(self.0.spans.get_or_init(Arc::default));
        CountedSampler { sampler, counts }
    }

    /// Lets nothing be under way after `limit`: retries and pauses end in time.
    ///
    /// A provider's `shutdown_with_timeout` does the same for its own exporters. Call this first when
    /// several providers end at once under one deadline.
    pub fn begin_shutdown(&self, limit: Duration) {
        let end = after(limit) - margin(limit);
        self.lock_deadlines().iter().for_each(|deadline| deadline.begin(end));
    }

    /// Stops warnings of lost items: from now on only the report tells of them.
    pub fn hush(&self) {
        self.0.voice.hush();
    }

    /// `line`, with the hint of [`with_hint`](Self::with_hint) if the report tells of a collector that
    /// does not answer and nobody was given the hint before.
    pub fn explained(&self, line: &str, report: &ShutdownReport) -> String {
        self.0.voice.explained(line, report.missing_collector().unwrap_or_default())
    }

    /// Counters of a new exporter.
    pub(crate) fn counts_for(
        &self,
        signal: &'static str,
        name: &'static str,
        exporter: &Exporter,
    ) -> Arc<Counts> {
        let mut all = self.counts();
        let counts = self.named(&all, signal, name, exporter);
        all.push(Arc::clone(&counts));
        counts
    }

    /// Counters of a new page for Prometheus.
    #[cfg(feature = "prometheus")]
    pub(crate) fn counts_for_page(&self) -> Arc<Counts> {
        let mut pages = self.pages();
        let page = Exporter::local(PAGE);
        let counts = self.named(&pages, "data points", "prometheus", &page);
        pages.push(Arc::clone(&counts));
        counts
    }

    fn named(
        &self,
        others: &[Arc<Counts>],
        signal: &'static str,
        name: &'static str,
        exporter: &Exporter,
    ) -> Arc<Counts> {
        let number = others.iter().filter(|other| other.kind() == exporter.kind).count();
        // Each exporter of metrics has a reader, and some others have a queue.
        let before = others.iter().filter(|other| {
            other.signal() == signal && (other.queue().is_some() || signal == "data points")
        });
        let identity = Identity::new(exporter, number, signal, before.count());
        let (voice, durations) = (Arc::clone(&self.0.voice), self.0.durations.clone());
        Arc::new(Counts::sharing(signal, name, identity, voice, durations))
    }

    /// Everything that is counted, pages too.
    pub(crate) fn measured(&self) -> Vec<Arc<Counts>> {
        let mut all = self.counts().clone();
        all.extend(self.pages().iter().cloned());
        all
    }

    fn pages(&self) -> MutexGuard<'_, Vec<Arc<Counts>>> {
        self.0.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where spans are counted, if they are.
    pub(crate) fn spans(&self) -> Option<&Arc<SpanCounts>> {
        self.0.spans.get()
    }

    /// The deadline of a new exporter.
    pub(crate) fn deadline(&self) -> Arc<Deadline> {
        let deadline = Arc::new(Deadline::default());
        self.lock_deadlines().push(Arc::clone(&deadline));
        deadline
    }

    #[cfg(feature = "otlp-grpc")]
    pub(crate) fn runtimes(&self) -> &Runtimes {
        &self.0.runtimes
    }

    pub(crate) fn counts(&self) -> MutexGuard<'_, Vec<Arc<Counts>>> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_deadlines(&self) -> MutexGuard<'_, Vec<Arc<Deadline>>> {
        self.0.deadlines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
