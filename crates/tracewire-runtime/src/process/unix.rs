//! What every Unix tells of a process.

use super::Usage;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::{TimeVal, TimeValLike},
};

/// Adds CPU time, context switches and page faults of all threads, those that have ended included.
///
/// Not from `/proc/self/status`, whose context switches are those of one thread.
pub(super) fn complete(usage: Usage) -> Usage {
    let Ok(used) = getrusage(UsageWho::RUSAGE_SELF) else { return usage };
    let counts = |one, other| Some([u64::try_from(one).ok()?, u64::try_from(other).ok()?]);
    Usage {
        cpu: Some([seconds(used.user_time()), seconds(used.system_time())]),
        context_switches: counts(
            used.voluntary_context_switches(),
            used.involuntary_context_switches(),
        ),
        faults: counts(used.major_page_faults(), used.minor_page_faults()),
        file_descriptors: usage.file_descriptors.or_else(file_descriptors),
        ..usage
    }
}

fn seconds(time: TimeVal) -> f64 {
    time.num_microseconds() as f64 / 1e6
}

/// Counts the open descriptors, without the one that it takes to count them.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(super) fn file_descriptors() -> Option<u64> {
    let entries = std::fs::read_dir("/dev/fd").ok()?;
    Some((entries.count() as u64).saturating_sub(1))
}

/// `/dev/fd` is not there, or shows the first three alone.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn file_descriptors() -> Option<u64> {
    None
}
