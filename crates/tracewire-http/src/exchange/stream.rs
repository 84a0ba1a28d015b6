//! Responses that are streams: their reader may leave, and their length is no latency.

use super::{Exchange, Record, Shared};
use crate::{
    outcome::Outcome,
    values::{Side, after_grpc, first, media_type_in},
};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use std::time::Duration;

/// Whether the content type in `headers` says that the response is a stream of events:
/// `text/event-stream`, `multipart/x-mixed-replace` or `application/grpc`.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    first(headers, &CONTENT_TYPE).is_some_and(says_stream)
}

/// The same for the value of `Content-Type`.
pub(crate) fn says_stream(content_type: &HeaderValue) -> bool {
    // Most are text or JSON, and need no closer look.
    let value = content_type.as_bytes().trim_ascii_start();
    let may_be = match value.first().map(u8::to_ascii_lowercase) {
        Some(b't') => value.get(5).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'e')),
        Some(b'm') => true,
        Some(b'a') => value.get(12).is_some_and(|byte| byte.eq_ignore_ascii_case(&b'g')),
        _ => false,
    };
    if !may_be {
        return false;
    }
    let media_type = media_type_in(content_type);
    let is = |known: &str| media_type.eq_ignore_ascii_case(known.as_bytes());
    let is_grpc = |rest: &[u8]| matches!(rest.first(), None | Some(b'+' | b'-'));
    is("text/event-stream")
        || is("multipart/x-mixed-replace")
        || after_grpc(media_type).is_some_and(is_grpc)
}

impl Exchange {
    /// Says whether the response, whose status was [noted](Self::set_response), is a stream.
    ///
    /// The duration of a stream is recorded now: how long its reader stays is no latency. The span
    /// ends with the stream. A reader who leaves is no error, unlike a stream that fails.
    ///
    /// Without this a response is none, except over gRPC: there a call whose response has a second
    /// message, or whose caller leaves after the response's head, is a stream.
    pub fn set_stream(&mut self, stream: bool) {
        if let Some(shared) = &self.shared {
            shared.set_stream(Some(stream));
        }
    }

    /// Notes that the response turned out to be a stream, unless it was said whether it is one.
    pub(super) fn note_stream(&mut self) {
        if let Some(shared) = &self.shared {
            shared.set_stream(None);
        }
    }
}

impl Shared {
    /// Says whether the response is a stream; `None` means that it seems to be one.
    fn set_stream(&self, stream: Option<bool>) {
        if self.has_ended() {
            return;
        }
        let mut record = self.lock();
        if record.measured {
            return;
        }
        record.stream = stream.or(record.stream).or(Some(true));
        if record.stream == Some(false) {
            return;
        }
        let (resolved, judgement) = (record.resolved.clone(), record.judge(Outcome::Complete));
        let elapsed = record.elapsed();
        let took = record.answered.unwrap_or(elapsed);
        record.measured = true;
        // The classifier may use a handle, and so wait for this lock.
        drop(record);
        let error = judgement.error(resolved.options.classify.as_ref());
        self.lock().measure_duration(took, elapsed, error);
    }
}

impl Record {
    /// How long the exchange has been under way.
    pub(super) fn elapsed(&self) -> Duration {
        self.options().clock.now().saturating_duration_since(self.started)
    }

    /// Whether a reader who leaves is no error, because what is left is a stream.
    pub(super) fn is_left(&self, outcome: Outcome) -> bool {
        let answered_call = || self.rpc.is_some() && self.answered.is_some();
        outcome == Outcome::Cancelled
            && self.side == Side::Server
            && self.stream.unwrap_or_else(answered_call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_known_by_their_content_type() {
        let is = |content_type: &str| {
            let content_type = content_type.parse().unwrap();
            is_event_stream(&HeaderMap::from_iter([(CONTENT_TYPE, content_type)]))
        };
        for stream in [
            "text/event-stream",
            "text/event-stream;charset=utf-8",
            "Text/Event-Stream ; charset=utf-8",
            "multipart/x-mixed-replace; boundary=frame",
            "application/grpc",
            "application/grpc+proto",
            "application/grpc-web+proto",
        ] {
            assert!(is(stream), "{stream}");
        }
        for other in [
            "",
            "text/html",
            "text/event-streams",
            "text/plain; a=text/event-stream",
            "multipart/mixed",
            "application/grpcx",
            "application/json",
        ] {
            assert!(!is(other), "{other}");
        }
        assert!(!is_event_stream(&HeaderMap::new()));
    }
}
