//! The closed list of `error.type` values.

use crate::values::causes;
use arrayvec::ArrayString;
use opentelemetry::StringValue;
use std::{
    any::Any,
    error::Error,
    fmt::{self, Write},
    io,
};

/// Why an exchange failed without a status code that says so.
///
/// Together with status codes these are all values that `error.type` takes: a list short enough for
/// a metric attribute, and one that no remote party can add to.
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use tracewire_http::ErrorType;
///
/// let refused = Error::from(ErrorKind::ConnectionRefused);
/// assert_eq!(ErrorType::of_connect_error(&refused).as_str(), "connect");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorType {
    /// `body`: a body could not be sent or read to its end.
    Body,
    /// `cancelled`: the caller went away before the exchange was over (servers only).
    Cancelled,
    /// `connect`: no connection could be made.
    Connect,
    /// `decode`: a response could not be decoded.
    Decode,
    /// `dns`: the host's name could not be resolved.
    Dns,
    /// `middleware`: a middleware inside ours failed.
    Middleware,
    /// `panic`: the code that answers the request panicked.
    Panic,
    /// `redirect`: too many redirects, or a redirect that may not be followed.
    Redirect,
    /// `request`: the request could not be built or sent.
    Request,
    /// `service`: the inner service returned an error.
    Service,
    /// `timeout`: a time limit passed.
    Timeout,
    /// `tls`: the TLS handshake failed.
    Tls,
    /// `_OTHER`: none of these.
    Other,
    /// A name of your own; keep their number small.
    Named(&'static str),
}

impl ErrorType {
    /// The attribute's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Cancelled => "cancelled",
            Self::Connect => "connect",
            Self::Decode => "decode",
            Self::Dns => "dns",
            Self::Middleware => "middleware",
            Self::Panic => "panic",
            Self::Redirect => "redirect",
            Self::Request => "request",
            Self::Service => "service",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Other => "_OTHER",
            Self::Named(name) => name,
        }
    }

    /// Finds what failed below an error of an HTTP client: the outermost of `error` and its causes
    /// that says something. `None` if none does.
    ///
    /// The chain is walked because wrappers hide the cause: a retry's error is not a timeout itself,
    /// its source is. I/O errors are known by their kind; the private errors of hyper, hyper-util,
    /// h2, reqwest, rustls, tokio, tonic and tower by their fixed texts. At most 32 causes are
    /// looked at, and 64 bytes of each text.
    ///
    /// ```
    /// use std::io;
    /// use tracewire_http::ErrorType;
    ///
    /// let error = io::Error::new(io::ErrorKind::TimedOut, "too late");
    /// assert_eq!(ErrorType::of_client_error(&error), Some(ErrorType::Timeout));
    /// ```
    pub fn of_client_error(error: &(dyn Error + 'static)) -> Option<Self> {
        causes(error)
            .take(CAUSES)
            .find_map(|cause| Self::of_text(cause).or_else(|| Self::io(cause)))
    }

    /// What failed while a connection was made, if its error says nothing else: `tls` or `connect`.
    ///
    /// TLS stacks report a refused certificate or a broken handshake as unfit data or an early end;
    /// nothing else that happens while connecting does.
    pub fn of_connect_error(error: &(dyn Error + 'static)) -> Self {
        let handshake = causes(error)
            .take(CAUSES)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .map(io::Error::kind)
            .any(|kind| matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof));
        if handshake { Self::Tls } else { Self::Connect }
    }

    /// Returns `error` as an error if it is a boxed one or an I/O error, for services whose type of
    /// error is not known to be one.
    pub fn downcast(error: &dyn Any) -> Option<&(dyn Error + 'static)> {
        if let Some(error) = error.downcast_ref::<Box<dyn Error + Send + Sync>>() {
            return Some(error.as_ref());
        }
        if let Some(error) = error.downcast_ref::<Box<dyn Error + Send>>() {
            return Some(error.as_ref());
        }
        if let Some(error) = error.downcast_ref::<Box<dyn Error>>() {
            return Some(error.as_ref());
        }
        error.downcast_ref::<io::Error>().map(|error| error as _)
    }

    /// What an I/O error among `error` and its sources says, if one says anything.
    pub fn from_io(error: &(dyn Error + 'static)) -> Option<Self> {
        causes(error).take(CAUSES).find_map(Self::io)
    }

    fn io(cause: &(dyn Error + 'static)) -> Option<Self> {
        match cause.downcast_ref::<io::Error>()?.kind() {
            io::ErrorKind::TimedOut => Some(Self::Timeout),
            io::ErrorKind::AddrNotAvailable
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable => Some(Self::Connect),
            _ => None,
        }
    }

    fn of_text(cause: &dyn Error) -> Option<Self> {
        let mut start = Start(ArrayString::new());
        // A text that is longer than what is compared ends here, which is no failure.
        let _ = write!(start, "{cause}");
        let found = TEXTS.iter().find(|(text, _)| start.0.starts_with(text));
        found.map(|(_, error)| *error)
    }
}

/// How many causes of an error are looked at.
const CAUSES: usize = 32;

/// How the texts of private errors begin.
const TEXTS: [(&str, ErrorType); 14] = [
    ("dns error", ErrorType::Dns), // hyper-util, reqwest
    ("failed to lookup address information", ErrorType::Dns), // std
    ("operation timed out", ErrorType::Timeout), // hyper, reqwest
    ("deadline has elapsed", ErrorType::Timeout), // tokio
    ("request timed out", ErrorType::Timeout), // tower
    ("Timeout expired", ErrorType::Timeout), // tonic
    ("TLS handshake timeout", ErrorType::Timeout), // tonic
    ("HTTP/2 was not negotiated", ErrorType::Tls), // tonic
    ("received fatal alert", ErrorType::Tls), // rustls
    ("invalid peer certificate", ErrorType::Tls), // rustls
    ("too many redirects", ErrorType::Redirect), // reqwest
    ("error from user's Body stream", ErrorType::Body), // hyper
    ("user body write aborted", ErrorType::Body), // hyper
    ("stream error sent by user: unexpected internal error", ErrorType::Body), // h2: a failing upload
];

/// The first bytes of a text.
struct Start(ArrayString<64>);

impl fmt::Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            self.0.try_push(character).map_err(|_| fmt::Error)?;
        }
        Ok(())
    }
}

