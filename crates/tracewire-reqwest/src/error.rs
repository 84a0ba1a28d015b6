//! What went wrong, as one name of a closed list.

use crate::redirects::RedirectError;
use http::StatusCode;
use reqwest_middleware::Error;
use std::{error::Error as StdError, io};
use tracewire_http::{
    ErrorType,
    wiring::{Exchange, causes},
};

/// The kind of `error`, found below whatever middlewares have wrapped around it.
pub(crate) fn error_type(error: &Error) -> ErrorType {
    match reqwest_error(error) {
        Some(error) => kind(error),
        None => middleware_kind(error),
    }
}

/// Notes `error` on its exchange, for a log record.
pub(crate) fn note(error: &Error, exchange: &mut Exchange) {
    match error {
        Error::Reqwest(error) => exchange.set_error::<reqwest::Error>(Some(error)),
        // What middlewares wrap around it says nothing of what failed.
        Error::Middleware(inside) if reqwest_error(error).is_some() => {
            exchange.set_error::<reqwest::Error>(Some(inside.as_ref()));
        }
        Error::Middleware(inside) => exchange.set_error::<Error>(Some(inside.as_ref())),
    }
}

/// The kind of an error in the middle of a response.
pub(crate) fn of_body(error: &reqwest::Error) -> ErrorType {
    if error.is_timeout() {
        ErrorType::Timeout
    } else if error.is_decode() || is_decoder(error) {
        ErrorType::Decode
    } else {
        ErrorType::Body
    }
}

/// Whether a decoder of the body failed, such as gzip's, and not the connection below it.
///
/// reqwest makes body errors of both. Decoders report I/O errors of their own; what fails below
/// comes from hyper.
fn is_decoder(error: &reqwest::Error) -> bool {
    let decoder = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::Other
        )
    };
    !causes(error).any(<dyn StdError>::is::<hyper::Error>)
        && causes(error).filter_map(|cause| cause.downcast_ref()).any(decoder)
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
        ErrorType::of_client_error(error).unwrap_or_else(|| ErrorType::of_connect_error(error))
    } else if error.is_redirect() {
        ErrorType::Redirect
    } else if error.is_body() {
        ErrorType::Body
    } else if error.is_decode() {
        ErrorType::Decode
    } else if error.is_request() || error.is_builder() {
        // What was sent or received may have failed for a reason that only the causes tell: a body
        // that could not be read, a certificate that the server asked for too late.
        ErrorType::of_client_error(error).unwrap_or(ErrorType::Request)
    } else {
        ErrorType::Other
    }
}

/// The kind of an error that holds none of reqwest's, or hides it.
///
/// A transparent wrapper around a transparent wrapper leaves only what lies below reqwest's error.
fn middleware_kind(error: &Error) -> ErrorType {
    let Error::Middleware(error) = error else {
        return ErrorType::Other;
    };
    let error: &(dyn StdError + 'static) = error.as_ref();
    if causes(error).any(|cause| cause.is::<RedirectError>()) {
        return ErrorType::Redirect;
    }
    ErrorType::of_client_error(error).unwrap_or(ErrorType::Middleware)
}
