//! What went wrong, as one name of a closed list.

use crate::RedirectError;
use http::StatusCode;
use reqwest_middleware::Error;
use std::{error::Error as StdError, io};
use tracewire_http::{ErrorType, causes};

/// The kind of `error`, found below whatever middlewares have wrapped around it.
pub(crate) fn error_type(error: &Error) -> ErrorType {
    match reqwest_error(error) {
        Some(error) => kind(error),
        None => middleware_kind(error),
    }
}

/// The kind of an error in the middle of a response.
pub(crate) fn of_body(error: &reqwest::Error) -> ErrorType {
    match kind(error) {
        ErrorType::Timeout => ErrorType::Timeout,
        ErrorType::Decode => ErrorType::Decode,
        _ => ErrorType::Body,
    }
}

/// The status code of an error that was made from a response.
pub(crate) fn status(error: &Error) -> Option<StatusCode> {
    reqwest_error(error)?.status()
}

/// The first error of reqwest's own in the chain.
///
/// `reqwest_middleware::Error` is transparent: its source is the source of what it holds, so a
/// walk along the sources alone would pass over the one that counts.
fn reqwest_error(error: &Error) -> Option<&reqwest::Error> {
    let error = match error {
        Error::Reqwest(error) => return Some(error),
        Error::Middleware(error) => error,
    };
    causes(error.as_ref()).find_map(|cause| {
        cause
            .downcast_ref::<reqwest::Error>()
            .or_else(|| reqwest_error(cause.downcast_ref::<Error>()?))
    })
}

fn kind(error: &reqwest::Error) -> ErrorType {
    if error.is_timeout() {
        ErrorType::Timeout
    } else if error.is_dns() {
        ErrorType::Dns
    } else if error.is_connect() {
        if is_handshake(error) { ErrorType::Tls } else { ErrorType::Connect }
    } else if error.is_redirect() {
        ErrorType::Redirect
    } else if error.is_body() {
        ErrorType::Body
    } else if error.is_decode() {
        ErrorType::Decode
    } else if error.is_request() || error.is_builder() {
        ErrorType::Request
    } else {
        ErrorType::Other
    }
}

/// Whether a connection failed while TLS was being set up.
///
/// TLS stacks report a refused certificate or a broken handshake as unfit data or an early end;
/// nothing else that happens while connecting does.
fn is_handshake(error: &reqwest::Error) -> bool {
    causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| {
        matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
    })
}

/// The kind of an error that holds none of reqwest's, or hides it.
///
/// A transparent wrapper around a transparent wrapper leaves only what lies below reqwest's error.
/// reqwest's own causes have private types there, but texts of their own.
fn middleware_kind(error: &Error) -> ErrorType {
    let Error::Middleware(error) = error else {
        return ErrorType::Other;
    };
    let error: &(dyn StdError + 'static) = error.as_ref();
    if causes(error).any(|cause| cause.is::<RedirectError>()) {
        return ErrorType::Redirect;
    }
    causes(error)
        .find_map(|cause| match cause.to_string().as_str() {
            "operation timed out" => Some(ErrorType::Timeout),
            "dns error" => Some(ErrorType::Dns),
            "too many redirects" => Some(ErrorType::Redirect),
            _ => None,
        })
        .or_else(|| ErrorType::from_io(error))
        .unwrap_or(ErrorType::Middleware)
}
