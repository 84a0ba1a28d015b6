//! Settings for Uptrace.

use crate::settings::{Setting, in_code, settings};

settings! {
    /// Sends telemetry to Uptrace, for [`Builder::uptrace`](crate::Builder::uptrace).
    ///
    /// It needs the cargo feature `uptrace`, and is an error of [`init`](crate::Builder::init) without. It wins
    /// over `UPTRACE_DSN`, and yields to `OTEL_*` variables and to other settings in code.
    ///
    /// ```
    /// use tracewire_init::{Telemetry, Uptrace};
    ///
    /// let builder =
    ///     Telemetry::builder().uptrace(Uptrace::new().dsn("https://token@api.uptrace.dev?grpc=4317"));
    /// ```
    #[derive(Clone)]
    pub struct Uptrace {
        dsn: Setting<String>,
    }
}

impl Uptrace {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the DSN (`UPTRACE_DSN`), which is address and credential in one and never shown.
    pub fn dsn(mut self, dsn: impl Into<String>) -> Self {
        self.dsn = in_code(dsn.into());
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.dsn.is_none()
    }
}
