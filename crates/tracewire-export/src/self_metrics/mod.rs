//! What becomes of telemetry, as metrics of its own: the conventions' `otel.sdk.*`.
//!
//! Everything but durations is counted anyway, for the report, and observed when metrics are collected.

pub(crate) mod collections;
pub(crate) mod component;
pub(crate) mod spans;

use crate::{
    exports::Exports,
    pipeline::counts::{Counts, Snapshot},
};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{AsyncInstrument, Histogram, Meter, MeterProvider},
};
use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

const ERROR: &str = "error.type";

/// A signal as the report, metrics and units name it.
struct Signal(&'static str, &'static str, &'static str);

const SIGNALS: [Signal; 3] = [
    Signal("spans", "span", "{span}"),
    Signal("log records", "log", "{log_record}"),
    Signal("data points", "metric_data_point", "{data_point}"),
];

/// Measures how long exports and collections take, once a meter asks for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Durations(Arc<OnceLock<Histograms>>);

#[derive(Debug)]
struct Histograms {
    exports: Histogram<f64>,
    collections: Histogram<f64>,
}

impl Durations {
    /// The time now, if it will be needed.
    pub(crate) fn begin(&self) -> Option<Instant> {
        self.0.get().map(|_| Instant::now())
    }

    pub(crate) fn record(&self, duration: Duration, attributes: &[KeyValue]) {
        if let Some(Histograms { exports, .. }) = self.0.get() {
            exports.record(duration.as_secs_f64(), attributes);
        }
    }

    /// Records a collection that has just ended on this thread.
    pub(crate) fn record_collection(&self, attributes: &[KeyValue]) {
        if let (Some(Histograms { collections, .. }), Some(took)) =
            (self.0.get(), collections::took())
        {
            collections.record(took.as_secs_f64(), attributes);
        }
    }
}

/// Creates the instruments, which the provider keeps alive.
pub(crate) fn register(exports: &Exports, provider: &impl MeterProvider, durations: &Durations) {
    let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .build();
    let meter = provider.meter_with_scope(scope);
    let mut begin: Option<fn()> = Some(collections::begin);
    for signal in SIGNALS {
        exporters(&meter, exports, &signal, begin.take());
        if signal.0 != "data points" {
            queues(&meter, exports, &signal);
        }
    }
    queue_bytes(&meter, exports);
    spans(&meter, exports);
    let histogram = |name, description, boundaries: &[f64]| {
        let histogram = meter.f64_histogram(name).with_unit("s").with_description(description);
        histogram.with_boundaries(boundaries.to_vec()).build()
    };
    let _ = durations.0.set(Histograms {
        exports: histogram(
            "otel.sdk.exporter.operation.duration",
            "The duration of exporting a batch of telemetry records.",
            &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0],
        ),
        collections: histogram(
            "otel.sdk.metric_reader.collection.duration",
            "The duration of the collect operation of the metric reader.",
            &[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0],
        ),
    });
}

/// Observes something of each exporter of a signal.
fn of_each<T: 'static>(
    exports: &Exports,
    signal: &'static str,
    observe: impl Fn(&Counts, &Snapshot, &dyn AsyncInstrument<T>) + Send + Sync + 'static,
) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static {
    let exports = exports.clone();
    move |observer| {
        let all = exports.measured();
        for counts in all.iter().filter(|counts| counts.signal() == signal) {
            observe(counts, &counts.snapshot(), observer);
        }
    }
}

/// `begin` runs first where metrics are collected.
fn exporters(meter: &Meter, exports: &Exports, signal: &Signal, begin: Option<fn()>) {
    let Signal(signal, noun, unit) = *signal;
    let exported = of_each(exports, signal, observe_exported);
    meter
        .u64_observable_counter(format!("otel.sdk.exporter.{noun}.exported"))
        .with_unit(unit)
        .with_description("What was exported, or failed to be.")
        .with_callback(move |observer| {
            if let Some(begin) = begin {
                begin();
            }
            exported(observer);
        })
        .build();
    meter
        .i64_observable_up_down_counter(format!("otel.sdk.exporter.{noun}.inflight"))
        .with_unit(unit)
        .with_description("What was passed to the exporter and has neither arrived nor failed.")
        .with_callback(of_each(exports, signal, |counts, now, observer| {
            observer.observe(signed(now.under_way()), counts.exporter_attributes());
        }))
        .build();
}

