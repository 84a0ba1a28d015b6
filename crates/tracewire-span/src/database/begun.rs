//! A call of which a library tells the beginning and the end, one after the other.

use super::{
    error::{ErrorKind, Failure},
    measure::Clock,
};
use crate::run::Lazy;
use std::fmt::{self, Display};

/// A call to a database that has begun, as [`Call::begin`](super::Call::begin) returns it.
///
/// Its span is not current in between. It ends when this is dropped, at the latest.
///
/// ```
/// use tracewire_span::database::Database;
///
/// static DB: Database = Database::new("sqlite");
/// let call = DB.query("DELETE FROM items").begin();
/// // … the library says that it is done …
/// call.end();
/// ```
#[must_use = "the call ends when this is dropped"]
pub struct Begun {
    span: Lazy,
    clock: Clock,
}

impl Begun {
    pub(super) fn new(mut span: Lazy, mut clock: Clock) -> Self {
        span.start();
        if let Some(span) = span.started() {
            span.in_scope(|| clock.begin());
        }
        Self { span, clock }
    }

    /// Ends a call that has succeeded.
    pub fn end(self) {
        drop(self);
    }

    /// Ends a call that has failed, with an error of this kind.
    pub fn fail<E: Display>(mut self, error: &E, kind: ErrorKind) {
        let Self { span, clock } = &mut self;
        let failure = Failure::new(error, kind, clock.exports_messages());
        if let (Some(span), Some(failure)) = (span.started(), failure) {
            span.in_scope(|| clock.fail(failure));
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let Self { span, clock } = self;
        if let Some(span) = span.started() {
            // An exemplar has the ids of the current span.
            span.in_scope(|| clock.end());
        }
        span.end();
    }
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}
