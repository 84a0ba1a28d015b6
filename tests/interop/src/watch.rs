//! Leaves no process behind: ends all that was started when we are told to end, or take too long.

use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// The process groups that run now. A group, because tools start programs of their own.
static GROUPS: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
static RUNNING: Mutex<&str> = Mutex::new("");

pub(crate) fn started(group: Pid) {
    groups().insert(group.as_raw_nonzero().get());
}

pub(crate) fn ended(group: Pid) {
    groups().remove(&group.as_raw_nonzero().get());
}

/// Names the system that runs, for the message when it takes too long.
pub(crate) fn running(system: &'static str) {
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = system;
}

/// Ends every process and then us: on Ctrl-C, SIGTERM, or when the time is up.
pub(crate) fn end_with_us(limit: Duration) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let code = runtime.block_on(async {
            let mut terminate =
                tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
                    .expect("SIGTERM can be listened to");
            tokio::select! {
                _ = tokio::signal::ctrl_c() => 130,
                _ = terminate.recv() => 143,
                () = tokio::time::sleep(limit) => {
                    let running = *RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
                    eprintln!("stopped after {limit:?}, while {running} was running");
                    1
                }
            }
        });
        for &group in groups().iter() {
            if let Some(group) = Pid::from_raw(group) {
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
        std::process::exit(code);
    });
}

fn groups() -> std::sync::MutexGuard<'static, BTreeSet<i32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}
