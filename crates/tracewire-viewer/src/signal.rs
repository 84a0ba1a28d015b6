//! What is received, and what becomes of it.

use tracewire_live::TraceId;

/// What an export carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }
}

/// What became of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) accepted: u64,
    pub(crate) rejected: u64,
    /// Why, if some were rejected.
    pub(crate) reason: &'static str,
    /// The trace of the first span.
    pub(crate) first_trace: Option<TraceId>,
}

impl Taken {
    /// Nothing of a signal so far.
    pub(crate) fn of(signal: Signal) -> Self {
        let reason = match signal {
            Signal::Traces => "spans that cannot be read, have no ids, or are larger than 2 MiB",
            Signal::Logs => "log records that cannot be read, or are larger than 2 MiB",
            Signal::Metrics => "metrics that cannot be read, or are larger than 2 MiB",
        };
        Self { reason, ..Self::default() }
    }
}
