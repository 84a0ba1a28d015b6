//! What systems without `/proc` tell of a process.

use super::Usage;
use std::{
    process,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Reads memory and age.
pub(super) fn read() -> Usage {
    let id = Pid::from_u32(process::id());
    let mut system = System::new();
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[id]),
        false,
        ProcessRefreshKind::nothing().with_memory(),
    );
    let Some(process) = system.process(id) else { return Usage::default() };
    let started = UNIX_EPOCH + Duration::from_secs(process.start_time());
    Usage {
        memory: Some([process.memory(), process.virtual_memory()]),
        uptime: SystemTime::now().duration_since(started).ok().map(|age| age.as_secs_f64()),
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_age_of_this_process_are_found() {
        let usage = read();
        let [physical, virtual_] = usage.memory.unwrap();
        assert!(physical > 0 && virtual_ >= physical, "{usage:?}");
        assert!(usage.uptime.is_some_and(|age| (0.0..3600.0).contains(&age)), "{usage:?}");
    }
}