fn observe_exported(counts: &Counts, now: &Snapshot, observer: &dyn AsyncInstrument<u64>) {
    observer.observe(now.exported, counts.exporter_attributes());
    for (kind, failed) in counts.failures() {
        let error = KeyValue::new(ERROR, kind.name());
        observer.observe(failed, &[counts.exporter_attributes(), &[error]].concat());
    }
    if counts.queue().is_none() && now.dropped > 0 {
        let error = KeyValue::new(ERROR, "busy");
        observer.observe(now.dropped, &[counts.exporter_attributes(), &[error]].concat());
    }
}

/// Of exporters behind a queue.
fn queues(meter: &Meter, exports: &Exports, signal: &Signal) {
    let Signal(signal, noun, unit) = *signal;
    meter
        .u64_observable_counter(format!("otel.sdk.processor.{noun}.processed"))
        .with_unit(unit)
        .with_description("What was passed to the exporter, or dropped before.")
        .with_callback(of_each(exports, signal, |counts, now, observer| {
            let Some(queue) = counts.queue() else { return };
            observer.observe(now.taken, &queue.attributes);
            for (dropped, error) in [
                (now.dropped.saturating_sub(now.late), "queue_full"),
                (now.late, "already_shutdown"),
            ] {
                if dropped > 0 {
                    let error = KeyValue::new(ERROR, error);
                    observer.observe(dropped, &[&*queue.attributes, &[error]].concat());
                }
            }
        }))
        .build();
    meter
        .i64_observable_up_down_counter(format!("otel.sdk.processor.{noun}.queue.size"))
        .with_unit(unit)
        .with_description("What waits in the queue.")
        .with_callback(of_each(exports, signal, |counts, now, observer| {
            if let Some(queue) = counts.queue() {
                observer.observe(signed(now.waiting()), &queue.attributes);
            }
        }))
        .build();
    meter
        .i64_observable_up_down_counter(format!("otel.sdk.processor.{noun}.queue.capacity"))
        .with_unit(unit)
        .with_description("The most that the queue can hold, if its bytes suffice.")
        .with_callback(of_each(exports, signal, |counts, _, observer| {
            if let Some(queue) = counts.queue() {
                observer.observe(signed(queue.capacity as u64), &queue.attributes);
            }
        }))
        .build();
}

/// Our own: queues are bounded in bytes as well, which the conventions have no names for.
fn queue_bytes(meter: &Meter, exports: &Exports) {
    type Read = fn(&crate::pipeline::counts::QueueFacts) -> usize;
    let instruments: [(_, _, Read); 2] = [
        ("tracewire.queue.size", "Bytes that wait or are under way.", |queue| (queue.bytes)()),
        ("tracewire.queue.capacity", "The most bytes that may wait or be under way.", |queue| {
            queue.capacity_bytes
        }),
    ];
    for (name, description, read) in instruments {
        let exports = exports.clone();
        meter
            .i64_observable_up_down_counter(name)
            .with_unit("By")
            .with_description(description)
            .with_callback(move |observer| {
                let all = exports.counts().clone();
                for queue in all.iter().filter_map(|counts| counts.queue()) {
                    observer.observe(signed(read(queue) as u64), &queue.attributes);
                }
            })
            .build();
    }
}

fn spans(meter: &Meter, exports: &Exports) {
    let Some(spans) = exports.spans().cloned() else { return };
    let counts = Arc::clone(&spans);
    meter
        .u64_observable_counter("otel.sdk.span.started")
        .with_unit("{span}")
        .with_description("The number of created spans.")
        .with_callback(move |observer| {
            counts.started().for_each(|(count, attributes)| observer.observe(count, &attributes));
        })
        .build();
    meter
        .i64_observable_up_down_counter("otel.sdk.span.live")
        .with_unit("{span}")
        .with_description("The number of recorded spans that have not ended.")
        .with_callback(move |observer| {
            spans.live().for_each(|(count, attributes)| {
                observer.observe(signed(count), &attributes);
            });
        })
        .build();
}

fn signed(count: u64) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
