//! The span processor: limits what a span carries and puts it into the queue of each exporter.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::batching::Batching;
use crate::console::ConsoleSpans;
use crate::count::Counts;
use crate::error::InitError;
use crate::limits::ValueLength;
use crate::queue::{Deliver, Queue, flush_all, shutdown_all};

/// Puts ended spans into the queue.
#[derive(Debug)]
pub(crate) struct BatchProcessor {
    queue: Queue<SpanData>,
    value_length: ValueLength,
}

impl BatchProcessor {
    /// Starts the threads that take batches to `sink`.
    pub(crate) fn start(
        batching: Batching,
        sink: impl Deliver<SpanData>,
        counts: Arc<Counts>,
        value_length: ValueLength,
    ) -> Result<Self, InitError> {
        Ok(Self { queue: Queue::start(batching, sink, counts)?, value_length })
    }
}

impl BatchProcessor {
    fn push(&self, mut span: SpanData) {
        if span.span_context.is_sampled() {
            self.value_length.apply(&mut span);
            self.queue.push(span);
        }
    }
}

/// All exporters of spans, as one processor: the SDK would flush and shut down one after the other,
/// and one that hangs would keep the rest from what is left of the time.
#[derive(Debug, Default)]
pub(crate) struct SpanProcessors {
    queues: Vec<BatchProcessor>,
    others: Vec<ConsoleSpans>,
}

impl SpanProcessors {
    pub(crate) fn add(&mut self, queue: BatchProcessor) {
        self.queues.push(queue);
    }

    pub(crate) fn add_console(&mut self, console: ConsoleSpans) {
        self.others.push(console);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.others.is_empty()
    }

    fn queues(&self) -> impl Iterator<Item = &Queue<SpanData>> + Clone {
        self.queues.iter().map(|processor| &processor.queue)
    }

    /// Does something to all that are no queues, even if one fails.
    fn others(&self, work: impl Fn(&ConsoleSpans) -> OTelSdkResult) -> OTelSdkResult {
        self.others.iter().map(work).fold(Ok(()), OTelSdkResult::and)
    }
}

