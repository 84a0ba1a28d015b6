//! Metrics of the process: this one.

#![cfg(all(feature = "process", target_os = "linux"))]

use std::fs::File;
use tracewire_runtime::process;
use tracewire_testing::{Capture, MetricKind, Metrics};

fn observed() -> Capture {
    let capture = Capture::new();
    process::observe(&capture.meter_provider());
    capture
}

fn value(metrics: &Metrics, name: &str) -> f64 {
    metrics.one(name).only().value
}

#[test]
fn names_kinds_units_and_attributes_are_those_of_the_conventions() {
    let metrics = observed().metrics();
    let (counter, amount) = (MetricKind::Counter, MetricKind::UpDownCounter);
    let expected = [
        ("process.context_switches", counter, "{context_switch}", true),
        ("process.cpu.time", counter, "s", false),
        ("process.memory.usage", amount, "By", true),
        ("process.memory.virtual", amount, "By", true),
        ("process.paging.faults", counter, "{fault}", true),
        ("process.thread.count", amount, "{thread}", true),
        ("process.unix.file_descriptor.count", amount, "{file_descriptor}", true),
        ("process.uptime", MetricKind::Gauge, "s", false),
    ];
    let found = metrics.iter().map(|metric| {
        let is_integer = metric.points[0].integer;
        (metric.name.as_str(), metric.kind, metric.unit.as_str(), is_integer)
    });
    assert_eq!(found.collect::<Vec<_>>(), expected);
    assert!(metrics.iter().all(|metric| metric.scope == "tracewire-runtime"));
    for (name, key, kinds) in [
        ("process.cpu.time", "cpu.mode", ["system", "user"]),
        ("process.context_switches", "process.context_switch.type", ["involuntary", "voluntary"]),
        ("process.paging.faults", "system.paging.fault.type", ["major", "minor"]),
    ] {
        let metric = metrics.one(name);
        assert_eq!(metric.points.len(), 2, "{metric}");
        for kind in kinds {
            metric.point([(key, kind)]);
        }
    }
}

#[test]
fn descriptors_and_memory_follow_what_the_process_does() {
    let capture = observed();
    let before = capture.metrics();
    let files: Vec<_> = (0..200).map(|_| File::open("/dev/null").unwrap()).collect();
    let memory = vec![1_u8; 64 << 20];
    // A reading is good for a tenth of a second.
    std::thread::sleep(std::time::Duration::from_millis(150));
    let after = capture.metrics();
    let grown = |name| value(&after, name) - value(&before, name);
    // Other tests open and close files meanwhile.
    assert!((150.0..250.0).contains(&grown("process.unix.file_descriptor.count")), "{after}");
    assert!(grown("process.memory.usage") > 32.0 * 1024.0 * 1024.0, "{before}\n{after}");
    assert!(grown("process.uptime") >= 0.15, "{before}\n{after}");
    drop((files, memory));
}

#[test]
fn a_process_is_as_old_as_its_test() {
    let metrics = observed().metrics();
    assert!((0.0..3600.0).contains(&value(&metrics, "process.uptime")), "{metrics}");
    assert!(value(&metrics, "process.thread.count") >= 1.0);
    assert!(value(&metrics, "process.memory.virtual") >= value(&metrics, "process.memory.usage"));
}
