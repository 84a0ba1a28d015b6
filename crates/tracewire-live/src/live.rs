//! Settings of the page.

use crate::store::{DEFAULT, LEAST, Memory, Options};

/// Configures the store behind the page.
///
/// ```
/// let recorder = tracewire_live::Live::new().memory_mib(32).build();
/// assert_eq!(recorder.memory().total, 32 * 1024 * 1024);
/// ```
#[derive(Clone, Debug)]
pub struct Live {
    pub(crate) options: Options,
    pub(crate) service: String,
    pub(crate) version: String,
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Live {
    /// Keeps 16 MiB of traces: errors, the slowest of each route, and the latest.
    pub fn new() -> Self {
        Self { options: Options::default(), service: String::new(), version: String::new() }
    }

    /// Sets the memory that the page may take, 16 MiB by default and at least 4.
    pub fn memory_mib(mut self, mib: usize) -> Self {
        let bytes = mib.checked_mul(1024 * 1024).unwrap_or(DEFAULT);
        self.options.memory = Memory::new(bytes.max(LEAST));
        self
    }

    /// Sets how many ordinary traces are kept a second, and at once: 50 and 200 by default.
    ///
    /// Errors, and traces slower than those kept of their route, are kept in any case. A rate of 0
    /// keeps everything until memory runs out, which suits spans that are encoded already.
    pub fn rate(mut self, per_second: u32, burst: u32) -> Self {
        self.options.rate = per_second;
        self.options.burst = burst.max(1);
        self
    }

    /// Sets the longest attribute value in KiB, 8 by default. Longer ones are cut, which the page
    /// says; what is exported stays whole.
    pub fn value_kib(mut self, kib: usize) -> Self {
        self.options.value = kib.clamp(1, 1024) * 1024;
        self
    }

    /// Sets the name and version in the page's head.
    pub fn service(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.service = name.into();
        self.version = version.into();
        self
    }
}
