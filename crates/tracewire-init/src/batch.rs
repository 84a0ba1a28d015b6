//! The way of spans to an exporter: a gate, the SDK's batch processor, and a counted exporter.
//!
//! The gate stands before the queue. It cuts long values, counts what comes, and turns spans away
//! itself when the queue is full, so that what the queue takes is what the exporter gets, and
//! every loss is known at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::{Context, Value};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

use crate::count::{Counts, Failure};
use crate::env::{self, Env};
use crate::error::InitError;
use crate::limits::ValueLength;

/// How many bytes of spans may wait for an exporter, for each place in the queue.
///
/// That is more than twice what the span of an HTTP request takes. Without a limit, two thousand
/// places keep 120 MB if somebody sends 60 KB in each request.
const BYTES_PER_PLACE: usize = 3 * 1024;

/// Takes batches to where they belong. Blocks, for a bounded time; may panic.
pub(crate) trait DeliverSpans: Send + Sync + std::fmt::Debug + 'static {
    fn deliver(&self, batch: Vec<SpanData>) -> Result<(), Failure>;

    fn set_resource(&mut self, _resource: &Resource) {}

    /// Nothing will be delivered any more.
    fn shutdown(&self, _timeout: Duration) {}
}

/// What code says about batches.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) queue_size: Option<u32>,
    pub(crate) batch_size: Option<u32>,
    pub(crate) schedule_delay: Option<Duration>,
    pub(crate) export_timeout: Option<Duration>,
}

/// The batch settings as decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batching {
    queue_size: usize,
    batch_size: usize,
    schedule_delay: Duration,
    export_timeout: Duration,
}

impl Batching {
    pub(crate) fn decide(env: &Env, code: Settings) -> Result<Self, InitError> {
        const QUEUE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
        const BATCH: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
        /// The queue is allocated at once, about 350 bytes a place.
        const MOST: u32 = 1_000_000;
        let zero = |name| env.text(name).is_some_and(|text| text.trim().parse() == Ok(0_u32));
        for (name, code) in [(QUEUE, code.queue_size), (BATCH, code.batch_size)] {
            if code.is_some_and(|size| !(1..=MOST).contains(&size)) || code.is_none() && zero(name)
            {
                return Err(InitError::configuration(
                    name,
                    &code.unwrap_or(0).to_string(),
                    &format!("it must be from 1 to {MOST}"),
                ));
            }
        }
        let queue_size = env.pick(&[QUEUE], code.queue_size, env::integer_within(1, MOST), 2048);
        let default = 512.min(queue_size);
        let mut batch_size = env.pick(&[BATCH], code.batch_size, env::integer(1), default);
        if batch_size > queue_size {
            env.warn(format!(
                "{BATCH}={batch_size} is more than {QUEUE}={queue_size}: batches are of {queue_size}"
            ));
            batch_size = queue_size;
        }
        let schedule_delay = env.pick(
            &["OTEL_BSP_SCHEDULE_DELAY"],
            code.schedule_delay,
            env::milliseconds(1),
            Duration::from_secs(5),
        );
        let export_timeout = env.pick(
            &["OTEL_BSP_EXPORT_TIMEOUT"],
            code.export_timeout,
            env::milliseconds(0),
            Duration::from_secs(30),
        );
        Ok(Self {
            queue_size: queue_size.try_into().unwrap_or(usize::MAX),
            batch_size: batch_size.try_into().unwrap_or(usize::MAX),
            schedule_delay,
            export_timeout,
        })
    }

    /// How long one export may take; zero is no limit.
    pub(crate) fn export_timeout(self) -> Duration {
        self.export_timeout
    }

    /// The processor that carries spans to `sink`.
    pub(crate) fn processor(
        self,
        sink: impl DeliverSpans,
        counts: Arc<Counts>,
        value_length: ValueLength,
    ) -> impl SpanProcessor + 'static {
        let room = Arc::new(Room {
            most_spans: self.queue_size,
            most_bytes: self.queue_size.saturating_mul(BYTES_PER_PLACE),
            spans: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        });
        let exporter =
            CountedExporter { sink, counts: Arc::clone(&counts), room: Arc::clone(&room) };
        let batch = BatchSpanProcessor::builder(exporter)
            .with_batch_config(
                BatchConfigBuilder::default()
                    .with_max_queue_size(self.queue_size)
                    .with_max_export_batch_size(self.batch_size)
                    .with_scheduled_delay(self.schedule_delay)
                    .build(),
            )
            .build();
        Gate { batch, counts, room, value_length }
    }
}

