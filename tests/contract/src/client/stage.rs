//! One scenario's client, server and capture.

use super::{
    ClientUnderTest, Redirects, Setup,
    recorded::{self, Attributes, client_span, client_spans},
    server::{Received, Server, Transport},
};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use opentelemetry::{Context, SpanId, trace::TraceContextExt};
use tracewire_testing::{Capture, Span, Spans};

/// Everything one scenario needs.
pub(crate) struct Stage<C> {
    pub(crate) capture: Capture,
    pub(crate) server: Server,
    pub(crate) client: C,
}

impl<C: ClientUnderTest> Stage<C> {
    pub(crate) async fn new(transport: Transport) -> Self {
        Self::set_up(transport, Setup::default()).await
    }

    pub(crate) async fn set_up(transport: Transport, setup: Setup) -> Self {
        let (capture, server) = (Capture::new(), Server::over(transport).await);
        let client = C::new(&capture, &server, setup);
        Self { capture, server, client }
    }

    pub(crate) fn request(&self, path: &str) -> Request<Bytes> {
        Request::get(self.server.url(path)).body(Bytes::new()).unwrap()
    }

    /// Asks for `path` and reads the response to its end.
    pub(crate) async fn get(&self, path: &str) -> StatusCode {
        self.send(self.request(path)).await
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> StatusCode {
        let response = self.client.call(request).await.unwrap();
        let status = response.status();
        response.into_body().collect().await.unwrap();
        status
    }

    /// The attributes of a GET for `path` that was answered with `status`.
    pub(crate) fn answered(&self, path: &str, status: u16) -> Attributes {
        let mut all = recorded::answered(self.server.port(), &self.server.url(path), status);
        let version = if self.server.transport() == Transport::Http1 { "1.1" } else { "2" };
        all.insert("network.protocol.version", version.into());
        if !C::KNOWS_PEER {
            all.retain(|key, _| !key.starts_with("network.peer."));
        }
        all
    }

    /// The same for a request that was sent before.
    pub(crate) fn resent(&self, path: &str, status: u16, count: u32) -> Attributes {
        let mut all = self.answered(path, status);
        if C::REDIRECTS == Redirects::Numbered && count > 0 {
            all.insert("http.request.resend_count", i64::from(count).into());
        }
        all
    }

    #[track_caller]
    pub(crate) fn span(&self) -> Span {
        client_span(&self.capture)
    }

    pub(crate) fn spans(&self) -> Spans {
        client_spans(&self.capture)
    }

    #[track_caller]
    pub(crate) fn assert_recorded(&self, expected: impl IntoIterator<Item = Attributes>) {
        recorded::assert_recorded(&self.capture, expected);
    }
}

/// The server's request came from this span.
pub(crate) fn assert_child(received: &Received, span: &Span) {
    let ids = format!("00-{}-{}-", span.trace_id, span.span_id);
    let traceparent = received.header("traceparent").unwrap();
    assert!(traceparent.starts_with(&ids), "{traceparent} is not from {ids}");
}

pub(crate) fn span_id(context: &Context) -> SpanId {
    context.span().span_context().span_id()
}
