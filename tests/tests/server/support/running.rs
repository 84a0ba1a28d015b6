//! A server under test that listens, with what it records.

use super::{
    app::App,
    client::Client,
    expected::{Expected, check_metrics},
    raw::Raw,
    servers::{Around, Plain, Protocol, ServerUnderTest, routed, serve_hyper},
};
use opentelemetry::trace::SpanKind;
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, task::AbortHandle};
use tracewire::{
    ServerLayer,
    propagation::{Baggage, Composite, TraceContext},
};
use tracewire_testing::{Capture, Span, Spans};

pub(crate) struct Running {
    pub(crate) capture: Capture,
    pub(crate) app: Arc<App>,
    pub(crate) address: SocketAddr,
    pub(crate) protocol: Protocol,
    server: AbortHandle,
}

impl Running {
    pub(crate) async fn start<S: ServerUnderTest>() -> Self {
        Self::with::<S>(|layer| layer).await
    }

    /// A server whose layer has more options.
    pub(crate) async fn with<S: ServerUnderTest>(
        configure: impl FnOnce(ServerLayer) -> ServerLayer,
    ) -> Self {
        Self::capturing::<S>(Capture::new(), configure).await
    }

    pub(crate) async fn around<S: ServerUnderTest>(around: Around) -> Self {
        let capture = Capture::new();
        let layer = layer(&capture);
        Self::serve::<S>(capture, layer, around).await
    }

    pub(crate) async fn capturing<S: ServerUnderTest>(
        capture: Capture,
        configure: impl FnOnce(ServerLayer) -> ServerLayer,
    ) -> Self {
        let layer = configure(layer(&capture));
        Self::serve::<S>(capture, layer, Around::Nothing).await
    }

    async fn serve<S: ServerUnderTest>(
        capture: Capture,
        layer: ServerLayer,
        around: Around,
    ) -> Self {
        let app = Arc::new(App::new(&capture));
        let (listener, address) = listen().await;
        let server = tokio::spawn(S::serve(listener, app.clone(), layer, around)).abort_handle();
        Self { capture, app, address, protocol: S::PROTOCOL, server }
    }

    /// A plain Tower stack of the test's own: `stack` puts it together from the application, with
    /// its routes, and our layer.
    pub(crate) async fn stacked(
        protocol: Protocol,
        stack: impl FnOnce(Plain, ServerLayer) -> Plain,
    ) -> Self {
        let capture = Capture::new();
        let app = Arc::new(App::new(&capture));
        let service = stack(routed(app.clone()), layer(&capture));
        let (listener, address) = listen().await;
        let server = tokio::spawn(serve_hyper(listener, protocol, service)).abort_handle();
        Self { capture, app, address, protocol, server }
    }

    pub(crate) async fn connect(&self) -> Client {
        Client::connect(self.address, self.protocol).await
    }

    pub(crate) async fn connect_raw(&self) -> Raw {
        assert_eq!(self.protocol, Protocol::Http1);
        Raw::connect(self.address).await
    }

    /// Callers that can all have a request under way at once.
    pub(crate) async fn crowd(&self, size: usize) -> Vec<Client> {
        let first = self.connect().await;
        let mut crowd = Vec::with_capacity(size);
        while crowd.len() + 1 < size {
            crowd.push(match first.share() {
                Some(client) => client,
                None => self.connect().await,
            });
        }
        crowd.push(first);
        crowd
    }

    /// A successful `GET` by a caller at `client`, as its span must show it.
    pub(crate) fn expected(&self, client: SocketAddr, path: &str) -> Expected {
        Expected::get(self.protocol, self.address, client, path)
    }

    /// Waits until so many spans have ended, of all kinds; then no other may be open, no request
    /// may count as active, and the metrics must say what the server spans say.
    pub(crate) async fn ended(&self, spans: usize) -> Spans {
        self.capture.ended(spans).await;
        let ended = self.capture.finished().await;
        assert_eq!(ended.len(), spans, "all spans:\n{ended}");
        check_metrics(&self.capture.metrics(), &servers(&ended));
        ended
    }

    /// The only span that the requests so far left.
    pub(crate) async fn only(&self) -> Span {
        self.server_span(1).await
    }

    /// The only server span among so many.
    pub(crate) async fn server_span(&self, among: usize) -> Span {
        let spans = self.ended(among).await;
        let mut servers = servers(&spans);
        assert_eq!(servers.len(), 1, "all spans:\n{spans}");
        servers.remove(0)
    }

    /// How many requests are active now.
    pub(crate) fn active(&self) -> f64 {
        let metrics = self.capture.metrics();
        metrics.one("http.server.active_requests").points.iter().map(|point| point.value).sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The layer as every test has it.
fn layer(capture: &Capture) -> ServerLayer {
    ServerLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(Composite::new().and(TraceContext::new()).and(Baggage::new()))
        .active_requests(true)
}

fn servers(spans: &Spans) -> Vec<Span> {
    spans.iter().filter(|span| span.kind == SpanKind::Server).cloned().collect()
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
