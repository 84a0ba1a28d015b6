//! What a collection costs that has metrics of the process and of runtimes.
//!
//! `cargo bench -p benches --bench collection` prints a table; each row is the median of 100 collections.
#![allow(clippy::print_stdout)]

use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        PeriodicReader, SdkMeterProvider, Temporality, data::ResourceMetrics,
        exporter::PushMetricExporter,
    },
};
use std::{
    fs::File,
    thread,
    time::{Duration, Instant},
};
use tracewire_runtime::{Runtimes, process};

const COLLECTIONS: usize = 100;
/// Longer than a reading of the process is good for.
const PAUSE: Duration = Duration::from_millis(101);

/// Exports nowhere.
#[derive(Debug)]
struct Nowhere;

impl PushMetricExporter for Nowhere {
    async fn export(&self, _: &ResourceMetrics) -> OTelSdkResult {
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

fn provider() -> SdkMeterProvider {
    let reader = PeriodicReader::builder(Nowhere).with_interval(Duration::from_secs(3600)).build();
    SdkMeterProvider::builder().with_reader(reader).build()
}

/// The median of many collections, each after a pause.
fn median(provider: &SdkMeterProvider, pause: Duration) -> Duration {
    let mut took: Vec<_> = (0..COLLECTIONS)
        .map(|_| {
            thread::sleep(pause);
            let begun = Instant::now();
            provider.force_flush().expect("nothing is exported");
            begun.elapsed()
        })
        .collect();
    took.sort();
    took[took.len() / 2]
}

fn main() {
    let files: Vec<_> =
        (0..1_000).map(|_| File::open("/dev/null").expect("it is always there")).collect();
    let runtime = tokio::runtime::Runtime::new().expect("threads can start");
    let (nothing, of_process, of_runtime) = (provider(), provider(), provider());
    process::observe(&of_process);
    Runtimes::new(&of_runtime).observe("main", runtime.handle());
    println!("| collection, with 1,000 descriptors open | µs |");
    println!("|---|---:|");
    for (name, provider, pause) in [
        ("no instruments", &nothing, PAUSE),
        ("the process, read", &of_process, PAUSE),
        ("the process, read a moment ago", &of_process, Duration::ZERO),
        ("a runtime", &of_runtime, PAUSE),
    ] {
        println!("| {name} | {:.0} |", median(provider, pause).as_secs_f64() * 1e6);
    }
    drop(files);
}
