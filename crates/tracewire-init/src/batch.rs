//! The way of spans to an exporter: a bounded queue, and a thread that takes batches from it.
//!
//! A span is refused before it waits, so every loss is known at once; the queue is bounded in spans
//! and in bytes. A batch is due when it is full, when half of the bytes are taken, when its first
//! span has waited for the schedule delay, or when somebody flushes.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::batching::Batching;
use crate::count::{Counts, Failure};
use crate::error::InitError;
use crate::limits::ValueLength;
use crate::stop::after;
use crate::weight::weight;

/// How many bytes of spans may wait or be under way, for each place in the queue.
///
/// That is more than twice what the span of an HTTP request takes. Without a limit, two thousand
/// places keep 120 MB if somebody sends 60 KB in each request.
const BYTES_PER_PLACE: usize = 3 * 1024;

/// How long a flush waits: an exporter that hangs must not gather the threads that wait for it.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// Takes batches to where they belong. Blocks, for a bounded time; may panic.
pub(crate) trait DeliverSpans: Send + fmt::Debug + 'static {
    fn deliver(&self, batch: Vec<SpanData>) -> Result<(), Failure>;

    /// Nothing will be delivered any more.
    fn shutdown(&self) {}
}

/// Puts ended spans into the queue.
#[derive(Debug)]
pub(crate) struct BatchProcessor {
    shared: Arc<Shared>,
    value_length: ValueLength,
}

impl BatchProcessor {
    /// Starts the thread that takes batches to `sink`.
    pub(crate) fn start(
        batching: Batching,
        sink: impl DeliverSpans,
        counts: Arc<Counts>,
        value_length: ValueLength,
    ) -> Result<Self, InitError> {
        let shared = Arc::new(Shared {
            batching,
            counts,
            state: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
        });
        let worker = Arc::clone(&shared);
        thread::Builder::new()
            .name("tracewire-spans".to_owned())
            .spawn(move || worker.run(&sink))
            .map_err(|error| {
                InitError::exporter("no thread can be started to export spans").with_source(error)
            })?;
        Ok(Self { shared, value_length })
    }
}

impl SpanProcessor for BatchProcessor {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, mut span: SpanData) {
        if span.span_context.is_sampled() {
            self.value_length.apply(&mut span);
            self.shared.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        let mut state = self.shared.lock();
        let target = state.entered;
        state.flush = target;
        self.shared.work.notify_one();
        self.shared.wait(state, FLUSH_TIMEOUT, |state| state.left >= target || state.stopped)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let mut state = self.shared.lock();
        state.stopping = true;
        self.shared.work.notify_one();
        self.shared.wait(state, timeout, |state| state.stopped)
    }
}

#[derive(Debug)]
struct Shared {
    batching: Batching,
    counts: Arc<Counts>,
    state: Mutex<State>,
    /// Tells the thread that a batch may be due.
    work: Condvar,
    /// Tells those who wait that a batch is done.
    progress: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<SpanData>,
    queued_bytes: usize,
    /// Of the batch that is under way.
    taken_bytes: usize,
    /// How many spans ever entered the queue, and of how many the fate is known.
    entered: u64,
    left: u64,
    /// Up to which one somebody wants them exported now.
    flush: u64,
    stopping: bool,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn most_bytes(&self) -> usize {
        self.batching.queue_size.saturating_mul(BYTES_PER_PLACE)
    }

    fn push(&self, span: SpanData) {
        self.counts.ended(1);
        let weight = weight(&span);
        let mut state = self.lock();
        let refusal = if state.stopping {
            "telemetry was shut down"
        } else if state.queue.len() >= self.batching.queue_size {
            "the queue is full, see OTEL_BSP_MAX_QUEUE_SIZE"
        } else if state.queued_bytes + state.taken_bytes + weight > self.most_bytes() {
            "the queue is full: its spans hold more than 3 KiB each"
        } else {
            state.queue.push_back(span);
            state.queued_bytes += weight;
            state.entered += 1;
            // The first span starts the delay; after that the thread sleeps until a batch is due.
            if state.queue.len() == 1 || self.is_full(&state) {
                self.work.notify_one();
            }
            return;
        };
        drop(state);
        self.counts.dropped(1, refusal);
    }

    fn is_full(&self, state: &State) -> bool {
        state.queue.len() >= self.batching.batch_size || state.queued_bytes > self.most_bytes() / 2
    }

