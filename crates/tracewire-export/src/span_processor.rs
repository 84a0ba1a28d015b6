//! The span processor: limits what a span carries and gives it to each exporter.

use crate::{
    console::{ConsoleExporter, ConsoleSpans},
    error::ExportError,
    exports::Exports,
    otlp::{OtlpExporter, OtlpSpans},
    pipeline::{
        batch::{Batch, shorter},
        counts::Counts,
        custom_exporter::CustomExporter,
        deadline::{Deadline, after, margin},
        deliver::{Deliver, HeapSize},
        limits::ValueLength,
        queue::{Queue, flush_all, shutdown_all},
        span_sink::SpanSink,
    },
    self_metrics::component::Exporter,
};
use opentelemetry::{Context, trace::Span as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter, SpanProcessor},
};
use std::{sync::Arc, time::Duration};
use tracewire_propagation::put_back_trace_state;

/// Exports spans in batches, to one or several exporters.
///
/// All exporters of a provider belong into one processor: they share each span, which the SDK would
/// clone for every further processor, and they flush and shut down at once under one deadline, where
/// the SDK would take one after the other.
///
/// Threads of the processor encode and send, so it works on every runtime and without one. A span
/// that finds no room in a queue is dropped and counted; [`Exports::report`] tells. Spans that are not
/// sampled are left out, but for an exporter that [asks for them](OtlpExporter::unsampled).
///
/// ```no_run
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use tracewire_export::{Batch, BatchSpanProcessor, ConsoleExporter, Exports, OtlpExporter};
///
/// # fn main() -> Result<(), tracewire_export::ExportError> {
/// let exports = Exports::new();
/// let processor = BatchSpanProcessor::new(&exports)
///     .otlp(OtlpExporter::new("http://localhost:4318/v1/traces"), Batch::spans())?
///     .console(&ConsoleExporter::stdout());
/// let provider = SdkTracerProvider::builder().with_span_processor(processor).build();
/// // ... the program ...
/// let _ = provider.shutdown();
/// println!("{}", exports.report());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct BatchSpanProcessor {
    exports: Exports,
    value_length: ValueLength,
    queues: Vec<Queue<Arc<SpanData>>>,
    /// Queues of spans that are not sampled as well.
    queues_of_all: Vec<Queue<Arc<SpanData>>>,
    sinks: Vec<Arc<dyn SpanSink>>,
    /// Of the exporters behind the queues.
    deadlines: Vec<Arc<Deadline>>,
}

impl BatchSpanProcessor {
    /// Makes a processor without exporters, whose counts `exports` has.
    pub fn new(exports: &Exports) -> Self {
        Self {
            exports: exports.clone(),
            value_length: ValueLength(None),
            queues: Vec::new(),
            queues_of_all: Vec::new(),
            sinks: Vec::new(),
            deadlines: Vec::new(),
        }
    }

    /// Cuts attribute values, and the description of a status, to so many characters; `None`, the
    /// default, is no limit.
    pub fn value_length(mut self, characters: Option<usize>) -> Self {
        self.value_length = ValueLength(characters);
        self
    }

    /// Adds an exporter over OTLP.
    ///
    /// # Errors
    ///
    /// If a setting cannot work, or no thread can be started.
    pub fn otlp(mut self, otlp: OtlpExporter, batch: Batch) -> Result<Self, ExportError> {
        let deadline = self.deadline();
        let component = otlp.component("spans");
        let takes_unsampled = otlp.unsampled;
        let client = otlp.client(batch.timeout, &self.exports, deadline)?;
        let mut processor = self.queue(batch, OtlpSpans::new(client), "otlp", &component)?;
        if takes_unsampled {
            processor.queues_of_all.extend(processor.queues.pop());
        }
        Ok(processor)
    }

    /// Adds an exporter to a Zipkin server.
    ///
    /// # Errors
    ///
    /// If a setting cannot work, or no thread can be started.
    #[cfg(feature = "zipkin")]
    pub fn zipkin(
        mut self,
        zipkin: crate::ZipkinExporter,
        batch: Batch,
    ) -> Result<Self, ExportError> {
        let deadline = self.deadline();
        let component = Exporter::to("zipkin_http_span_exporter", zipkin.endpoint.trim());
        let sink = crate::zipkin::ZipkinSpans::new(zipkin, batch.timeout, deadline)?;
        self.queue(batch, sink, "zipkin", &component)
    }

