//! What diesel's errors become.

use diesel::result::{DatabaseErrorKind, Error};
use tracewire_span::database::ErrorKind;

/// The kind of an error; diesel does not tell the database's own code.
pub(crate) fn kind(error: &Error) -> ErrorKind {
    ErrorKind::Named(match error {
        Error::NotFound => return ErrorKind::Expected,
        Error::DatabaseError(kind, _) => match kind {
            DatabaseErrorKind::UniqueViolation => "unique_violation",
            DatabaseErrorKind::ForeignKeyViolation => "foreign_key_violation",
            DatabaseErrorKind::UnableToSendCommand => "unable_to_send_command",
            DatabaseErrorKind::SerializationFailure => "serialization_failure",
            DatabaseErrorKind::ReadOnlyTransaction => "read_only_transaction",
            DatabaseErrorKind::NotNullViolation => "not_null_violation",
            DatabaseErrorKind::CheckViolation => "check_violation",
            DatabaseErrorKind::ClosedConnection => "closed_connection",
            _ => return ErrorKind::Other,
        },
        Error::QueryBuilderError(_) => "query_builder",
        Error::DeserializationError(_) => "deserialization",
        Error::SerializationError(_) => "serialization",
        Error::AlreadyInTransaction => "already_in_transaction",
        Error::NotInTransaction => "not_in_transaction",
        Error::BrokenTransactionManager => "broken_transaction_manager",
        _ => return ErrorKind::Other,
    })
}
