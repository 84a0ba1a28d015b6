//! What runtimes say at one moment, added up.

use tokio::runtime::RuntimeMetrics;

/// What runtimes of one name say.
#[derive(Clone, Debug, Default)]
pub(super) struct Readings {
    pub(super) workers: u64,
    pub(super) alive_tasks: u64,
    pub(super) global_queue_depth: u64,
    #[cfg(tokio_unstable)]
    pub(super) blocking_threads: u64,
    #[cfg(tokio_unstable)]
    pub(super) idle_blocking_threads: u64,
    #[cfg(tokio_unstable)]
    pub(super) blocking_queue_depth: u64,
    #[cfg(tokio_unstable)]
    pub(super) local_queue_depth: u64,
    pub(super) totals: Totals,
}

/// What only grows, and stays when a runtime ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    /// In seconds.
    pub(super) busy_time: f64,
    pub(super) park_count: u64,
    #[cfg(tokio_unstable)]
    pub(super) spawned_tasks: u64,
    #[cfg(tokio_unstable)]
    pub(super) budget_forced_yields: u64,
    #[cfg(tokio_unstable)]
    pub(super) poll_count: u64,
    #[cfg(tokio_unstable)]
    pub(super) steal_count: u64,
    #[cfg(tokio_unstable)]
    pub(super) overflow_count: u64,
}

impl Readings {
    pub(super) fn add(&mut self, metrics: &RuntimeMetrics) {
        self.workers += metrics.num_workers() as u64;
        // Without the one that waits for the runtime's end.
        self.alive_tasks += metrics.num_alive_tasks().saturating_sub(1) as u64;
        self.global_queue_depth += metrics.global_queue_depth() as u64;
        #[cfg(tokio_unstable)]
        self.add_unstable(metrics);
        self.totals.add(&Totals::read(metrics));
    }

    #[cfg(tokio_unstable)]
    fn add_unstable(&mut self, metrics: &RuntimeMetrics) {
        self.blocking_threads += metrics.num_blocking_threads() as u64;
        self.idle_blocking_threads += metrics.num_idle_blocking_threads() as u64;
        self.blocking_queue_depth += metrics.blocking_queue_depth() as u64;
        self.local_queue_depth += (0..metrics.num_workers())
            .map(|worker| metrics.worker_local_queue_depth(worker) as u64)
            .sum::<u64>();
    }
}

impl Totals {
    pub(super) fn read(metrics: &RuntimeMetrics) -> Self {
        let mut totals = Self::default();
        #[cfg(target_has_atomic = "64")]
        for worker in 0..metrics.num_workers() {
            totals.add_worker(metrics, worker);
        }
        #[cfg(all(target_has_atomic = "64", tokio_unstable))]
        {
            // Without the one that waits for the runtime's end.
            totals.spawned_tasks = metrics.spawned_tasks_count().saturating_sub(1);
            totals.budget_forced_yields = metrics.budget_forced_yield_count();
        }
        #[cfg(not(target_has_atomic = "64"))]
        let _ = metrics;
        totals
    }

    #[cfg(target_has_atomic = "64")]
    fn add_worker(&mut self, metrics: &RuntimeMetrics, worker: usize) {
        self.busy_time += metrics.worker_total_busy_duration(worker).as_secs_f64();
        self.park_count += metrics.worker_park_count(worker);
        #[cfg(tokio_unstable)]
        {
            self.poll_count += metrics.worker_poll_count(worker);
            self.steal_count += metrics.worker_steal_count(worker);
            self.overflow_count += metrics.worker_overflow_count(worker);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.busy_time += other.busy_time;
        self.park_count += other.park_count;
        #[cfg(tokio_unstable)]
        {
            self.spawned_tasks += other.spawned_tasks;
            self.budget_forced_yields += other.budget_forced_yields;
            self.poll_count += other.poll_count;
            self.steal_count += other.steal_count;
            self.overflow_count += other.overflow_count;
        }
    }
}