impl From<ErrorType> for StringValue {
    fn from(error: ErrorType) -> Self {
        error.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Cause = Box<dyn Error + Send + Sync>;

    #[derive(Debug)]
    struct Wrapped(&'static str, Option<Cause>);

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    #[test]
    fn the_outermost_cause_that_says_something_decides() {
        let io = |kind| -> Option<Cause> { Some(Box::new(io::Error::from(kind))) };
        let text = |text| -> Option<Cause> { Some(Box::new(Wrapped(text, None))) };
        let cases = [
            (io(io::ErrorKind::ConnectionRefused), Some(ErrorType::Connect)),
            (io(io::ErrorKind::TimedOut), Some(ErrorType::Timeout)),
            (io(io::ErrorKind::ConnectionReset), None),
            (text("dns error"), Some(ErrorType::Dns)),
            (text("invalid peer certificate: Expired"), Some(ErrorType::Tls)),
            (text("something else"), None),
            (
                Some(Box::new(Wrapped(
                    "error from user's Body stream",
                    io(io::ErrorKind::TimedOut),
                ))),
                Some(ErrorType::Body),
            ),
            (Some(Box::new(io::Error::other(Wrapped("dns error", None)))), Some(ErrorType::Dns)),
        ];
        for (inner, expected) in cases {
            let outer = Wrapped("transport error", inner);
            assert_eq!(ErrorType::of_client_error(&outer), expected, "{outer:?}");
        }
    }

    #[test]
    fn the_walk_is_bounded() {
        let mut error: Cause = Box::new(Wrapped("dns error", None));
        for _ in 0..100_000 {
            error = Box::new(Wrapped("wrapper", Some(error)));
        }
        assert_eq!(ErrorType::of_client_error(&*error), None);
        // Dropping the chain at once would overflow the stack.
        std::mem::forget(error);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,80}") {
            let error: Cause = text.clone().into();
            let expected = TEXTS.iter().find(|(start, _)| text.starts_with(start));
            prop_assert_eq!(ErrorType::of_client_error(&*error), expected.map(|(_, kind)| *kind));
        }
    }
}