#[derive(Debug)]
struct Gate<P> {
    batch: P,
    counts: Arc<Counts>,
    room: Arc<Room>,
    value_length: ValueLength,
}

impl<P: SpanProcessor> SpanProcessor for Gate<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batch.on_start(span, context);
    }

    fn on_end(&self, mut span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        self.counts.ended(1);
        self.value_length.apply(&mut span);
        match self.room.enter(weight(&span)) {
            Ok(()) => self.batch.on_end(span),
            Err(reason) => self.counts.dropped(1, reason),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batch.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batch.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.batch.set_resource(resource);
    }
}

/// The room in the queue. Spans leave it when the exporter takes them, their bytes when it is done
/// with them.
#[derive(Debug)]
struct Room {
    most_spans: usize,
    most_bytes: usize,
    spans: AtomicUsize,
    bytes: AtomicUsize,
}

impl Room {
    fn enter(&self, weight: usize) -> Result<(), &'static str> {
        let grow = |level: &AtomicUsize, amount: usize, most: usize| {
            level
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |level| {
                    level.checked_add(amount).filter(|&level| level <= most)
                })
                .is_ok()
        };
        if !grow(&self.spans, 1, self.most_spans) {
            return Err("the queue is full, see OTEL_BSP_MAX_QUEUE_SIZE");
        }
        if !grow(&self.bytes, weight, self.most_bytes) {
            self.spans.fetch_sub(1, Ordering::AcqRel);
            return Err("the queue is full: its spans hold more than 3 KiB each");
        }
        Ok(())
    }
}

/// About how many bytes a span keeps in memory.
fn weight(span: &SpanData) -> usize {
    let attributes = |attributes: &[opentelemetry::KeyValue]| -> usize {
        attributes
            .iter()
            .map(|attribute| {
                size_of_val(attribute) + attribute.key.as_str().len() + heap(&attribute.value)
            })
            .sum()
    };
    let events: usize = span
        .events
        .iter()
        .map(|event| size_of_val(event) + event.name.len() + attributes(&event.attributes))
        .sum();
    let links: usize =
        span.links.iter().map(|link| size_of_val(link) + attributes(&link.attributes)).sum();
    size_of::<SpanData>() + span.name.len() + attributes(&span.attributes) + events + links
}

fn heap(value: &Value) -> usize {
    use opentelemetry::Array;
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => {
            texts.iter().map(|text| size_of_val(text) + text.as_str().len()).sum()
        }
        Value::Array(Array::Bool(list)) => size_of_val(&**list),
        Value::Array(Array::I64(list)) => size_of_val(&**list),
        Value::Array(Array::F64(list)) => size_of_val(&**list),
        _ => 0,
    }
}

#[derive(Debug)]
struct CountedExporter<S> {
    sink: S,
    counts: Arc<Counts>,
    room: Arc<Room>,
}

impl<S: DeliverSpans> SpanExporter for CountedExporter<S> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let items = batch.len();
        let bytes: usize = batch.iter().map(weight).sum();
        self.room.spans.fetch_sub(items, Ordering::AcqRel);
        // A panic must not end the SDK's thread: no span would leave the process after it.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let _suppressed = Context::enter_telemetry_suppressed_scope();
            self.sink.deliver(batch)
        }))
        .unwrap_or_else(|panic| Err(Failure::all(describe_panic(&*panic))));
        self.room.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.counts.delivered(items as u64, result);
        // The failure is counted and reported here; the SDK would only log it once more.
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.sink.shutdown(timeout);
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.sink.set_resource(resource);
    }
}

/// What a panic said.
pub(crate) fn describe_panic(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    format!("the exporter panicked: {said}")
}
