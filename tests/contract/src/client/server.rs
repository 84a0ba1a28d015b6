//! A server on a loopback port that answers as the tests need it and keeps what it was asked.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, LOCATION},
};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket},
    sync::Notify,
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

/// Headers of which a request may have one value each.
const SINGLE: [&str; 3] = ["traceparent", "tracestate", "baggage"];

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// What lies between a client and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Http1,
    Http2,
    /// HTTP/2, negotiated in the handshake.
    Tls,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    /// The only value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} was sent twice");
        Some(value.to_str().unwrap())
    }
}

/// The server; dropping it closes the port.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    transport: Transport,
    certificate: Option<CertificateDer<'static>>,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    arrived: Notify,
    release: Notify,
    connections: AtomicUsize,
    failures_left: AtomicUsize,
}

impl Server {
    /// A server that speaks HTTP/1.1, and HTTP/2 to those who know it, without TLS.
    pub async fn start() -> Self {
        Self::over(Transport::Http1).await
    }

    pub async fn over(transport: Transport) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let identity = (transport == Transport::Tls).then(identity);
        let (certificate, acceptor) = identity.unzip();
        let accepting = tokio::spawn(accept(listener, acceptor, shared.clone()));
        Self { address, transport, certificate, shared, accepting }
    }

    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The certificate to trust, in DER.
    pub fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.certificate.as_ref()
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn url(&self, path: &str) -> String {
        let scheme = if self.transport == Transport::Tls { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.address)
    }

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// The only request so far.
    pub fn only_received(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "one request expected: {received:#?}");
        received.remove(0)
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Waits for the next request.
    pub async fn arrived(&self) {
        self.shared.arrived.notified().await;
    }

    /// Sends the rest of `/long-request` or `/broken-body`.
    pub fn release(&self) {
        self.shared.release.notify_one();
    }

    /// Answers 503 to so many requests for `/flaky`.
    pub fn fail(&self, times: usize) {
        self.shared.failures_left.store(times, Ordering::SeqCst);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A port of this host on which nothing listens, nor will while the tests run.
pub fn closed_port() -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let port = socket.local_addr().unwrap().port();
    // Stays bound, so that no other process gets the port.
    std::mem::forget(socket);
    port
}

/// A certificate for this host, made for this server alone, and who presents it.
fn identity() -> (CertificateDer<'static>, TlsAcceptor) {
    let hosts = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let identity = rcgen::generate_simple_self_signed(hosts).unwrap();
    let certificate = identity.cert.der().clone();
    let key = PrivateKeyDer::try_from(identity.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (certificate, TlsAcceptor::from(Arc::new(config)))
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let (tls, shared) = (tls.clone(), shared.clone());
        tokio::spawn(async move {
            match tls {
                None => serve(stream, shared).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, shared).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(request, shared.clone()));
    let server = auto::Builder::new(TokioExecutor::new());
    // A client that goes away is part of some tests.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    shared.received.lock().unwrap().push(Received {
        method: head.method.clone(),
        path: head.uri.path().to_owned(),
        headers: head.headers.clone(),
        body,
    });
    shared.arrived.notify_one();
    let doubled = |name: &&str| head.headers.get_all(*name).iter().count() > 1;
    if SINGLE.iter().any(doubled) {
        return Ok(status(StatusCode::EXPECTATION_FAILED));
    }
    if head.method.as_str() == "TEST" {
        return Ok(status(StatusCode::METHOD_NOT_ALLOWED));
    }
    let mut answer = route(&head.uri, &head.headers, &shared).await;
    if let Some(value) = head.headers.get("x-test-request") {
        answer.headers_mut().insert(HeaderName::from_static("x-test-response"), value.clone());
    }
    Ok(answer)
}

