//! Flushes while a collector hangs.

use super::{Collector, Shape, Wire};
use opentelemetry::trace::TracerProvider;
use std::{
    fs, thread,
    time::{Duration, Instant},
};
use tracewire_init::{Metrics, Otlp, Telemetry, Traces, TracesExporter, Zipkin};

/// How long it takes until the spans of one exporter arrive while another one hangs: after a flush
/// began, and after a shutdown began.
///
/// # Panics
///
/// If they never arrive.
#[must_use]
pub fn beside(hanging: &str, accepting: &Collector) -> (Duration, Duration) {
    let telemetry = Telemetry::builder()
        .metrics(Metrics::new().exporters([]))
        .traces(Traces::new().exporters([TracesExporter::otlp(), TracesExporter::zipkin()]))
        .otlp(Otlp::new().endpoint(hanging))
        .traces(
            Traces::new()
                .zipkin(Zipkin::new().endpoint(format!("{}/api/v2/spans", accepting.endpoint()))),
        )
        .build()
        .expect("it can be set up");
    let tracer = telemetry.tracer_provider().expect("it is not disabled").tracer("pressure");
    let arrival = |requests| {
        let begun = Instant::now();
        while accepting.requests() < requests {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing arrives");
            thread::sleep(Duration::from_micros(100));
        }
        begun.elapsed()
    };
    Shape::Small.record(&tracer);
    let flushed = thread::scope(|scope| {
        scope.spawn(|| telemetry.flush());
        arrival(1)
    });
    Shape::Small.record(&tracer);
    let shut_down = thread::scope(|scope| {
        scope.spawn(|| telemetry.shutdown());
        arrival(2)
    });
    (flushed, shut_down)
}

/// How many threads so many flushes in vain leave, beyond those after one.
#[must_use]
pub fn threads_left(wire: Wire, hanging: &str, flushes: usize) -> usize {
    let telemetry = wire.telemetry(hanging, Duration::from_millis(10));
    let tracer = telemetry.tracer_provider().expect("it is not disabled").tracer("pressure");
    let flush = || {
        Shape::Small.record(&tracer);
        let _ = telemetry.flush();
    };
    flush();
    let before = threads();
    (0..flushes).for_each(|_| flush());
    threads().saturating_sub(before)
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("this system has /proc").count()
}
