//! HTTP clients that the program gave: one that signs, one over a Unix socket, and some that hang.

use async_trait::async_trait;
use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::{
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};
use tracewire_export::{Batch, BatchSpanProcessor, Compression, Exports, OtlpExporter};

fn provider(exports: &Exports, client: impl HttpClient + 'static) -> SdkTracerProvider {
    let mut otlp = OtlpExporter::new("http://user:pass@collector.example/v1/traces?key=secret");
    otlp.client = Some(Arc::new(client));
    otlp.compression = Compression::Gzip;
    let processor = BatchSpanProcessor::new(exports).otlp(otlp, Batch::spans()).unwrap();
    SdkTracerProvider::builder().with_span_processor(processor).build()
}

/// Signs each request as clouds want it, and passes it on.
#[derive(Debug)]
struct Signing(Mutex<Sender<Request<Bytes>>>);

#[async_trait]
impl HttpClient for Signing {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sum =
            request.body().iter().fold(0_u64, |sum, byte| sum * 31 % 65_521 + u64::from(*byte));
        request.headers_mut().insert("x-signature", sum.into());
        self.0.lock().unwrap().send(request)?;
        Ok(Response::new(Bytes::new()))
    }
}

#[test]
fn a_client_that_signs_gets_the_whole_request() {
    let (exports, (sent, requests)) = (Exports::new(), channel());
    let provider = provider(&exports, Signing(Mutex::new(sent)));
    provider.tracer("test").start("work").end();
    provider.shutdown().unwrap();
    let request = requests.try_recv().unwrap();
    assert_eq!((request.method(), request.uri().path()), (&http::Method::POST, "/v1/traces"));
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "gzip"),
        ("authorization", "Basic dXNlcjpwYXNz"),
    ] {
        assert_eq!(request.headers()[name], value);
    }
    assert!(request.headers().contains_key("x-signature"));
    assert_eq!(&request.body()[..2], [0x1f, 0x8b]);
    assert_eq!(exports.report().to_string(), "spans to otlp: 1 exported");
}

/// Fails twice, and answers then.
#[derive(Debug, Default)]
struct Flaky(Mutex<u32>);

#[async_trait]
impl HttpClient for Flaky {
    async fn send_bytes(&self, _: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut tries = self.0.lock().unwrap();
        *tries += 1;
        match *tries {
            1 => Err("broken pipe".into()),
            2 => Ok(Response::builder().status(503).body(Bytes::new())?),
            _ => Ok(Response::new(Bytes::new())),
        }
    }
}

#[test]
fn what_another_client_could_not_send_is_sent_again() {
    let exports = Exports::new();
    let provider = provider(&exports, Flaky::default());
    provider.tracer("test").start("work").end();
    provider.force_flush().unwrap();
    assert_eq!(exports.report().to_string(), "spans to otlp: 1 exported");
    provider.shutdown().unwrap();
}

/// Says the URL in its error, as many clients do.
#[derive(Debug)]
struct Talkative;

#[async_trait]
impl HttpClient for Talkative {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        Err(format!("error sending request for url ({})", request.uri()).into())
    }
}

#[test]
fn no_secret_of_a_clients_error_is_in_the_report() {
    let exports = Exports::new();
    let provider = provider(&exports, Talkative);
    provider.tracer("test").start("work").end();
    let _ = provider.shutdown_with_timeout(Duration::from_millis(500));
    let report = exports.report().to_string();
    assert!(report.contains("1 failed") && report.contains("error sending request"), "{report}");
    assert!(!report.contains("secret") && !report.contains("pass"), "{report}");
}

/// Never answers: without a thread, or with the one that sends.
#[derive(Debug)]
struct Hanging {
    entered: Mutex<Sender<()>>,
    /// Blocks until it is dropped, if there is any.
    gate: Option<Mutex<Receiver<()>>>,
}

#[async_trait]
impl HttpClient for Hanging {
    async fn send_bytes(&self, _: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.entered.lock().unwrap().send(())?;
        if let Some(gate) = &self.gate {
            let _ = gate.lock().unwrap().recv();
        }
        std::future::pending().await
    }
}

#[test]
fn a_client_that_hangs_does_not_hang_the_shutdown() {
    for blocks in [false, true] {
        let (exports, (entered, hangs), (open, gate)) = (Exports::new(), channel(), channel());
        let gate = blocks.then_some(Mutex::new(gate));
        let provider = provider(&exports, Hanging { entered: Mutex::new(entered), gate });
        provider.tracer("test").start("work").end();
        let limit = Duration::from_millis(300);
        let begun = Instant::now();
        let ended = provider.shutdown_with_timeout(limit);
        // It would be for ever otherwise.
        assert!(begun.elapsed() < Duration::from_secs(60));
        hangs.recv().unwrap();
        let report = exports.report();
        // One that only waits is given up in time; one that blocks its thread cannot be.
        assert_eq!((ended.is_err(), report.lost()), (blocks, 1), "{report}");
        assert_eq!(report.signals()[0].unknown(), u64::from(blocks));
        drop(open);
    }
}

#[cfg(unix)]
mod unix {
    use super::*;
    use http_body_util::{BodyExt, Full};
    use hyper::{body::Incoming, service::service_fn};
    use hyper_util::rt::TokioIo;
    use std::{convert::Infallible, path::PathBuf};
    use tokio::{
        net::{UnixListener, UnixStream},
        runtime::Handle,
    };

    /// Speaks HTTP over a Unix socket, on a runtime of the program.
    #[derive(Debug)]
    struct OverSocket {
        path: PathBuf,
        runtime: Handle,
    }

    async fn send(path: PathBuf, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let stream = UnixStream::connect(path).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let response = sender.send_request(request.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }

    #[async_trait]
    impl HttpClient for OverSocket {
        async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
            self.runtime.spawn(send(self.path.clone(), request)).await?
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn spans_go_over_a_unix_socket() {
        let path = std::env::temp_dir().join(format!("tracewire-{}.sock", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let (tell, told) = channel();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = service_fn(move |request: hyper::Request<Incoming>| {
                let tell = tell.clone();
                async move {
                    let path = request.uri().path().to_owned();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    tell.send((path, body.len())).unwrap();
                    Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::new())))
                }
            });
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
        let exports = Exports::new();
        let client = OverSocket { path: path.clone(), runtime: Handle::current() };
        let provider = provider(&exports, client);
        provider.tracer("test").start("work").end();
        tokio::task::spawn_blocking(move || provider.shutdown()).await.unwrap().unwrap();
        let (asked, bytes) = told.recv().unwrap();
        assert!(asked == "/v1/traces" && bytes > 50, "{asked} {bytes}");
        assert_eq!(exports.report().to_string(), "spans to otlp: 1 exported");
        server.abort();
        std::fs::remove_file(path).unwrap();
    }
}