impl SpanProcessor for SpanProcessors {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.others.iter().for_each(|other| other.on_start(span, context));
    }

    fn on_end(&self, span: SpanData) {
        self.others.iter().for_each(|other| other.on_end(span.clone()));
        if let Some((last, queues)) = self.queues.split_last() {
            queues.iter().for_each(|queue| queue.push(span.clone()));
            last.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        flush_all(self.queues(), || self.others(SpanProcessor::force_flush))
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        shutdown_all(self.queues(), timeout, || {
            self.others(|other| other.shutdown_with_timeout(timeout))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;
    use crate::console::sample::Sample;
    use crate::count::Failure;
    use crate::queue::{Encoded, Weigh};
    use opentelemetry_sdk::error::OTelSdkError;

    const BYTES_PER_PLACE: usize = 3 * 1024;
    const NEVER: Duration = Duration::MAX;

    /// Tells of each batch and waits until it may go on.
    #[derive(Debug)]
    struct Gate {
        arrived: Sender<usize>,
        open: Mutex<Receiver<()>>,
    }

    fn whole(batch: &mut VecDeque<SpanData>) -> Encoded<VecDeque<SpanData>> {
        let bytes = batch.iter().map(Weigh::weight).sum();
        Encoded { body: std::mem::take(batch), bytes }
    }

    impl Deliver<SpanData> for Gate {
        type Body = VecDeque<SpanData>;

        fn encode(&self, batch: &mut VecDeque<SpanData>) -> Encoded<Self::Body> {
            whole(batch)
        }

        fn send(&self, batch: Self::Body) -> Result<(), Failure> {
            self.arrived.send(batch.len()).unwrap();
            self.open.lock().unwrap().recv().map_err(|_| Failure::all("closed"))
        }
    }

    struct Waiting {
        processor: SpanProcessors,
        counts: Arc<Counts>,
        arrived: Receiver<usize>,
        open: Sender<()>,
    }

    /// One export at a time, of batches that do not grow.
    fn batching(queue_size: usize, batch_size: usize, schedule_delay: Duration) -> Batching {
        Batching {
            queue_size,
            queue_bytes: queue_size * BYTES_PER_PLACE,
            queue_variable: "QUEUE",
            batch_size,
            most_batch: batch_size,
            exports: 1,
            schedule_delay,
            export_timeout: Duration::ZERO,
        }
    }

    fn queue(queue_size: usize, batch_size: usize, schedule_delay: Duration) -> Waiting {
        queue_of(batching(queue_size, batch_size, schedule_delay))
    }

    fn queue_of(batching: Batching) -> Waiting {
        let (tell, arrived) = channel();
        let (open, wait) = channel();
        let counts = Arc::new(Counts::new("spans", "test"));
        let sink = Gate { arrived: tell, open: Mutex::new(wait) };
        let queue = BatchProcessor::start(batching, sink, Arc::clone(&counts), ValueLength(None));
        let mut processor = SpanProcessors::default();
        processor.add(queue.unwrap());
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
        fn fates(&self) -> [u64; 3] {
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
        assert_eq!(queue.fates(), [0, 0, 1]);
        queue.open(1);
        queue.processor.force_flush().unwrap();
        queue.processor.on_end(heavy());
        assert_eq!(queue.arrived.recv(), Ok(1));
        assert_eq!(queue.fates(), [1, 0, 1]);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let queue = queue(10, 4, NEVER);
        queue.end(4);
        assert_eq!(queue.arrived.recv(), Ok(4));
        queue.end(13);
        assert_eq!(queue.fates(), [0, 0, 3]);
        queue.open(4);
        queue.processor.shutdown().unwrap();
        assert_eq!(queue.arrived.try_iter().collect::<Vec<_>>(), [4, 4, 2]);
        assert_eq!(queue.fates(), [14, 0, 3]);
    }

    #[test]
    fn flush_waits_for_what_was_there() {
        let queue = queue(10, 4, NEVER);
        queue.processor.force_flush().unwrap();
        queue.end(3);
        queue.open(1);
        queue.processor.force_flush().unwrap();
        assert_eq!(queue.arrived.try_iter().collect::<Vec<_>>(), [3]);
        assert_eq!(queue.fates(), [3, 0, 0]);
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
        assert_eq!(queue.fates(), [0, 0, 1]);
        queue.open(1);
        queue.processor.shutdown().unwrap();
        queue.processor.shutdown().unwrap();
        assert_eq!(queue.fates(), [3, 0, 1]);
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
    fn what_piled_up_leaves_in_one_batch() {
        let grown = Batching { most_batch: 100, ..batching(100, 4, NEVER) };
        let queue = queue_of(grown);
        queue.end(4);
        assert_eq!(queue.arrived.recv(), Ok(4));
        queue.end(50);
        queue.open(2);
        queue.processor.shutdown().unwrap();
        assert_eq!(queue.arrived.recv(), Ok(50));
        assert_eq!(queue.fates(), [54, 0, 0]);
    }

    #[test]
    fn exports_run_at_once_and_flush_waits_for_all() {
        let queue = queue_of(Batching { exports: 2, ..batching(10, 1, NEVER) });
        queue.end(2);
        // The second arrives though the first is not done.
        assert_eq!((queue.arrived.recv(), queue.arrived.recv()), (Ok(1), Ok(1)));
        queue.open(2);
        queue.processor.force_flush().unwrap();
        assert_eq!(queue.fates(), [2, 0, 0]);
        queue.processor.shutdown().unwrap();
    }

    #[derive(Debug)]
    struct Panicking;

    impl Deliver<SpanData> for Panicking {
        type Body = VecDeque<SpanData>;

        fn encode(&self, batch: &mut VecDeque<SpanData>) -> Encoded<Self::Body> {
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
        let queue = BatchProcessor::start(
            batching(10, 1, NEVER),
            Panicking,
            Arc::clone(&counts),
            ValueLength(None),
        );
        let mut processor = SpanProcessors::default();
        processor.add(queue.unwrap());
        processor.on_end(Sample::new(1).span());
        processor.force_flush().unwrap();
        processor.on_end(Sample::new(2).span());
        processor.shutdown().unwrap();
        let counts = counts.snapshot();
        assert_eq!((counts.ended, counts.failed), (2, 2));
        assert_eq!(counts.reason.as_deref(), Some("the exporter panicked: out of luck"));
    }
}
