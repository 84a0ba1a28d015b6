//! Metrics of tokio's runtimes.

#![cfg(feature = "tokio")]

use std::sync::mpsc;
use tokio::runtime::{Builder, Runtime};
use tracewire_runtime::Runtimes;
use tracewire_testing::{Capture, MetricKind, Metrics};

fn observed() -> (Capture, Runtimes) {
    let capture = Capture::new();
    let runtimes = Runtimes::new(&capture.meter_provider());
    (capture, runtimes)
}

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(count).build().unwrap()
}

fn value(metrics: &Metrics, name: &str, runtime: &str) -> f64 {
    metrics.one(name).point([("tokio.runtime.name", runtime.to_owned())]).value
}

#[test]
fn workers_and_tasks_of_a_runtime_are_observed() {
    let (capture, runtimes) = observed();
    let runtime = workers(2);
    runtimes.observe("main", runtime.handle());
    let tasks: Vec<_> = (0..3).map(|_| runtime.spawn(std::future::pending::<()>())).collect();
    let metrics = capture.metrics();
    assert_eq!(value(&metrics, "tokio.workers", "main"), 2.0);
    assert_eq!(value(&metrics, "tokio.alive_tasks", "main"), 3.0);
    for (name, kind, unit) in [
        ("tokio.alive_tasks", MetricKind::UpDownCounter, "{task}"),
        ("tokio.global_queue_depth", MetricKind::UpDownCounter, "{task}"),
        ("tokio.worker.busy_time", MetricKind::Counter, "s"),
        ("tokio.worker.park_count", MetricKind::Counter, "{park}"),
        ("tokio.workers", MetricKind::UpDownCounter, "{worker}"),
    ] {
        let metric = metrics.one(name);
        assert_eq!((metric.kind, metric.unit.as_str()), (kind, unit), "{name}");
        assert_eq!(metric.scope, "tracewire-runtime");
    }
    if !cfg!(tokio_unstable) {
        assert_eq!(metrics.len(), 5, "{metrics}");
    }
    drop(tasks);
}

#[cfg(tokio_unstable)]
#[test]
fn unstable_metrics_are_there_where_tokio_has_them() {
    let (capture, runtimes) = observed();
    let runtime = workers(1);
    runtimes.observe("main", runtime.handle());
    runtime.block_on(async { tokio::spawn(async {}).await.unwrap() });
    runtime.block_on(async { tokio::task::spawn_blocking(|| ()).await.unwrap() });
    let metrics = capture.metrics();
    // The future of `spawn_blocking` is a task too.
    assert!(value(&metrics, "tokio.spawned_tasks", "main") >= 1.0, "{metrics}");
    assert!(value(&metrics, "tokio.blocking_threads", "main") >= 1.0, "{metrics}");
    assert!(value(&metrics, "tokio.worker.poll_count", "main") >= 1.0, "{metrics}");
    assert_eq!(metrics.len(), 14, "{metrics}");
}

#[test]
fn a_runtime_that_ends_is_forgotten_and_its_counters_stay() {
    let (capture, runtimes) = observed();
    let parks = |metrics: &Metrics| value(metrics, "tokio.worker.park_count", "jobs");
    let runtime = workers(1);
    runtimes.observe("jobs", runtime.handle());
    // The worker has parked at least once by the time it takes a second task.
    for _ in 0..20 {
        let (tell, told) = mpsc::channel();
        runtime.spawn(async move { tell.send(()).unwrap() });
        told.recv().unwrap();
    }
    let before = parks(&capture.metrics());
    drop(runtime);
    let after = capture.metrics();
    assert_eq!(value(&after, "tokio.workers", "jobs"), 0.0);
    assert_eq!(value(&after, "tokio.alive_tasks", "jobs"), 0.0);
    assert!(parks(&after) >= before, "{after}");
    assert_eq!(format!("{runtimes:?}"), "Runtimes { running: 0 }");
}

#[test]
fn many_runtimes_of_one_name_are_one_series() {
    let (capture, runtimes) = observed();
    let kept = Builder::new_current_thread().build().unwrap();
    runtimes.observe("task", kept.handle());
    for _ in 0..200 {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtimes.observe("task", runtime.handle());
        // One that is never driven ends as well.
    }
    let metrics = capture.metrics();
    assert_eq!(metrics.one("tokio.workers").points.len(), 1);
    assert_eq!(value(&metrics, "tokio.workers", "task"), 1.0);
    assert_eq!(format!("{runtimes:?}"), "Runtimes { running: 1 }");
}

#[test]
fn a_runtime_that_has_shut_down_is_not_observed() {
    let (capture, runtimes) = observed();
    let runtime = workers(1);
    let handle = runtime.handle().clone();
    drop(runtime);
    runtimes.observe("gone", &handle);
    assert_eq!(value(&capture.metrics(), "tokio.workers", "gone"), 0.0);
}

#[test]
fn names_are_bounded() {
    let (capture, runtimes) = observed();
    let runtime = Builder::new_current_thread().build().unwrap();
    for number in 0..100 {
        runtimes.observe(&format!("runtime {number}"), runtime.handle());
    }
    let metrics = capture.metrics();
    assert_eq!(metrics.one("tokio.workers").points.len(), 65);
    assert_eq!(value(&metrics, "tokio.workers", "_OTHER"), 36.0);
}

#[test]
fn telemetry_may_end_before_a_runtime() {
    let (capture, runtimes) = observed();
    let runtime = workers(1);
    runtimes.observe("main", runtime.handle());
    capture.meter_provider().shutdown().unwrap();
    drop((capture, runtimes));
    drop(runtime);
}
