//! Metrics of the process, by OpenTelemetry's semantic conventions.
//!
//! | metric | unit | attribute | Linux | macOS | other Unix | Windows |
//! |---|---|---|---|---|---|---|
//! | `process.cpu.time` | `s` | `cpu.mode`: `user`, `system` | yes | yes | yes | |
//! | `process.memory.usage` | `By` | | yes | yes | FreeBSD | yes |
//! | `process.memory.virtual` | `By` | | yes | yes | FreeBSD | yes |
//! | `process.thread.count` | `{thread}` | | yes | | | |
//! | `process.unix.file_descriptor.count` | `{file_descriptor}` | | yes | yes | | |
//! | `process.context_switches` | `{context_switch}` | `process.context_switch.type`: `voluntary`, `involuntary` | yes | yes | yes | |
//! | `process.paging.faults` | `{fault}` | `system.paging.fault.type`: `major`, `minor` | yes | yes | yes | |
//! | `process.uptime` | `s` | | yes | yes | FreeBSD | yes |
//!
//! What the system does not tell, as where `/proc` is not mounted, is not exported. A container's limits
//! change none of the values: they are those of the process. `process.cpu.utilization` is left out, because
//! it is the rate of `process.cpu.time`.
//!
//! ```
//! tracewire_runtime::process::observe(&*opentelemetry::global::meter_provider());
//! ```

mod instruments;
#[cfg(target_os = "linux")]
pub(crate) mod linux;
#[cfg(any(test, target_os = "macos", target_os = "freebsd", windows))]
mod portable;
#[cfg(unix)]
mod unix;

use opentelemetry::metrics::MeterProvider;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a reading is good for: the instruments are asked one after the other.
const FRESH: Duration = Duration::from_millis(100);

/// Exports metrics of this process through `provider`, from now on.
///
/// The process is looked at when metrics are collected. OpenTelemetry cannot take this back, so call it
/// once for each provider.
///
/// ```
/// let meters = opentelemetry::global::meter_provider();
/// tracewire_runtime::process::observe(&*meters);
/// ```
pub fn observe(provider: &dyn MeterProvider) {
    instruments::register(&crate::meter(provider), &Arc::new(Process::default()));
}

/// What a process uses at one moment, as far as the system tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Usage {
    /// Seconds of user and system time.
    cpu: Option<[f64; 2]>,
    /// Bytes of memory: physical and virtual.
    memory: Option<[u64; 2]>,
    threads: Option<u64>,
    file_descriptors: Option<u64>,
    /// Voluntary and involuntary ones.
    context_switches: Option<[u64; 2]>,
    /// Major and minor ones.
    faults: Option<[u64; 2]>,
    /// Seconds since the start.
    uptime: Option<f64>,
}

/// This process, looked at no more than ten times a second.
#[derive(Debug, Default)]
struct Process(Mutex<Option<(Instant, Usage)>>);

impl Process {
    fn usage(&self) -> Usage {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *last {
            Some((at, usage)) if at.elapsed() < FRESH => usage,
            _ => {
                let usage = read();
                *last = Some((Instant::now(), usage));
                usage
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn read() -> Usage {
    unix::complete(linux::read())
}

#[cfg(any(target_os = "macos", target_os = "freebsd"))]
fn read() -> Usage {
    unix::complete(portable::read())
}

#[cfg(windows)]
fn read() -> Usage {
    portable::read()
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))))]
fn read() -> Usage {
    unix::complete(Usage::default())
}

#[cfg(not(any(unix, windows)))]
fn read() -> Usage {
    Usage::default()
}
