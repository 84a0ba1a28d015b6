//! The ways an exchange can end, and what they mean.

mod error_type;

pub use self::error_type::ErrorType;

use http::StatusCode;

/// How an exchange ended.
///
/// What it means for the span's status and for `error.type` depends on the side: see
/// [`Exchange::end`](crate::wiring::Exchange::end).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The response was sent or received to its end, whatever its status code.
    Complete,
    /// The caller that waited for the response went away first.
    Cancelled,
    /// Something failed before the response was complete.
    Failed(ErrorType),
}

/// How an exchange ended, as a [classifier](crate::wiring::ServerSettings::classify) sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ending<'a> {
    /// The status code, if one was sent or received.
    pub status: Option<StatusCode>,
    /// How the exchange ended.
    pub outcome: Outcome,
    /// The route that matched (servers only).
    pub route: Option<&'a str>,
    /// What the conventions make of it.
    pub verdict: Verdict,
}

/// Whether an exchange ended in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No error: the span's status stays unset, `error.type` absent.
    Unset,
    /// The status code is the error: `error.type` is the code.
    Status(StatusCode),
    /// Another error.
    Error(ErrorType),
}

/// A function that may judge an exchange otherwise than the conventions do.
#[doc(hidden)]
pub type Classify = dyn Fn(&Ending<'_>) -> Verdict + Send + Sync;
