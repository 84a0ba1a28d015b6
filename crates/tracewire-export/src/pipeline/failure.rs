//! Why something was not exported: in words for people, and as one of few words for metrics.

use crate::diagnostics::unreachable;
use std::{
    borrow::Cow,
    error::Error,
    io::{self, ErrorKind},
};

/// Why a batch could not be delivered, whole or in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// How many items of the batch failed; `None` means all.
    pub(crate) items: Option<u64>,
    pub(crate) kind: ErrorType,
    pub(crate) reason: String,
}

impl Failure {
    /// All of the batch failed, for a reason that metrics have no word for.
    pub(crate) fn all(reason: impl Into<String>) -> Self {
        Self::of(ErrorType::Other, reason)
    }

    /// All of the batch failed.
    pub(crate) fn of(kind: ErrorType, reason: impl Into<String>) -> Self {
        Self { items: None, kind, reason: reason.into() }
    }
}

/// `error.type` in metrics of telemetry itself: a closed list, so that their series are bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ErrorType {
    AlreadyShutdown,
    /// An earlier export is still under way.
    Busy,
    Connect,
    Dns,
    /// The name of a status.
    #[cfg(feature = "otlp-grpc")]
    Grpc(&'static str),
    Http(u16),
    Other,
    Panic,
    QueueFull,
    Rejected,
    Timeout,
    Tls,
}

impl ErrorType {
    pub(crate) fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::AlreadyShutdown => "already_shutdown",
            Self::Busy => "busy",
            Self::Connect => "connect",
            Self::Dns => "dns",
            #[cfg(feature = "otlp-grpc")]
            Self::Grpc(name) => name,
            Self::Http(status) => return Cow::Owned(status.to_string()),
            Self::Other => "_OTHER",
            Self::Panic => "panic",
            Self::QueueFull => "queue_full",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
        })
    }

    /// What kind of error this innermost cause is.
    pub(crate) fn of_cause(cause: &(dyn Error + 'static)) -> Self {
        if is_tls(cause) {
            return Self::Tls;
        }
        cause.downcast_ref().map_or(Self::Other, Self::of_io)
    }

    pub(crate) fn of_io(error: &io::Error) -> Self {
        let inner = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
        if error.kind() == ErrorKind::TimedOut {
            Self::Timeout
        } else if unreachable::is_unknown_host(error) {
            Self::Dns
        } else if unreachable::is_unreached(error) {
            Self::Connect
        } else if inner.is_some_and(is_tls) {
            Self::Tls
        } else {
            Self::Other
        }
    }
}

#[cfg(feature = "__rustls")]
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    error.is::<rustls::Error>()
}

#[cfg(not(feature = "__rustls"))]
fn is_tls(_: &(dyn Error + 'static)) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_errors_have_names() {
        for (error, expected) in [
            (io::Error::from(ErrorKind::TimedOut), "timeout"),
            (io::Error::from(ErrorKind::ConnectionRefused), "connect"),
            (io::Error::from(ErrorKind::NetworkUnreachable), "connect"),
            (io::Error::from(ErrorKind::BrokenPipe), "_OTHER"),
            (io::Error::other("failed to lookup address information: no such host"), "dns"),
            #[cfg(feature = "__rustls")]
            (io::Error::new(ErrorKind::InvalidData, rustls::Error::DecryptError), "tls"),
        ] {
            assert_eq!(ErrorType::of_io(&error).name(), expected, "{error}");
            assert_eq!(ErrorType::of_cause(&error).name(), expected, "{error}");
        }
        assert_eq!(ErrorType::Http(503).name(), "503");
    }
}
