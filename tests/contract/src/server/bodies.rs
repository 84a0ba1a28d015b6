//! Bodies of every kind.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use std::{io, sync::Arc};
use tokio::sync::Semaphore;
use tower::BoxError;
use tracewire_span::Tracer;

/// A body of any kind.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

pub fn boxed<B>(body: B) -> Body
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    body.map_err(|error| io::Error::other(error.into())).boxed_unsync()
}

pub fn full(text: impl Into<Bytes>) -> Body {
    boxed(Full::new(text.into()))
}

pub fn empty() -> Body {
    full("")
}

/// `frames` as they are, of unknown length.
pub fn frames(
    frames: impl IntoIterator<Item = Result<Frame<Bytes>, io::Error>, IntoIter: Send + 'static>,
) -> Body {
    StreamBody::new(stream::iter(frames)).boxed_unsync()
}

/// One chunk now, and another after each step, of unknown length.
pub fn steps(steps: Arc<Semaphore>, chunks: u32) -> Body {
    let chunks = stream::unfold(0, move |sent| {
        let steps = steps.clone();
        async move {
            if sent == chunks {
                return None;
            }
            if sent > 0 {
                steps.acquire().await.expect("the semaphore stays open").forget();
            }
            Some((data("chunk"), sent + 1))
        }
    });
    StreamBody::new(chunks).boxed_unsync()
}

/// `body`, which holds something for as long as it lives.
pub fn holding(held: impl Send + 'static, body: Body) -> Body {
    body.map_frame(move |frame| {
        let _held = &held;
        frame
    })
    .boxed_unsync()
}

/// Events without end.
pub fn endless() -> Body {
    StreamBody::new(stream::repeat_with(|| data("data: tick\n\n"))).boxed_unsync()
}

/// A chunk and a trailer.
pub fn with_trailers() -> Body {
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("x-checksum"),
        HeaderValue::from_static("4711"),
    )]);
    frames([data("chunk"), Ok(Frame::trailers(trailers))])
}

/// A chunk now, and an error after the next step.
pub fn failing(steps: Arc<Semaphore>) -> Body {
    chunk_and(steps, || Err(io::Error::other("a secret")))
}

/// A chunk now, and a panic after the next step.
pub fn panicking(steps: Arc<Semaphore>) -> Body {
    chunk_and(steps, || panic!("on purpose"))
}

fn chunk_and(
    steps: Arc<Semaphore>,
    end: impl Fn() -> Result<Frame<Bytes>, io::Error> + Copy + Send + 'static,
) -> Body {
    let rest = stream::once(async move {
        steps.acquire().await.expect("the semaphore stays open").forget();
        end()
    });
    StreamBody::new(stream::iter([data("chunk")]).chain(rest)).boxed_unsync()
}

/// Two chunks, each with a span of its own.
pub fn with_spans(tracer: Tracer) -> Body {
    let chunks = stream::iter(0..2)
        .map(move |_| tracer.span("chunk").ignore_errors().in_scope(|| data("chunk")));
    StreamBody::new(chunks).boxed_unsync()
}

pub fn data(text: &'static str) -> Result<Frame<Bytes>, io::Error> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// A chunk, and then nothing for ever.
pub fn stuck() -> Body {
    StreamBody::new(stream::iter([data("chunk")]).chain(stream::pending())).boxed_unsync()
}
