//! The ways an exchange can end.

use crate::ErrorType;

/// How an exchange ended.
///
/// What it means for the span's status and for `error.type` depends on the side: see
/// [`Exchange::end`](crate::Exchange::end).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The response was sent or received to its end, whatever its status code.
    Complete,
    /// Whoever waited for the response went away first.
    Cancelled,
    /// Something failed before the response was complete.
    Failed(ErrorType),
}
