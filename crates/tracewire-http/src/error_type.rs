//! The closed list of `error.type` values.

use crate::causes;
use opentelemetry::StringValue;
use std::{error::Error, io};

/// Why an exchange failed without a status code that says so.
///
/// Together with status codes these are all values that `error.type` takes: a list short enough for
/// a metric attribute, and one that no remote party can add to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorType {
    /// `body`: a body could not be sent or read to its end.
    Body,
    /// `cancelled`: the caller went away before the exchange was over (servers only).
    Cancelled,
    /// `connect`: no connection could be made.
    Connect,
    /// `decode`: a response could not be decoded.
    Decode,
    /// `dns`: the host's name could not be resolved.
    Dns,
    /// `middleware`: a middleware inside ours failed.
    Middleware,
    /// `panic`: the code that answers the request panicked.
    Panic,
    /// `redirect`: too many redirects, or a redirect that may not be followed.
    Redirect,
    /// `request`: the request could not be built or sent.
    Request,
    /// `service`: the inner service returned an error.
    Service,
    /// `timeout`: a time limit passed.
    Timeout,
    /// `tls`: the TLS handshake failed.
    Tls,
    /// `_OTHER`: none of these.
    Other,
    /// A name of your own; keep their number small.
    Named(&'static str),
}

impl ErrorType {
    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Cancelled => "cancelled",
            Self::Connect => "connect",
            Self::Decode => "decode",
            Self::Dns => "dns",
            Self::Middleware => "middleware",
            Self::Panic => "panic",
            Self::Redirect => "redirect",
            Self::Request => "request",
            Self::Service => "service",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Other => "_OTHER",
            Self::Named(name) => name,
        }
    }

    /// What an I/O error among `error` and its sources says, if one says anything.
    ///
    /// The chain is walked because wrappers hide the cause: a retry's error is not a timeout
    /// itself, its source is.
    ///
    /// ```
    /// use std::io;
    /// use tracewire_http::ErrorType;
    ///
    /// let error = io::Error::new(io::ErrorKind::TimedOut, "too late");
    /// assert_eq!(ErrorType::from_io(&error), Some(ErrorType::Timeout));
    /// ```
    pub fn from_io(error: &(dyn Error + 'static)) -> Option<Self> {
        causes(error).find_map(|cause| match cause.downcast_ref::<io::Error>()?.kind() {
            io::ErrorKind::TimedOut => Some(Self::Timeout),
            io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable => Some(Self::Connect),
            _ => None,
        })
    }
}

impl From<ErrorType> for StringValue {
    fn from(error: ErrorType) -> Self {
        error.as_str().into()
    }
}
