//! What the errors of redis become.

use redis::{ErrorKind as Kind, RedisError};
use tracewire_span::database::ErrorKind;

/// The server's code, or a name.
pub(crate) fn kind(error: &RedisError) -> ErrorKind {
    if let Some(code) = error.code().filter(|code| is_code(code)) {
        return ErrorKind::code(Some(code.to_owned()));
    }
    let name = match error.kind() {
        _ if error.is_timeout() => "timeout",
        _ if error.is_connection_refusal() => "connection_refused",
        _ if error.is_connection_dropped() => "connection_lost",
        Kind::AuthenticationFailed => "authentication_failed",
        Kind::Io => "io",
        Kind::Parse => "parse",
        Kind::UnexpectedReturnType => "unexpected_type",
        _ => return ErrorKind::Other,
    };
    ErrorKind::Named(name)
}

/// Codes are capitals. A script can answer with any text in the place of one.
fn is_code(code: &str) -> bool {
    (1..=16).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase())
}
