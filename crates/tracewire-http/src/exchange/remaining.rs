//! The last frame of a body, and whether there is one at all.

use crate::{
    outcome::{ErrorType, Outcome},
    values::first,
};
use bytes::Buf;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::CONTENT_LENGTH};
use http_body::{Body, Frame};

/// What a body still has to bring, to tell its last frame.
///
/// The reader of the last byte of a declared length, or of the trailers, often does not ask for
/// another frame. So these are the end, as much as the end of the stream is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Remaining {
    declared: Option<u64>,
    counted: u64,
    trailers: bool,
}

impl Remaining {
    /// What remains of a body of this many bytes, if it is known how many.
    pub(crate) fn new(length: Option<u64>) -> Self {
        Self { declared: length, ..Self::default() }
    }

    /// Counts a frame that has come, and returns the size of its data in bytes.
    pub(crate) fn count<D: Buf>(&mut self, frame: &Frame<D>) -> u64 {
        let size = frame.data_ref().map_or(0, Buf::remaining) as u64;
        self.counted = self.counted.saturating_add(size);
        self.trailers |= frame.is_trailers();
        size
    }

    /// Whether `body`, of which all frames so far were counted, brings nothing more.
    pub(crate) fn is_over(&self, body: &impl Body) -> bool {
        self.has_all() || self.trailers || body.is_end_stream()
    }

    /// Whether as many bytes have come as were declared.
    pub(crate) fn has_all(&self) -> bool {
        self.declared.is_some_and(|declared| self.counted >= declared)
    }

    /// What it means if the body ends here: it has failed if it brought fewer or more bytes than
    /// were declared (RFC 9110, section 8.6).
    pub(crate) fn outcome(&self) -> Outcome {
        match self.declared {
            Some(declared) if declared != self.counted => Outcome::Failed(ErrorType::Body),
            _ => Outcome::Complete,
        }
    }
}

/// The most digits of a number of 64 bits.
const MOST_DIGITS: usize = 20;

/// Returns the length of the body that `headers` declare with `Content-Length`, in bytes, if it is
/// written in digits alone.
pub(crate) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    length_in(first(headers, &CONTENT_LENGTH)?)
}

/// The same for the value of `Content-Length`.
pub(crate) fn length_in(value: &HeaderValue) -> Option<u64> {
    let length = value.as_bytes();
    let is_number = length.len() <= MOST_DIGITS && length.iter().all(u8::is_ascii_digit);
    if is_number { str::from_utf8(length).ok()?.parse().ok() } else { None }
}

/// A request's method as far as it says what follows the response's head. A method itself is not
/// kept: one that a caller made up may be as long as all headers together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestKind {
    Head,
    Connect,
    Other,
}

impl RequestKind {
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::HEAD => Self::Head,
            Method::CONNECT => Self::Connect,
            _ => Self::Other,
        }
    }

    /// Returns whether nothing sends or reads the body of a response of `status`, even if it has one
    /// (RFC 9112, section 6.3).
    pub(crate) fn is_bodyless(self, status: StatusCode) -> bool {
        self == Self::Head
            || (self == Self::Connect && status.is_success())
            || status.is_informational()
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED
    }

    /// Returns whether the connection, or the stream of HTTP/2, speaks another protocol after a
    /// response of `status`: a 101 in HTTP/1.1, a success to `CONNECT` in every version.
    pub(crate) fn is_upgrade(self, status: StatusCode) -> bool {
        status == StatusCode::SWITCHING_PROTOCOLS || (self == Self::Connect && status.is_success())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body that is not at its end.
    const OPEN: &str = "more";

    fn after(length: Option<u64>, frames: [Frame<&'static [u8]>; 2]) -> bool {
        let mut remaining = Remaining::new(length);
        for frame in frames {
            assert!(!remaining.is_over(&OPEN.to_owned()));
            remaining.count(&frame);
        }
        remaining.is_over(&OPEN.to_owned())
    }

    #[test]
    fn frames_are_counted_by_the_size_of_their_data() {
        let body = String::from("abc");
        let mut remaining = Remaining::new(Some(3));
        assert_eq!(remaining.count(&Frame::data(&b"ab"[..])), 2);
        assert!(!remaining.is_over(&body));
        assert_eq!(remaining.count(&Frame::data(&b"c"[..])), 1);
        assert!(remaining.is_over(&body));
        assert_eq!(remaining.outcome(), Outcome::Complete);
    }

    #[test]
    fn the_last_byte_of_a_declared_length_is_the_end() {
        let frames = || [Frame::data(&b"ab"[..]), Frame::data(&b"cd"[..])];
        assert!(after(Some(4), frames()));
        assert!(after(Some(3), frames()), "more than declared");
        assert!(!after(Some(5), frames()));
        assert!(!after(None, frames()));
    }

    #[test]
    fn a_body_is_complete_with_exactly_what_was_declared() {
        let outcome = |length, trailers: bool| {
            let mut remaining = Remaining::new(length);
            remaining.count(&Frame::data(&b"abcd"[..]));
            if trailers {
                remaining.count(&Frame::<&[u8]>::trailers(HeaderMap::new()));
            }
            remaining.outcome()
        };
        for trailers in [false, true] {
            assert_eq!(outcome(None, trailers), Outcome::Complete);
            assert_eq!(outcome(Some(4), trailers), Outcome::Complete);
            for length in [0, 3, 5, u64::MAX] {
                let failed = Outcome::Failed(ErrorType::Body);
                assert_eq!(outcome(Some(length), trailers), failed, "{length}");
            }
        }
    }

    #[test]
    fn trailers_are_the_end() {
        let frames = || [Frame::data(&b"ab"[..]), Frame::trailers(HeaderMap::new())];
        assert!(after(None, frames()));
        assert!(after(Some(9), frames()));
    }

    #[test]
    fn a_body_at_its_end_is_over_whatever_was_declared() {
        assert!(Remaining::new(Some(9)).is_over(&String::new()));
        assert!(Remaining::new(Some(0)).is_over(&OPEN.to_owned()));
    }
}
