//! The last frame of a body.

use bytes::Buf;
use http_body::{Body, Frame};

/// What a body still has to bring, to tell its last frame.
///
/// Whoever sends or reads the last byte of a declared length, or the trailers, often does not ask
/// for another frame; so these are the end, as much as the end of the stream is.
///
/// ```
/// use http_body::Frame;
/// use tracewire_http::Remaining;
///
/// let body = String::from("abc");
/// let mut remaining = Remaining::new(Some(3));
/// assert_eq!(remaining.count(&Frame::data(&b"ab"[..])), 2);
/// assert!(!remaining.is_over(&body));
/// assert_eq!(remaining.count(&Frame::data(&b"c"[..])), 1);
/// assert!(remaining.is_over(&body));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Remaining(Option<u64>);

impl Remaining {
    /// What remains of a body of this many bytes, if it is known how many.
    pub fn new(length: Option<u64>) -> Self {
        Self(length)
    }

    /// Counts a frame that has come, and gives the size of its data in bytes.
    pub fn count<D: Buf>(&mut self, frame: &Frame<D>) -> u64 {
        let size = frame.data_ref().map_or(0, Buf::remaining) as u64;
        self.0 = if frame.is_trailers() {
            Some(0)
        } else {
            self.0.map(|remaining| remaining.saturating_sub(size))
        };
        size
    }

    /// Whether `body`, of which all frames so far were counted, brings nothing more.
    pub fn is_over(&self, body: &impl Body) -> bool {
        self.0 == Some(0) || body.is_end_stream()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

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
    fn the_last_byte_of_a_declared_length_is_the_end() {
        let frames = || [Frame::data(&b"ab"[..]), Frame::data(&b"cd"[..])];
        assert!(after(Some(4), frames()));
        assert!(after(Some(3), frames()), "more than declared");
        assert!(!after(Some(5), frames()));
        assert!(!after(None, frames()));
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
