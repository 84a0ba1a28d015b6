//! What the errors of calls become.

use crate::{Span, limit};
use opentelemetry::StringValue;
use std::{borrow::Cow, fmt::Display};
use tracewire_propagation::ExceptionKind;
use tracewire_text::type_path;

/// What an error of a database call means, for [`Call::run_with_kind`](super::Call::run_with_kind).
///
/// ```
/// use tracewire_span::database::{Database, ErrorKind};
///
/// # enum Error { RowNotFound, PoolTimedOut, Database(String), Other }
/// # impl std::fmt::Display for Error {
/// #     fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) }
/// # }
/// # async fn fetch(_: &str) -> Result<u32, Error> { Err(Error::RowNotFound) }
/// fn kind(error: &Error) -> ErrorKind {
///     match error {
///         Error::RowNotFound => ErrorKind::Expected,
///         Error::PoolTimedOut => ErrorKind::Named("timeout"),
///         Error::Database(code) => ErrorKind::Code(code.clone().into()),
///         _ => ErrorKind::Other,
///     }
/// }
///
/// static DB: Database = Database::new("postgresql");
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let sql = "SELECT price FROM items WHERE name = $1";
/// let price = DB.query(sql).run_with_kind(fetch(sql), kind).await;
/// # });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Not a failure, such as an empty result: the span and the metric record nothing.
    Expected,
    /// The database's own code, such as an SQLSTATE: `db.response.status_code` and `error.type`.
    ///
    /// A code has 1 to 64 ASCII letters, digits and `-_.:`. Anything else is treated as
    /// [`Other`](Self::Other), so that no message becomes an attribute of metrics.
    Code(Cow<'static, str>),
    /// A name for errors of this kind, such as `timeout`: `error.type`.
    Named(&'static str),
    /// An error that is known by its type only: `error.type` is the type's name without its path, or
    /// `_OTHER` if that name is just `Error`.
    Other,
}

impl ErrorKind {
    /// Returns [`Code`](Self::Code) for a code, and [`Other`](Self::Other) for none.
    pub fn code(code: Option<impl Into<Cow<'static, str>>>) -> Self {
        code.map_or(Self::Other, |code| Self::Code(code.into()))
    }
}

/// Why a call failed, as it may be exported.
pub(super) struct Failure {
    /// The path of the error's type.
    pub(super) exception: Option<&'static str>,
    pub(super) error_type: StringValue,
    pub(super) code: Option<StringValue>,
    /// Only if messages are exported.
    pub(super) message: Option<String>,
}

impl Failure {
    /// Describes an error of this kind, or returns `None` if it is expected.
    pub(super) fn new<E: Display>(error: &E, kind: ErrorKind, with_message: bool) -> Option<Self> {
        let exception = type_path::<E>();
        let code = match &kind {
            ErrorKind::Expected => return None,
            ErrorKind::Code(code) if is_code(code) => Some(StringValue::from(code.clone())),
            _ => None,
        };
        let error_type = match (&code, kind) {
            (Some(code), _) => code.clone(),
            (None, ErrorKind::Named(name)) => name.into(),
            _ => exception.and_then(short).unwrap_or("_OTHER").into(),
        };
        let message = with_message.then(|| limit::display(error));
        Some(Self { exception, error_type, code, message })
    }

    /// Records the failure on the span of the call.
    pub(super) fn record_on(self, span: &Span) {
        if let Some(code) = self.code {
            span.set_attribute("db.response.status_code", code);
        }
        span.fail_as(ExceptionKind::Database, self.exception, self.error_type, self.message);
    }
}

fn is_code(code: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=64).contains(&code.len()) && code.bytes().all(is_part)
}

/// The name of a type without its path, unless every library has one of that name.
fn short(path: &'static str) -> Option<&'static str> {
    path.rsplit("::").next().filter(|name| !matches!(*name, "Error" | "ErrorKind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_type_of<E: Display>(error: E, kind: ErrorKind) -> Option<String> {
        Failure::new(&error, kind, false).map(|failure| failure.error_type.to_string())
    }

    #[test]
    fn the_error_type_is_a_code_or_a_name() {
        let parse = || "x".parse::<u8>().unwrap_err();
        for (kind, expected) in [
            (ErrorKind::Expected, None),
            (ErrorKind::code(Some("23505")), Some("23505")),
            (ErrorKind::code(Some(String::from("ORA-00001"))), Some("ORA-00001")),
            (ErrorKind::code(None::<String>), Some("ParseIntError")),
            (ErrorKind::code(Some("Duplicate entry 'ada'")), Some("ParseIntError")),
            (ErrorKind::code(Some("")), Some("ParseIntError")),
            (ErrorKind::code(Some("1".repeat(65))), Some("ParseIntError")),
            (ErrorKind::Named("timeout"), Some("timeout")),
            (ErrorKind::Other, Some("ParseIntError")),
        ] {
            assert_eq!(error_type_of(parse(), kind.clone()).as_deref(), expected, "{kind:?}");
        }
        let io = std::io::Error::other("x");
        assert_eq!(error_type_of(io, ErrorKind::Other).as_deref(), Some("_OTHER"));
        assert_eq!(error_type_of("x", ErrorKind::Other).as_deref(), Some("_OTHER"));
    }
}
