//! Providers that run, and how they end: all at once, under one deadline.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracewire_exemplar::Exemplars;
use tracewire_export::wiring::{Courier, Deliveries, after};
use tracewire_export::{Exports, ShutdownReport};
use tracewire_sampling::Sampler;

use crate::builder::Exceptions;
use crate::claim::Claim;
use crate::config::file::Reloader;
use crate::ended::Life;
use crate::layers::Layers;
use crate::live::LivePages;
use crate::log_records;
use crate::plan::Plan;
use crate::providers::{ObservedRuntimes, Page};
use crate::subscriber::Logging;

/// What was built, each `None` if nothing is recorded.
#[derive(Clone, Default)]
pub(crate) struct Providers {
    pub(crate) tracer: Option<SdkTracerProvider>,
    /// What the tracer's provider samples by.
    pub(crate) sampler: Option<Sampler>,
    /// Whether none of its span processors is the application's.
    pub(crate) only_our_processors: bool,
    pub(crate) meter: Option<SdkMeterProvider>,
    /// What the exporters of metrics read.
    pub(crate) exemplars: Option<Exemplars>,
    pub(crate) logger: Option<log_records::Provider>,
}

/// The providers and what is needed to end them well.
pub(crate) struct Running {
    pub(crate) providers: Providers,
    pub(crate) deliveries: Deliveries,
    /// One for each signal, made at the first flush.
    pub(crate) flushes: OnceLock<Vec<Courier<Instant>>>,
    pub(crate) exports: Exports,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) life: Arc<Life>,
    #[allow(dead_code, reason = "for log lines and log records alone")]
    pub(crate) logging: Logging,
    /// Whether exceptions are log records.
    #[cfg_attr(
        not(any(feature = "logs", feature = "tracing")),
        expect(dead_code, reason = "there are none")
    )]
    pub(crate) exceptions: Exceptions,
    /// The page for Prometheus.
    #[allow(dead_code, reason = "for the cargo feature `prometheus` alone")]
    pub(crate) page: Option<Page>,
    /// The runtimes of tokio that are measured.
    #[cfg_attr(not(feature = "runtime-metrics"), expect(dead_code, reason = "there are none"))]
    pub(crate) runtimes: ObservedRuntimes,
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "it is never there"))]
    pub(crate) live: Option<LivePages>,
    pub(crate) plan: Arc<Mutex<Plan>>,
    pub(crate) layers: Layers,
    /// `None` without a configuration file.
    pub(crate) reloader: Option<Reloader>,
    pub(crate) claim: Option<Claim>,
}

/// Something that may hang, and the name of the thread it hangs on.
type Work = (&'static str, Box<dyn Fn() + Send + Sync>);

impl Running {
    pub(crate) fn shutdown(self, limit: Option<Duration>) -> ShutdownReport {
        let limit = limit.unwrap_or(self.shutdown_timeout);
        let deadline = after(limit);
        self.exports.begin_shutdown(limit);
        let left = move || deadline.saturating_duration_since(Instant::now());
        let mut work: Vec<Work> = Vec::new();
        if let Some(traces) = self.providers.tracer.clone() {
            let end = move || drop(traces.shutdown_with_timeout(left()));
            work.push(("tracewire-traces", Box::new(end)));
        }
        if let Some(metrics) = self.providers.meter.clone() {
            let deliveries = self.deliveries.clone();
            let end = move || {
                drop(metrics.shutdown_with_timeout(left()));
                deliveries.wait(deadline);
            };
            work.push(("tracewire-metrics", Box::new(end)));
        }
        if let Some(logs) = self.providers.logger.clone() {
            let end = move || drop(logs.shutdown_with_timeout(left()));
            work.push(("tracewire-logs", Box::new(end)));
        }
        let done = on_threads_of_their_own(deadline, work);
        self.report((!done).then_some(limit))
    }

    pub(crate) fn flush(&self) -> ShutdownReport {
        let limit = self.shutdown_timeout;
        let deadline = after(limit);
        let flushes = self.flushes.get_or_init(|| self.flushes());
        let begun: Vec<_> = flushes.iter().map(|flush| flush.begin(deadline).number).collect();
        let done = flushes.iter().zip(begun).all(|(flush, number)| flush.wait(number, deadline));
        self.report((!done).then_some(limit))
    }

    /// What flushes each signal. A flush that hangs keeps one thread, however many come after it.
    fn flushes(&self) -> Vec<Courier<Instant>> {
        let mut flushes = Vec::new();
        if let Some(traces) = self.providers.tracer.clone() {
            flushes.push(Courier::new("tracewire-traces", move |_| drop(traces.force_flush())));
        }
        if let Some(metrics) = self.providers.meter.clone() {
            let deliveries = self.deliveries.clone();
            flushes.push(Courier::new("tracewire-metrics", move |deadline| {
                drop(metrics.force_flush());
                deliveries.wait(deadline);
            }));
        }
        if let Some(logs) = self.providers.logger.clone() {
            flushes.push(Courier::new("tracewire-logs", move |_| drop(logs.force_flush())));
        }
        flushes
    }

    pub(crate) fn report(&self, deadline: Option<Duration>) -> ShutdownReport {
        self.exports.report_after(deadline)
    }
}

/// Runs all at once, each on a thread that nobody joins: what hangs is left behind. What no thread can
/// be started for runs here.
///
/// Gives whether all were done before the deadline.
fn on_threads_of_their_own(deadline: Instant, work: Vec<Work>) -> bool {
    let (done, all_done) = mpsc::channel();
    let (mut waiting, mut left_over) = (0, Vec::new());
    for (name, work) in work {
        let (work, done) = (Arc::new(work), done.clone());
        let theirs = Arc::clone(&work);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            theirs();
            // Nobody listens any more after the deadline.
            let _ = done.send(());
        });
        match thread {
            Ok(_) => waiting += 1,
            Err(_) => left_over.push(work),
        }
    }
    drop(done);
    // One after the other, each within its own limit, is better than not at all.
    for work in left_over {
        let _ = catch_unwind(AssertUnwindSafe(|| work()));
    }
    (0..waiting).all(|_| {
        let left = deadline.saturating_duration_since(Instant::now());
        // A thread that panicked has dropped its sender, and is as done as it will be.
        !matches!(all_done.recv_timeout(left), Err(mpsc::RecvTimeoutError::Timeout))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a process of its own, where no address space has room for the stack of a thread.
    #[test]
    fn what_no_thread_can_be_started_for_is_ended_all_the_same() {
        const CHILD: &str = "TRACEWIRE_TEST_GUARD";
        if std::env::var_os(CHILD).is_some() {
            let (done, all_done) = mpsc::channel();
            let work = (0..3).map(|_| -> Work {
                let done = done.clone();
                ("test", Box::new(move || done.send(()).unwrap()))
            });
            assert!(on_threads_of_their_own(after(Duration::from_secs(1)), work.collect()));
            drop(done);
            return assert_eq!(all_done.iter().count(), 3);
        }
        let test = "running::tests::what_no_thread_can_be_started_for_is_ended_all_the_same";
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .env(CHILD, "1")
            .env("RUST_MIN_STACK", (1_u64 << 50).to_string())
            .args(["--exact", test, "--test-threads=1"])
            .status();
        assert!(status.unwrap().success());
    }

    #[test]
    fn the_guard_can_be_shared_between_threads() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<crate::Telemetry>();
    }
}
