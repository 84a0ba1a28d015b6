//! What went wrong, as one name of a closed list.

use std::{any::Any, error::Error};
use tracewire_http::ErrorType;
#[cfg(any(feature = "hyper-util", feature = "tonic"))]
use tracewire_http::wiring::causes;

/// A service's error by its kind.
///
/// Errors of hyper, hyper-util and tonic and boxed errors are looked into. Everything else is
/// `request`.
pub(super) fn error_type<E: 'static>(error: &E) -> ErrorType {
    known(error).and_then(kind).unwrap_or(ErrorType::Request)
}

/// `error` as an error, if it has one of the types that are known here.
pub(super) fn known(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
    #[cfg(feature = "hyper-util")]
    if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
        return Some(error);
    }
    #[cfg(feature = "hyper-util")]
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return Some(error);
    }
    #[cfg(feature = "tonic")]
    if let Some(error) = error.downcast_ref::<tonic::transport::Error>() {
        return Some(error);
    }
    #[cfg(feature = "tonic")]
    if let Some(error) = error.downcast_ref::<tonic::Status>() {
        return Some(error);
    }
    ErrorType::downcast(error)
}

fn kind(error: &(dyn Error + 'static)) -> Option<ErrorType> {
    ErrorType::of_client_error(error)
        .or_else(|| is_connect(error).then(|| ErrorType::of_connect_error(error)))
}

/// Whether it happened while a connection was made.
fn is_connect(error: &(dyn Error + 'static)) -> bool {
    #[cfg(feature = "hyper-util")]
    if causes(error)
        .filter_map(|cause| cause.downcast_ref::<hyper_util::client::legacy::Error>())
        .any(hyper_util::client::legacy::Error::is_connect)
    {
        return true;
    }
    #[cfg(feature = "tonic")]
    if causes(error).any(<dyn Error>::is::<tonic::ConnectError>) {
        return true;
    }
    let _ = error;
    false
}