async fn route(uri: &Uri, headers: &HeaderMap, shared: &Arc<Shared>) -> Answer {
    match uri.path() {
        "/success" => text("Success."),
        "/client-error" => status(StatusCode::BAD_REQUEST),
        "/missing" => status(StatusCode::NOT_FOUND),
        "/gzip" => gzip(GZIP),
        "/broken-gzip" => gzip(&[GZIP.split_at(20).0, b"\xff\xff\xff\xff\xff\xff"].concat()),
        "/cut-gzip" => gzip(GZIP.split_at(20).0),
        "/error" => status(StatusCode::INTERNAL_SERVER_ERROR),
        "/redirect" => redirect(StatusCode::FOUND, "/success"),
        "/another-redirect" => redirect(StatusCode::FOUND, "/redirect"),
        "/circular-redirect" => redirect(StatusCode::FOUND, "/circular-redirect"),
        "/far-away" => redirect(StatusCode::FOUND, &format!("/{}", "x".repeat(100_000))),
        "/fragment" => redirect(StatusCode::FOUND, "/success?x=1#access_token=SECRET"),
        "/to-secured" => redirect(StatusCode::FOUND, "/secured"),
        "/secured" if headers.contains_key(AUTHORIZATION) => text("Secret."),
        "/secured" => status(StatusCode::UNAUTHORIZED),
        // `/elsewhere/307?http://other/` leads there.
        path if path.starts_with("/elsewhere/") => {
            let code = path.rsplit('/').next().and_then(|code| code.parse().ok()).unwrap();
            redirect(StatusCode::from_u16(code).unwrap(), uri.query().unwrap_or_default())
        }
        "/flaky" => {
            let failing = |left: usize| left.checked_sub(1);
            let left = &shared.failures_left;
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, failing) {
                Ok(_) => status(StatusCode::SERVICE_UNAVAILABLE),
                Err(_) => text("Success."),
            }
        }
        "/silence" => std::future::pending().await,
        "/long-request" => staged(shared, Ok("World")),
        "/broken-body" => staged(shared, Err(io::ErrorKind::BrokenPipe)),
        _ => status(StatusCode::NOT_IMPLEMENTED),
    }
}

fn text(text: &'static str) -> Answer {
    Response::new(Full::from(text).map_err(|never: Infallible| match never {}).boxed_unsync())
}

/// `Success.` fifty times.
pub const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x0b\x2e\x4d\x4e\x4e\x2d\x2e\xd6\x0b\x1e\xa5\x07\x05\x0d\x00\x2a\xc6\x31\xd0\x90\x01\x00\x00";

fn gzip(body: &[u8]) -> Answer {
    let body = Full::from(body.to_vec()).map_err(|never: Infallible| match never {});
    let mut response = Response::new(body.boxed_unsync());
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

fn status(status: StatusCode) -> Answer {
    let mut response = text("");
    *response.status_mut() = status;
    response
}

fn redirect(code: StatusCode, location: &str) -> Answer {
    let mut response = status(code);
    response.headers_mut().insert(LOCATION, location.parse().unwrap());
    response
}

/// `Hello` at once, and `end` when the test releases it.
fn staged(shared: &Arc<Shared>, end: Result<&'static str, io::ErrorKind>) -> Answer {
    let shared = shared.clone();
    let released = Box::pin(async move { shared.release.notified().await });
    let mut response =
        Response::new(Staged { hello: true, released, end: Some(end) }.boxed_unsync());
    response.headers_mut().insert(CONTENT_LENGTH, 10.into());
    response
}

struct Staged {
    hello: bool,
    released: Pin<Box<dyn Future<Output = ()> + Send>>,
    end: Option<Result<&'static str, io::ErrorKind>>,
}

impl Body for Staged {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if std::mem::take(&mut self.hello) {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"Hello")))));
        }
        let Some(end) = self.end else { return Poll::Ready(None) };
        std::task::ready!(self.released.as_mut().poll(cx));
        self.end = None;
        Poll::Ready(Some(match end {
            Ok(text) => Ok(Frame::data(Bytes::from_static(text.as_bytes()))),
            Err(kind) => Err(kind.into()),
        }))
    }
}
