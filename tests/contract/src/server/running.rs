//! A server under test that is running, and what its requests left in the capture.

use super::{
    App, Around, Client, Protocol, ServerUnderTest, Setup,
    expected::{Expected, check_metrics},
    raw::Raw,
};
use opentelemetry::trace::SpanKind;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::AbortHandle, time::sleep};
use tracewire_testing::{Capture, Span, Spans};

pub struct Running {
    pub capture: Capture,
    pub app: Arc<App>,
    pub address: SocketAddr,
    pub protocol: Protocol,
    scope: &'static str,
    server: AbortHandle,
}

impl Running {
    pub async fn start<S: ServerUnderTest>() -> Self {
        Self::with::<S>(|_| ()).await
    }

    pub async fn around<S: ServerUnderTest>(around: Around) -> Self {
        Self::with::<S>(|setup| setup.around = around).await
    }

    /// A server that is set up differently.
    pub async fn with<S: ServerUnderTest>(configure: impl FnOnce(&mut Setup)) -> Self {
        Self::capturing::<S>(Capture::new(), configure).await
    }

    pub async fn capturing<S: ServerUnderTest>(
        capture: Capture,
        configure: impl FnOnce(&mut Setup),
    ) -> Self {
        let mut setup = Setup::new(capture);
        configure(&mut setup);
        Self::serve(S::PROTOCOL, S::SCOPE, setup, S::serve).await
    }

    /// Serves by a function of the test's own.
    pub async fn serve<F>(
        protocol: Protocol,
        scope: &'static str,
        setup: Setup,
        serve: impl FnOnce(TcpListener, Arc<App>, Setup) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let capture = setup.capture.clone();
        let app = Arc::new(App::new(&capture));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, app.clone(), setup)).abort_handle();
        Self { capture, app, address, protocol, scope, server }
    }

    pub async fn connect(&self) -> Client {
        Client::connect(self.address, self.protocol).await
    }

    pub async fn connect_raw(&self) -> Raw {
        assert_eq!(self.protocol, Protocol::Http1);
        Raw::connect(self.address).await
    }

    /// Callers that can all have a request under way at once.
    pub async fn crowd(&self, size: usize) -> Vec<Client> {
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
    pub fn expected(&self, client: SocketAddr, path: &str) -> Expected {
        Expected::get(self.protocol, self.scope, self.address, client, path)
    }

    /// Waits until so many spans have ended, of all kinds; then no other may be open, no request
    /// may count as active, and the metrics must say what the server spans say.
    pub async fn ended(&self, spans: usize) -> Spans {
        self.capture.ended(spans).await;
        let ended = self.capture.finished().await;
        assert_eq!(ended.len(), spans, "all spans:\n{ended}");
        let servers = servers(&ended);
        self.measured(servers.len() as u64).await;
        check_metrics(&self.capture.metrics(), self.scope, &servers);
        ended
    }

    /// Waits until so many requests are measured: a server on other threads may just have ended the
    /// span. What is missing after a while, the check of the metrics says.
    async fn measured(&self, requests: u64) {
        for _ in 0..1000 {
            let metrics = self.capture.metrics();
            let duration = metrics.iter().find(|one| one.name == "http.server.request.duration");
            let points = duration.map_or(&[][..], |duration| &duration.points);
            if points.iter().map(|point| point.count).sum::<u64>() >= requests {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// The only span that the requests so far left.
    pub async fn only(&self) -> Span {
        self.server_span(1).await
    }

    /// The only server span among so many.
    pub async fn server_span(&self, among: usize) -> Span {
        let spans = self.ended(among).await;
        let mut servers = servers(&spans);
        assert_eq!(servers.len(), 1, "all spans:\n{spans}");
        servers.remove(0)
    }

    /// How many requests are active now.
    pub fn active(&self) -> f64 {
        let metrics = self.capture.metrics();
        metrics.one("http.server.active_requests").points.iter().map(|point| point.value).sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn servers(spans: &Spans) -> Vec<Span> {
    spans.iter().filter(|span| span.kind == SpanKind::Server).cloned().collect()
}