    /// Adds an exporter of your own.
    ///
    /// It runs on a thread of its own, outside any runtime. An export may take [`Batch::timeout`];
    /// one that takes longer, or panics, fails, and does not end telemetry.
    ///
    /// # Errors
    ///
    /// If a setting cannot work, or no thread can be started.
    pub fn exporter<E: SpanExporter + 'static>(
        mut self,
        exporter: E,
        batch: Batch,
    ) -> Result<Self, ExportError> {
        let component = Exporter::local(std::any::type_name::<E>());
        let timeout = shorter(batch.timeout, Duration::ZERO);
        let sink = CustomExporter::new(exporter, timeout, self.deadline())?;
        self.queue(batch, sink, "exporter", &component)
    }

    /// Shows spans on the console.
    pub fn console(self, console: &ConsoleExporter) -> Self {
        let counts = self.exports.counts_for("spans", "console", &ConsoleExporter::component());
        self.sink(Arc::new(ConsoleSpans::new(console.clone(), counts)))
    }

    /// Adds something else that takes spans as they end, without a queue.
    pub fn sink(mut self, sink: Arc<dyn SpanSink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Whether it has no exporters and counts no spans, so that a provider is better off without it.
    pub fn is_empty(&self) -> bool {
        let has_queues = !self.queues.is_empty() || !self.queues_of_all.is_empty();
        !has_queues && self.sinks.is_empty() && self.exports.spans().is_none()
    }

    /// The deadline of an exporter that is added next.
    fn deadline(&mut self) -> Arc<Deadline> {
        let deadline = self.exports.deadline();
        self.deadlines.push(Arc::clone(&deadline));
        deadline
    }

    fn queue(
        mut self,
        batch: Batch,
        sink: impl Deliver<Arc<SpanData>>,
        name: &'static str,
        component: &Exporter,
    ) -> Result<Self, ExportError> {
        let counts: Arc<Counts> = self.exports.counts_for("spans", name, component);
        self.queues.push(Queue::start(batch, sink, counts)?);
        Ok(self)
    }

    fn all_queues(&self) -> impl Iterator<Item = &Queue<Arc<SpanData>>> + Clone {
        self.queues.iter().chain(&self.queues_of_all)
    }

    /// Does something to all sinks, even if one fails.
    fn sinks(&self, work: impl Fn(&dyn SpanSink) -> OTelSdkResult) -> OTelSdkResult {
        self.sinks.iter().map(|sink| work(&**sink)).fold(Ok(()), OTelSdkResult::and)
    }
}

impl SpanProcessor for BatchSpanProcessor {
    fn on_start(&self, span: &mut Span, _context: &Context) {
        if !self.sinks.is_empty() && span.span_context().is_sampled() {
            self.sinks.iter().for_each(|sink| sink.start(span.span_context()));
        }
    }