    /// Waits for the thread, at most so long.
    fn wait(
        &self,
        state: MutexGuard<'_, State>,
        limit: Duration,
        is_done: impl Fn(&State) -> bool,
    ) -> OTelSdkResult {
        let (_state, waited) = self
            .progress
            .wait_timeout_while(state, limit, |state| !is_done(state))
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() { Err(OTelSdkError::Timeout(limit)) } else { Ok(()) }
    }

    /// The thread's life.
    fn run(&self, sink: &impl DeliverSpans) {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        while let Some(batch) = self.next_batch() {
            let items = batch.len() as u64;
            let result = unwinding(|| sink.deliver(batch));
            self.counts.delivered(items, result);
            let mut state = self.lock();
            state.taken_bytes = 0;
            state.left += items;
            drop(state);
            self.progress.notify_all();
        }
        let _ = unwinding(|| {
            sink.shutdown();
            Ok(())
        });
        self.lock().stopped = true;
        self.progress.notify_all();
    }

    /// Waits until a batch is due; `None` at the end.
    fn next_batch(&self) -> Option<Vec<SpanData>> {
        let mut state = self.lock();
        let mut due = None;
        loop {
            if state.queue.is_empty() {
                if state.stopping {
                    return None;
                }
                due = None;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let due = *due.get_or_insert_with(|| after(self.batching.schedule_delay));
            let left = due.saturating_duration_since(Instant::now());
            let wanted = state.stopping || state.flush > state.left;
            if wanted || left == Duration::ZERO || self.is_full(&state) {
                break;
            }
            let waited = self.work.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let items = state.queue.len().min(self.batching.batch_size);
        let batch: Vec<SpanData> = state.queue.drain(..items).collect();
        state.taken_bytes = batch.iter().map(weight).sum();
        state.queued_bytes -= state.taken_bytes;
        Some(batch)
    }
}

/// A panic must not end the thread: no span would leave the process after it.
fn unwinding(work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Failure::all(describe_panic(&*panic))))
}

/// What a panic said.
pub(crate) fn describe_panic(panic: &(dyn Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("the exporter panicked: {said}")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;
    use crate::console::sample::Sample;

    const NEVER: Duration = Duration::MAX;

    /// Tells of each batch and waits until it may go on.
    #[derive(Debug)]
    struct Gate {
        arrived: Sender<usize>,
        open: Receiver<()>,
    }

    impl DeliverSpans for Gate {
        fn deliver(&self, batch: Vec<SpanData>) -> Result<(), Failure> {
            self.arrived.send(batch.len()).unwrap();
            self.open.recv().map_err(|_| Failure::all("closed"))
        }
    }

    struct Queue {
        processor: BatchProcessor,
        counts: Arc<Counts>,
        arrived: Receiver<usize>,
        open: Sender<()>,
    }

    fn queue(queue_size: usize, batch_size: usize, schedule_delay: Duration) -> Queue {
        let (tell, arrived) = channel();
        let (open, wait) = channel();
        let counts = Arc::new(Counts::new("spans", "test"));
        let export_timeout = Duration::ZERO;
        let batching = Batching { queue_size, batch_size, schedule_delay, export_timeout };
        let sink = Gate { arrived: tell, open: wait };
        let processor =
            BatchProcessor::start(batching, sink, Arc::clone(&counts), ValueLength(None)).unwrap();
        Queue { processor, counts, arrived, open }
    }

    impl Queue {
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

    #[derive(Debug)]
    struct Panicking;

    impl DeliverSpans for Panicking {
        fn deliver(&self, _: Vec<SpanData>) -> Result<(), Failure> {
            panic!("out of luck")
        }

        fn shutdown(&self) {
            panic!("again")
        }
    }

    #[test]
    fn a_panic_costs_its_batch_and_nothing_else() {
        let counts = Arc::new(Counts::new("spans", "test"));
        let batching = Batching {
            queue_size: 10,
            batch_size: 1,
            schedule_delay: NEVER,
            export_timeout: NEVER,
        };
        let processor =
            BatchProcessor::start(batching, Panicking, Arc::clone(&counts), ValueLength(None))
                .unwrap();
        processor.on_end(Sample::new(1).span());
        processor.force_flush().unwrap();
        processor.on_end(Sample::new(2).span());
        processor.shutdown().unwrap();
        let counts = counts.snapshot();
        assert_eq!((counts.ended, counts.failed), (2, 2));
        assert_eq!(counts.reason.as_deref(), Some("the exporter panicked: out of luck"));
    }
}
