//! Responses of the page and their bodies.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

/// Makes a response with a body.
pub(crate) fn content(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> Response<PageBody> {
    let mut response = Response::new(PageBody(Inner::Whole(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The body of a response of the page.
#[derive(Debug, Default)]
pub struct PageBody(Inner);

#[derive(Debug)]
enum Inner {
    Whole(Bytes),
    Stream(Box<dyn Chunks>),
}

/// What a response goes on with for as long as it lasts.
pub(crate) trait Chunks: fmt::Debug + Send {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;
}

impl PageBody {
    pub(crate) fn stream(chunks: impl Chunks + 'static) -> Self {
        Self(Inner::Stream(Box::new(chunks)))
    }
}

impl Default for Inner {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl Body for PageBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.get_mut().0 {
            Inner::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Inner::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Inner::Stream(stream) => stream.poll(cx).map(|bytes| bytes.map(|b| Ok(Frame::data(b)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Inner::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Stream(_) => SizeHint::default(),
        }
    }
}
