//! What the errors of sqlx become.

use sqlx::{Error, error::DatabaseError};
use std::io;
use tracewire_span::database::ErrorKind;

/// The database's code, or a name; nothing for an empty result.
pub(crate) fn kind(error: &Error) -> ErrorKind {
    let name = match error {
        Error::RowNotFound => return ErrorKind::Expected,
        Error::Database(error) => return ErrorKind::code(code(&**error)),
        Error::Io(error) => io_name(error.kind()),
        Error::PoolTimedOut => "timeout",
        Error::PoolClosed => "pool_closed",
        Error::Tls(_) => "tls",
        Error::Protocol(_) => "protocol",
        Error::Configuration(_) => "configuration",
        Error::Encode(_) => "encode",
        Error::Decode(_) | Error::ColumnDecode { .. } => "decode",
        Error::WorkerCrashed => "worker_crashed",
        _ => return ErrorKind::Other,
    };
    ErrorKind::Named(name)
}

fn io_name(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::TimedOut => "timeout",
        io::ErrorKind::ConnectionRefused => "connection_refused",
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => "connection_lost",
        _ => "io",
    }
}

/// The conventions want MySQL's own number: many errors share one SQLSTATE there.
fn code(error: &dyn DatabaseError) -> Option<String> {
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return Some(error.number().to_string());
    }
    error.code().map(|code| code.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_names_and_an_empty_result_is_none() {
        for (error, expected) in [
            (Error::RowNotFound, ErrorKind::Expected),
            (Error::PoolTimedOut, ErrorKind::Named("timeout")),
            (Error::Io(io::ErrorKind::TimedOut.into()), ErrorKind::Named("timeout")),
            (Error::Io(io::ErrorKind::BrokenPipe.into()), ErrorKind::Named("connection_lost")),
            (Error::Protocol("a secret".into()), ErrorKind::Named("protocol")),
            (Error::ColumnNotFound("a".into()), ErrorKind::Other),
        ] {
            assert_eq!(kind(&error), expected, "{error}");
        }
    }
}
