//! The ways an exchange can end, and what they mean.

mod error_type;

pub use self::error_type::ErrorType;

use http::StatusCode;

/// How an exchange ended.
///
/// What it means for the span's status and for `error.type` depends on the side: see
/// [`Exchange::end`](crate::wiring::Exchange::end).
///
/// ```
/// use tracewire_http::{ErrorType, Outcome};
///
/// fn outcome<T>(sent: &std::io::Result<T>) -> Outcome {
///     match sent {
///         Ok(_) => Outcome::Complete,
///         Err(error) => Outcome::Failed(ErrorType::from_io(error).unwrap_or(ErrorType::Body)),
///     }
/// }
/// ```
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
///
/// ```
/// use tracewire_http::{Ending, Verdict, wiring::ServerSettings};
///
/// // Every server layer has this option: a full queue is no error of this service.
/// let settings = ServerSettings::new("my-server", "1.0.0").classify(|ending: &Ending<'_>| {
///     if ending.status.is_some_and(|status| status == 503) { Verdict::Unset } else { ending.verdict }
/// });
/// ```
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
///
/// ```
/// use http::StatusCode;
/// use tracewire_http::{Ending, Verdict};
///
/// /// For the option `classify`: 404 counts as an error, beside what the conventions say.
/// fn classify(ending: &Ending<'_>) -> Verdict {
///     match ending.status {
///         Some(StatusCode::NOT_FOUND) => Verdict::Status(StatusCode::NOT_FOUND),
///         _ => ending.verdict,
///     }
/// }
/// ```
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
