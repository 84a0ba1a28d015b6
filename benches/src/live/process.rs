//! A process that makes traces, as the one who started it sees it.

use super::Page;
use std::{
    fs,
    process::{Child, Command, Stdio},
};

/// A process that makes traces until it is done, or dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts `program` with a page and without exporters.
    ///
    /// # Panics
    ///
    /// If it cannot be started.
    #[must_use]
    pub fn start(program: &str, words: &[&str], page: Page) -> Self {
        let mut command = Command::new(program);
        command.args(words).env_clear().envs([
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_SERVICE_NAME", "load"),
            ("TRACEWIRE_LIVE", &page.variable()),
        ]);
        Self(command.stderr(Stdio::null()).spawn().expect("the program was built"))
    }

    /// The memory it has, and the most it ever had.
    #[must_use]
    pub fn rss_kib(&self) -> Option<(u64, u64)> {
        rss_kib(self.0.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The memory that a process has, and the most it ever had, where the system says so.
#[must_use]
pub fn rss_kib(id: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let number = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    };
    Some((number("VmRSS:")?, number("VmHWM:")?))
}
