//! What went wrong, as one name of a closed list.

use std::{any::Any, error::Error, io};
use tracewire_http::{ErrorType, causes};

/// A service's error by its kind.
///
/// Errors of hyper-util and boxed errors are looked into. Everything else is `request`.
pub(super) fn error_type<E: 'static>(error: &E) -> ErrorType {
    known(error).and_then(kind).unwrap_or(ErrorType::Request)
}

/// `error` as an error, if it has one of the types that are known here.
fn known(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    if let Some(error) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
        return Some(error.as_ref());
    }
    #[cfg(feature = "hyper-util")]
    if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
        return Some(error);
    }
    error.downcast_ref::<io::Error>().map(|error| error as _)
}

fn kind(error: &(dyn Error + 'static)) -> Option<ErrorType> {
    by_text(error)
        .or_else(|| ErrorType::from_io(error))
        .or_else(|| is_connect(error).then(|| while_connecting(error)))
}

/// The causes whose types are private, or of crates that are not needed for anything else, by
/// their texts: those of hyper-util, tower's and tokio's time limits.
fn by_text(error: &(dyn Error + 'static)) -> Option<ErrorType> {
    causes(error).find_map(|cause| match cause.to_string().as_str() {
        "dns error" => Some(ErrorType::Dns),
        "deadline has elapsed" | "request timed out" => Some(ErrorType::Timeout),
        _ => None,
    })
}

#[cfg(feature = "hyper-util")]
fn is_connect(error: &(dyn Error + 'static)) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<hyper_util::client::legacy::Error>())
        .any(hyper_util::client::legacy::Error::is_connect)
}

#[cfg(not(feature = "hyper-util"))]
fn is_connect(_: &(dyn Error + 'static)) -> bool {
    false
}

/// TLS stacks report a refused certificate or a broken handshake as unfit data or an early end;
/// nothing else that happens while connecting does.
fn while_connecting(error: &(dyn Error + 'static)) -> ErrorType {
    let handshake =
        causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| {
            matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
        });
    if handshake { ErrorType::Tls } else { ErrorType::Connect }
}
