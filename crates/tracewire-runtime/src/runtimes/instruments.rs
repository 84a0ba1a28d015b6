//! The instruments of tokio's runtimes.

use super::{Shared, readings::Readings};
use opentelemetry::{
    KeyValue, StringValue,
    metrics::{AsyncInstrument, Meter},
};
use std::sync::Arc;

const RUNTIME: &str = "tokio.runtime.name";

/// Name, unit, description and value of an instrument.
type Instrument<T> = (&'static str, &'static str, &'static str, fn(&Readings) -> T);

const AMOUNTS: &[Instrument<u64>] = &[
    ("tokio.workers", "{worker}", "Worker threads.", |now| now.workers),
    ("tokio.alive_tasks", "{task}", "Tasks that were spawned and have not ended.", |now| {
        now.alive_tasks
    }),
    ("tokio.global_queue_depth", "{task}", "Tasks that wait for any worker.", |now| {
        now.global_queue_depth
    }),
    #[cfg(tokio_unstable)]
    ("tokio.blocking_threads", "{thread}", "Threads for blocking work.", |now| {
        now.blocking_threads
    }),
    #[cfg(tokio_unstable)]
    (
        "tokio.idle_blocking_threads",
        "{thread}",
        "Threads for blocking work that have none.",
        |now| now.idle_blocking_threads,
    ),
    #[cfg(tokio_unstable)]
    ("tokio.blocking_queue_depth", "{task}", "Blocking work that waits for a thread.", |now| {
        now.blocking_queue_depth
    }),
    #[cfg(tokio_unstable)]
    ("tokio.worker.local_queue_depth", "{task}", "Tasks that wait for one worker.", |now| {
        now.local_queue_depth
    }),
];

#[cfg(target_has_atomic = "64")]
const TOTALS: &[Instrument<u64>] = &[
    ("tokio.worker.park_count", "{park}", "How often workers had nothing to do.", |now| {
        now.totals.park_count
    }),
    #[cfg(tokio_unstable)]
    ("tokio.spawned_tasks", "{task}", "Tasks that were ever spawned.", |now| {
        now.totals.spawned_tasks
    }),
    #[cfg(tokio_unstable)]
    (
        "tokio.budget_forced_yields",
        "{yield}",
        "Tasks that yielded because their budget was used up.",
        |now| now.totals.budget_forced_yields,
    ),
    #[cfg(tokio_unstable)]
    ("tokio.worker.poll_count", "{poll}", "Polls of tasks.", |now| now.totals.poll_count),
    #[cfg(tokio_unstable)]
    ("tokio.worker.steal_count", "{task}", "Tasks that workers took from each other.", |now| {
        now.totals.steal_count
    }),
    #[cfg(tokio_unstable)]
    (
        "tokio.worker.overflow_count",
        "{overflow}",
        "How often a worker's local queue was full.",
        |now| now.totals.overflow_count,
    ),
];

pub(super) fn register(meter: &Meter, runtimes: &Arc<Shared>) {
    for &(name, unit, description, read) in AMOUNTS {
        let read = move |now: &Readings| read(now).try_into().unwrap_or(i64::MAX);
        meter
            .i64_observable_up_down_counter(name)
            .with_unit(unit)
            .with_description(description)
            .with_callback(of_each(runtimes, read))
            .build();
    }
    #[cfg(target_has_atomic = "64")]
    {
        for &(name, unit, description, read) in TOTALS {
            meter
                .u64_observable_counter(name)
                .with_unit(unit)
                .with_description(description)
                .with_callback(of_each(runtimes, read))
                .build();
        }
        meter
            .f64_observable_counter("tokio.worker.busy_time")
            .with_unit("s")
            .with_description("The time that workers were busy, added up.")
            .with_callback(of_each(runtimes, |now| now.totals.busy_time))
            .build();
    }
}

/// Observes a value for each name.
fn of_each<T>(
    runtimes: &Arc<Shared>,
    read: impl Fn(&Readings) -> T + Send + Sync + 'static,
) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static {
    let runtimes = Arc::clone(runtimes);
    move |observer| {
        for (name, now) in runtimes.read() {
            observer.observe(read(&now), &[KeyValue::new(RUNTIME, StringValue::from(name))]);
        }
    }
}
