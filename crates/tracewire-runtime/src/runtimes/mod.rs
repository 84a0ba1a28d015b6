//! Metrics of tokio's runtimes.

mod instruments;
mod readings;

use self::readings::{Readings, Totals};
use opentelemetry::metrics::MeterProvider;
use std::{
    collections::BTreeMap,
    fmt,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::runtime::{Handle, RuntimeMetrics};

/// How many names have series of their own; later ones are added up under this one.
const NAMES: usize = 64;
const OTHER: &str = "_OTHER";

/// The runtimes of tokio that are observed through one meter provider.
///
/// The semantic conventions have no names for tokio, so these are our own and may change when they do:
///
/// | metric | kind | unit | what |
/// |---|---|---|---|
/// | `tokio.workers` | up-down counter | `{worker}` | worker threads |
/// | `tokio.alive_tasks` | up-down counter | `{task}` | tasks that were spawned and have not ended |
/// | `tokio.global_queue_depth` | up-down counter | `{task}` | tasks that wait for any worker |
/// | `tokio.worker.busy_time` | counter | `s` | time that workers spent on tasks and drivers, added up |
/// | `tokio.worker.park_count` | counter | `{park}` | how often workers had nothing to do |
///
/// A build with `RUSTFLAGS="--cfg tokio_unstable"` adds what tokio offers there:
///
/// | metric | kind | unit | what |
/// |---|---|---|---|
/// | `tokio.blocking_threads` | up-down counter | `{thread}` | threads for blocking work |
/// | `tokio.idle_blocking_threads` | up-down counter | `{thread}` | those of them without work |
/// | `tokio.blocking_queue_depth` | up-down counter | `{task}` | blocking work that waits for a thread |
/// | `tokio.worker.local_queue_depth` | up-down counter | `{task}` | tasks that wait for one worker |
/// | `tokio.spawned_tasks` | counter | `{task}` | tasks that were ever spawned |
/// | `tokio.budget_forced_yields` | counter | `{yield}` | tasks that used up their budget |
/// | `tokio.worker.poll_count` | counter | `{poll}` | polls of tasks |
/// | `tokio.worker.steal_count` | counter | `{task}` | tasks taken from another worker |
/// | `tokio.worker.overflow_count` | counter | `{overflow}` | local queues that were full |
///
/// Each has the attribute `tokio.runtime.name`. Runtimes of one name are added up, and counters keep what
/// ended runtimes have counted. The first 64 names have series of their own, later ones share `_OTHER`.
///
/// `tokio.worker.*` counters need 64-bit atomics, as tokio does.
///
/// It is a handle, so clones are the same.
#[derive(Clone)]
pub struct Runtimes(Arc<Shared>);

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    running: Vec<Runtime>,
    /// What ended runtimes have counted, by name.
    ended: BTreeMap<Arc<str>, Totals>,
    next: u64,
}

#[derive(Clone)]
struct Runtime {
    number: u64,
    name: Arc<str>,
    metrics: RuntimeMetrics,
}

impl Runtimes {
    /// Creates the instruments, through `provider`, for runtimes to come.
    ///
    /// OpenTelemetry cannot take this back, so create one for each provider.
    pub fn new(provider: &dyn MeterProvider) -> Self {
        let shared = Arc::default();
        instruments::register(&crate::meter(provider), &shared);
        Self(shared)
    }

    /// Observes a runtime under this name until it shuts down.
    ///
    /// A task that does nothing is spawned in it, to notice its end; the metrics do not count it. Observe each
    /// runtime once, or it is added up twice.
    ///
    /// ```
    /// use opentelemetry::global;
    /// use tracewire_runtime::Runtimes;
    ///
    /// let runtimes = Runtimes::new(&*global::meter_provider());
    /// let workers = tokio::runtime::Runtime::new().unwrap();
    /// runtimes.observe("workers", workers.handle());
    /// ```
    pub fn observe(&self, name: &str, runtime: &Handle) {
        let number = self.0.lock().add(name, runtime.metrics());
        let end = End { runtimes: Arc::downgrade(&self.0), number };
        // Dropped when the runtime shuts down, and at once if it has already.
        drop(runtime.spawn(async move {
            let _end = end;
            pending::<()>().await;
        }));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the runtimes of each name say now, those that have ended included.
    fn read(&self) -> BTreeMap<Arc<str>, Readings> {
        // Copied, so that tokio is asked without the lock.
        let (running, ended) = {
            let state = self.lock();
            (state.running.clone(), state.ended.clone())
        };
        let mut readings: BTreeMap<_, Readings> = BTreeMap::new();
        for (name, totals) in ended {
            readings.entry(name).or_default().totals.add(&totals);
        }
        for Runtime { name, metrics, .. } in running {
            readings.entry(name).or_default().add(&metrics);
        }
        readings
    }
}

impl State {
    fn add(&mut self, name: &str, metrics: RuntimeMetrics) -> u64 {
        let name = self.name(name);
        self.next += 1;
        self.running.push(Runtime { number: self.next, name, metrics });
        self.next
    }

    /// The name that a runtime is exported by.
    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some((known, _)) = self.ended.get_key_value(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = if self.ended.len() < NAMES { name } else { OTHER }.into();
        self.ended.entry(Arc::clone(&name)).or_default();
        name
    }
}

/// Dropped with a task of the runtime, as the runtime shuts down.
struct End {
    runtimes: Weak<Shared>,
    number: u64,
}

impl Drop for End {
    fn drop(&mut self) {
        let Some(shared) = self.runtimes.upgrade() else { return };
        let mut state = shared.lock();
        let Some(at) = state.running.iter().position(|runtime| runtime.number == self.number)
        else {
            return;
        };
        let ended = state.running.swap_remove(at);
        let totals = Totals::read(&ended.metrics);
        if let Some(all) = state.ended.get_mut(&ended.name) {
            all.add(&totals);
        }
        // What may be the last handle of the runtime is dropped without the lock.
        drop(state);
        drop(ended);
    }
}

impl fmt::Debug for Runtimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtimes").field("running", &self.0.lock().running.len()).finish()
    }
}