    fn on_end(&self, mut span: SpanData) {
        put_back_trace_state(&mut span.span_context);
        if let Some(counts) = self.exports.spans() {
            counts.end(&span.span_context);
        }
        let is_sampled = span.span_context.is_sampled();
        if !is_sampled && self.queues_of_all.is_empty() {
            return;
        }
        self.value_length.apply(&mut span);
        let span = Arc::new(span);
        let heap_size = span.heap_size();
        self.queues_of_all.iter().for_each(|queue| queue.push(Arc::clone(&span), heap_size));
        if !is_sampled {
            return;
        }
        self.sinks.iter().for_each(|sink| sink.offer(&span, heap_size));
        if let Some((last, queues)) = self.queues.split_last() {
            queues.iter().for_each(|queue| queue.push(Arc::clone(&span), heap_size));
            last.push(span, heap_size);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        flush_all(self.all_queues(), |deadline| self.sinks(|sink| sink.flush(deadline)))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let end = after(timeout) - margin(timeout);
        self.deadlines.iter().for_each(|deadline| deadline.begin(end));
        shutdown_all(self.all_queues(), timeout, |deadline| {
            self.sinks(|sink| sink.shutdown(deadline))
        })
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.all_queues().for_each(|queue| queue.set_resource(resource));
        self.sinks.iter().for_each(|sink| sink.set_resource(resource));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pipeline::{deliver::Encoded, failure::Failure},
        sample::Sample,
    };
    use opentelemetry_sdk::error::OTelSdkError;
    use std::{
        collections::VecDeque,
        sync::{
            Mutex,
            mpsc::{Receiver, Sender, channel},
        },
    };

    type Spans = VecDeque<Arc<SpanData>>;

    const BYTES_PER_PLACE: usize = 3 * 1024;
    const NEVER: Duration = Duration::MAX;

    /// Tells of each batch and waits until it may go on.
    #[derive(Debug)]
    struct Gate {
        arrived: Sender<usize>,
        open: Mutex<Receiver<()>>,
    }

    fn whole(batch: &mut Spans) -> Encoded<Spans> {
        let bytes = batch.iter().map(HeapSize::heap_size).sum();
        Encoded { body: std::mem::take(batch), bytes }
    }

    impl Deliver<Arc<SpanData>> for Gate {
        type Body = Spans;

        fn encode(&self, batch: &mut Spans) -> Encoded<Self::Body> {
            whole(batch)
        }

        fn send(&self, batch: Self::Body) -> Result<(), Failure> {
            self.arrived.send(batch.len()).unwrap();
            self.open.lock().unwrap().recv().map_err(|_| Failure::all("closed"))
        }
    }

    struct Waiting {
        processor: BatchSpanProcessor,
        counts: Arc<Counts>,
        arrived: Receiver<usize>,
        open: Sender<()>,
    }

    /// One export at a time, of batches that do not grow.
    fn batch(queue_size: usize, batch_size: usize, delay: Duration) -> Batch {
        Batch {
            queue_size,
            queue_bytes: queue_size * BYTES_PER_PLACE,
            queue_setting: "QUEUE",
            batch_size,
            max_batch_size: batch_size,
            concurrent_exports: 1,
            delay,
            timeout: Duration::ZERO,
        }
    }

    fn of(queue: Queue<Arc<SpanData>>) -> BatchSpanProcessor {
        let mut processor = BatchSpanProcessor::new(&Exports::new());
        processor.queues.push(queue);
        processor
    }

    fn queue(queue_size: usize, batch_size: usize, delay: Duration) -> Waiting {
        queue_of(batch(queue_size, batch_size, delay))
    }

    fn queue_of(batch: Batch) -> Waiting {
        let (tell, arrived) = channel();
        let (open, wait) = channel();
        let counts = Arc::new(Counts::new("spans", "test"));
        let sink = Gate { arrived: tell, open: Mutex::new(wait) };
        let processor = of(Queue::start(batch, sink, Arc::clone(&counts)).unwrap());
        Waiting { processor, counts, arrived, open }
    }

    impl Waiting {
        fn end(&self, spans: usize) {
            for id in 1..=spans {
                self.processor.on_end(Sample::new(id as u64).span());
            }
        }

        fn open(&self, batches: usize) {
            for _ in 0..batches {
                self.open.send(()).unwrap();
            }
        }

        /// Exported, failed, dropped.
        fn outcomes(&self) -> [u64; 3] {
            let counts = self.counts.snapshot();
            [counts.exported, counts.failed, counts.dropped]
        }
    }

    #[test]
    fn a_full_batch_does_not_wait() {
        let queue = queue(10, 4, NEVER);
        queue.end(3);
        assert!(queue.arrived.try_recv().is_err());
        queue.end(1);
        assert_eq!(queue.arrived.recv(), Ok(4));
    }

    #[test]
    fn a_delay_of_zero_waits_for_nothing() {
        let queue = queue(10, 4, Duration::ZERO);
        queue.end(1);
        assert_eq!(queue.arrived.recv(), Ok(1));
    }

    #[test]
    fn half_of_the_bytes_are_a_full_batch() {
        let queue = queue(10, 10, NEVER);
        let heavy = "x".repeat(5 * BYTES_PER_PLACE);
        queue.processor.on_end(Sample::new(1).attribute("key", heavy).span());
        assert_eq!(queue.arrived.recv(), Ok(1));
    }

    #[test]
    fn bytes_under_way_still_count() {
        let queue = queue(10, 10, NEVER);
        let heavy = || Sample::new(1).attribute("key", "x".repeat(8 * BYTES_PER_PLACE)).span();
        queue.processor.on_end(heavy());
        assert_eq!(queue.arrived.recv(), Ok(1));
        queue.processor.on_end(heavy());
        assert_eq!(queue.outcomes(), [0, 0, 1]);
        queue.open(1);
        queue.processor.force_flush().unwrap();
        queue.processor.on_end(heavy());
        assert_eq!(queue.arrived.recv(), Ok(1));
        assert_eq!(queue.outcomes(), [1, 0, 1]);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let queue = queue(10, 4, NEVER);
        queue.end(4);
        assert_eq!(queue.arrived.recv(), Ok(4));
        queue.end(13);
        assert_eq!(queue.outcomes(), [0, 0, 3]);
        queue.open(4);
        queue.processor.shutdown().unwrap();
        assert_eq!(queue.arrived.try_iter().collect::<Vec<_>>(), [4, 4, 2]);
        assert_eq!(queue.outcomes(), [14, 0, 3]);
    }

    #[test]
    fn flush_waits_for_what_was_there() {
        let queue = queue(10, 4, NEVER);
        queue.processor.force_flush().unwrap();
        queue.end(3);
        queue.open(1);
        queue.processor.force_flush().unwrap();
        assert_eq!(queue.arrived.try_iter().collect::<Vec<_>>(), [3]);
        assert_eq!(queue.outcomes(), [3, 0, 0]);
    }

    #[test]
    fn shutdown_gives_up_at_its_limit_and_refuses_what_comes_later() {
        let queue = queue(10, 4, NEVER);
        queue.end(3);
        let limit = Duration::from_millis(10);
        assert!(matches!(
            queue.processor.shutdown_with_timeout(limit),
            Err(OTelSdkError::Timeout(_))
        ));
        queue.end(1);
        assert_eq!(queue.outcomes(), [0, 0, 1]);
        queue.open(1);
        queue.processor.shutdown().unwrap();
        queue.processor.shutdown().unwrap();
        assert_eq!(queue.outcomes(), [3, 0, 1]);
    }

    #[test]
    fn unsampled_spans_do_not_enter() {
        let queue = queue(10, 1, NEVER);
        let mut span = Sample::new(1).span();
        span.span_context = opentelemetry::trace::SpanContext::NONE;
        queue.processor.on_end(span);
        queue.processor.shutdown().unwrap();
        assert_eq!(queue.counts.snapshot().ended, 0);
    }

    #[test]
    fn unsampled_spans_enter_the_queues_that_ask_for_them_alone() {
        let (all, sampled) = (queue(10, 2, NEVER), queue(10, 1, NEVER));
        let mut processor = all.processor;
        processor.queues_of_all.append(&mut processor.queues);
        let mut others = sampled.processor;
        processor.queues.append(&mut others.queues);
        let mut unsampled = Sample::new(1).span();
        unsampled.span_context = opentelemetry::trace::SpanContext::NONE;
        processor.on_end(unsampled);
        processor.on_end(Sample::new(2).span());
        all.open.send(()).unwrap();
        sampled.open.send(()).unwrap();
        processor.shutdown().unwrap();
        assert_eq!((all.arrived.recv(), sampled.arrived.recv()), (Ok(2), Ok(1)));
        assert_eq!((all.counts.snapshot().exported, sampled.counts.snapshot().exported), (2, 1));
    }

    #[test]
    fn what_piled_up_leaves_in_one_batch() {
        let grown = Batch { max_batch_size: 100, ..batch(100, 4, NEVER) };
        let queue = queue_of(grown);
        queue.end(4);
        assert_eq!(queue.arrived.recv(), Ok(4));
        queue.end(50);
        queue.open(2);
        queue.processor.shutdown().unwrap();
        assert_eq!(queue.arrived.recv(), Ok(50));
        assert_eq!(queue.outcomes(), [54, 0, 0]);
    }

    #[test]
    fn exports_run_at_once_and_flush_waits_for_all() {
        let queue = queue_of(Batch { concurrent_exports: 2, ..batch(10, 1, NEVER) });
        queue.end(2);
        // The second arrives though the first is not done.
        assert_eq!((queue.arrived.recv(), queue.arrived.recv()), (Ok(1), Ok(1)));
        queue.open(2);
        queue.processor.force_flush().unwrap();
        assert_eq!(queue.outcomes(), [2, 0, 0]);
        queue.processor.shutdown().unwrap();
    }

    #[derive(Debug)]
    struct Panicking;

    impl Deliver<Arc<SpanData>> for Panicking {
        type Body = Spans;

        fn encode(&self, batch: &mut Spans) -> Encoded<Self::Body> {
            whole(batch)
        }

        fn send(&self, _: Self::Body) -> Result<(), Failure> {
            panic!("out of luck")
        }

        fn shutdown(&self) {
            panic!("again")
        }
    }

    #[test]
    fn a_panic_costs_its_batch_and_nothing_else() {
        let counts = Arc::new(Counts::new("spans", "test"));
        let processor =
            of(Queue::start(batch(10, 1, NEVER), Panicking, Arc::clone(&counts)).unwrap());
        processor.on_end(Sample::new(1).span());
        processor.force_flush().unwrap();
        processor.on_end(Sample::new(2).span());
        processor.shutdown().unwrap();
        let counts = counts.snapshot();
        assert_eq!((counts.ended, counts.failed), (2, 2));
        assert_eq!(counts.reason.as_deref(), Some("the exporter panicked: out of luck"));
    }
}
