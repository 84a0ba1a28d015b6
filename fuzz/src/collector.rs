//! What must hold of every answer of a collector.

use crate::propagation::headers;
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use std::{
    future::ready,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tracewire_export::fuzzing::{grpc_answer, json_answer, protobuf_answer, retried};
use tracewire_text::is_unsafe;

const HEADERS: [&str; 5] =
    ["retry-after", "grpc-status", "grpc-message", "grpc-status-details-bin", "content-type"];
/// What is kept of an answer.
const MOST_ANSWER: usize = 64 * 1024;

/// Reads an answer: two bytes choose the status, the headers, which are the trailers too, end with an empty
/// line, and the rest is the body.
pub fn answer(data: &[u8]) {
    let Some((number, rest)) = data.split_first_chunk::<2>() else { return };
    let status = StatusCode::from_u16(200 + u16::from_le_bytes(*number) % 400).expect("it is one");
    let end = rest.windows(2).position(|two| two == b"\n\n").unwrap_or(rest.len());
    let (head, body) = (&rest[..end], rest.get(end + 2..).unwrap_or_default());
    let headers = headers(&HEADERS, head);

    let pause = retried(status, &headers);
    assert_eq!(pause.is_some(), [429, 502, 503, 504].contains(&status.as_u16()));
    // A collector may ask for a longer pause, and not for a flood.
    assert!(pause.is_none_or(|pause| pause >= Duration::from_millis(160)), "{pause:?}");

    for rejected in [protobuf_answer(body), json_answer(body)].into_iter().flatten() {
        let Err((items, reason)) = rejected else { continue };
        assert!(items.is_some_and(|items| items > 0), "{reason}");
        assert!(reason.len() < 4_000 && !reason.chars().any(is_unsafe), "{reason:?}");
    }

    let trailers = headers.clone();
    let body = Full::new(Bytes::copy_from_slice(body)).with_trailers(ready(Some(Ok(trailers))));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if number[1] % 2 == 0 {
        *response.headers_mut() = headers;
    }
    let read = pin!(grpc_answer(response));
    match read.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(message)) => assert!(message.len() <= MOST_ANSWER),
        Poll::Ready(Err((shown, pause))) => {
            // What the collector says is not shown: it may hold what was sent.
            assert!(shown.is_empty() || shown.starts_with("HTTP "), "{shown}");
            assert!(pause.is_none_or(|pause| pause >= Duration::from_millis(160)), "{pause:?}");
        }
        Poll::Pending => panic!("the answer is whole"),
    }
}
