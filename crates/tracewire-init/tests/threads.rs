//! How many threads a process has while its collector hangs. Alone in its process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
#[cfg(feature = "zipkin")]
use tracewire_init::Zipkin;
use tracewire_init::{
    Builder, Console, Metrics, MetricsExporter, Otlp, Telemetry, Traces, TracesExporter,
};
#[cfg(feature = "logs")]
use tracewire_init::{Logs, LogsExporter};

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Never ends an export.
#[derive(Debug)]
struct Hanging(Mutex<Receiver<()>>);

impl SpanExporter for Hanging {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        let _ = self.0.lock().unwrap().recv();
        Ok(())
    }
}

/// Flushes in vain, and says how many threads that leaves beyond those of the exporters.
fn left_by_flushes(builder: Builder) -> usize {
    let builder = builder.shutdown_timeout(Duration::from_millis(5));
    #[cfg(feature = "logs")]
    let builder = builder.logs(Logs::new().exporters([LogsExporter::otlp()]));
    let telemetry = builder.build().unwrap();
    let tracer = telemetry.tracer_provider().unwrap().tracer("test");
    if let Some(meter) = telemetry.meter_provider() {
        meter.meter("test").u64_counter("orders").build().add(1, &[]);
    }
    tracer.start("span");
    telemetry.flush();
    let before = threads();
    for _ in 0..50 {
        tracer.start("span");
        assert!(!telemetry.flush().is_complete());
    }
    let left = threads().saturating_sub(before);
    drop(telemetry);
    left
}

#[test]
fn flushes_that_time_out_leave_no_threads() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let otlp = || {
        Telemetry::builder()
            .traces(Traces::new().exporters([TracesExporter::otlp()]))
            .metrics(Metrics::new().exporters([MetricsExporter::otlp()]))
            .otlp(Otlp::new().endpoint(url.clone()))
    };
    let (_open, gate) = channel();
    let builders = [
        ("protobuf", otlp()),
        #[cfg(feature = "otlp-grpc")]
        ("grpc", otlp().otlp(Otlp::new().protocol(tracewire_init::Protocol::Grpc))),
        #[cfg(feature = "otlp-json")]
        ("json", otlp().otlp(Otlp::new().protocol(tracewire_init::Protocol::HttpJson))),
        #[cfg(feature = "zipkin")]
        (
            "zipkin",
            otlp()
                .traces(Traces::new().exporters([TracesExporter::zipkin()]))
                .traces(Traces::new().zipkin(Zipkin::new().endpoint(url.clone()))),
        ),
        (
            "given",
            otlp().traces(
                Traces::new().exporters([TracesExporter::custom(Hanging(Mutex::new(gate)))]),
            ),
        ),
        ("two metrics", {
            let exporters = [MetricsExporter::otlp(), MetricsExporter::console()];
            otlp()
                .metrics(Metrics::new().exporters(exporters))
                .console(Console::new().writer(std::io::sink()))
        }),
    ];
    for (name, builder) in builders {
        // Those of the first flush are there before; a courier of metrics may come and go.
        let left = left_by_flushes(builder);
        assert!(left <= 3, "{name}: {left} threads");
    }
}
