//! The instruments: names, units and attributes as the conventions have them.

use super::{Process, Usage};
use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, Meter},
};
use std::sync::Arc;

/// Creates an instrument for everything that the system tells now.
pub(super) fn register(meter: &Meter, process: &Arc<Process>) {
    let now = process.usage();
    if now.cpu.is_some() {
        meter
            .f64_observable_counter("process.cpu.time")
            .with_unit("s")
            .with_description("Total CPU seconds broken down by different CPU modes.")
            .with_callback(both(process, "cpu.mode", ["user", "system"], |usage| usage.cpu))
            .build();
    }
    if now.uptime.is_some() {
        meter
            .f64_observable_gauge("process.uptime")
            .with_unit("s")
            .with_description("The time the process has been running.")
            .with_callback(one(process, |usage| usage.uptime))
            .build();
    }
    counters(meter, process, &now);
    amounts(meter, process, &now);
}

fn counters(meter: &Meter, process: &Arc<Process>, now: &Usage) {
    if now.context_switches.is_some() {
        let (key, kinds) = ("process.context_switch.type", ["voluntary", "involuntary"]);
        meter
            .u64_observable_counter("process.context_switches")
            .with_unit("{context_switch}")
            .with_description("Number of times the process has been context switched.")
            .with_callback(both(process, key, kinds, |usage| usage.context_switches))
            .build();
    }
    if now.faults.is_some() {
        let (key, kinds) = ("system.paging.fault.type", ["major", "minor"]);
        meter
            .u64_observable_counter("process.paging.faults")
            .with_unit("{fault}")
            .with_description("Number of page faults the process has made.")
            .with_callback(both(process, key, kinds, |usage| usage.faults))
            .build();
    }
}

fn amounts(meter: &Meter, process: &Arc<Process>, now: &Usage) {
    type Read = fn(&Usage) -> Option<u64>;
    let amounts: [(_, _, _, Read); 4] = [
        ("process.memory.usage", "By", "The amount of physical memory in use.", |usage| {
            usage.memory.map(|[physical, _]| physical)
        }),
        ("process.memory.virtual", "By", "The amount of committed virtual memory.", |usage| {
            usage.memory.map(|[_, virtual_]| virtual_)
        }),
        ("process.thread.count", "{thread}", "Process threads count.", |usage| usage.threads),
        (
            "process.unix.file_descriptor.count",
            "{file_descriptor}",
            "Number of UNIX file descriptors in use by the process.",
            |usage| usage.file_descriptors,
        ),
    ];
    for (name, unit, description, read) in amounts {
        if read(now).is_some() {
            let signed = move |usage: &Usage| read(usage).and_then(|value| value.try_into().ok());
            meter
                .i64_observable_up_down_counter(name)
                .with_unit(unit)
                .with_description(description)
                .with_callback(one(process, signed))
                .build();
        }
    }
}

/// Observes one value.
fn one<T>(
    process: &Arc<Process>,
    read: impl Fn(&Usage) -> Option<T> + Send + Sync + 'static,
) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static {
    let process = Arc::clone(process);
    move |observer| {
        if let Some(value) = read(&process.usage()) {
            observer.observe(value, &[]);
        }
    }
}

/// Observes two values that an attribute tells apart.
fn both<T>(
    process: &Arc<Process>,
    key: &'static str,
    kinds: [&'static str; 2],
    read: fn(&Usage) -> Option<[T; 2]>,
) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static
where
    T: 'static,
{
    let process = Arc::clone(process);
    move |observer| {
        for (value, kind) in read(&process.usage()).into_iter().flatten().zip(kinds) {
            observer.observe(value, &[KeyValue::new(key, kind)]);
        }
    }
}
