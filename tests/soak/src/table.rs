//! What is printed.

use crate::{
    checks::{Check, Run},
    collector::Fault,
    sample::Sample,
};

pub(crate) fn print_head() {
    println!(
        "{:>7} {:>9} {:>9} {:>8} {:>9} {:>7} {:>7} {:>6} {:>6} {:>9} {:>7} {:>5} {:>5}",
        "second",
        "collector",
        "requests",
        "calls",
        "exported",
        "failed",
        "dropped",
        "queued",
        "open",
        "RSS KiB",
        "threads",
        "files",
        "tasks"
    );
}

pub(crate) fn print(sample: &Sample, fault: Fault) {
    let Sample { at, told, process, .. } = sample;
    println!(
        "{:>7} {:>9} {:>9} {:>8} {:>9} {:>7} {:>7} {:>6} {:>6} {:>9} {:>7} {:>5} {:>5}",
        at.as_secs(),
        fault.name(),
        told.reached,
        told.called,
        told.exported,
        told.failed,
        told.dropped,
        told.unknown,
        told.made().saturating_sub(told.accounted()),
        process.resident_kib,
        process.threads,
        process.descriptors,
        told.tasks
    );
}

pub(crate) fn print_traffic(run: &Run) {
    println!("\n{:<10} {:<9} {:>11} {:>10}", "callers", "version", "as expected", "unexpected");
    for ((kind, version), came) in &run.came {
        println!("{kind:<10} {version:<9} {:>11} {:>10}", came.expected, came.unexpected);
        if let Some(first) = &came.first {
            println!("           first: {first}");
        }
    }
}

/// Gives whether all hold.
pub(crate) fn print_checks(checks: &[Check]) -> bool {
    println!();
    for Check { what, holds, figures } in checks {
        println!("{} {what}: {figures}", if *holds { "ok    " } else { "FAILED" });
    }
    checks.iter().all(|check| check.holds)
}
