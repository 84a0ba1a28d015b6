//! The server of the page, on a thread of its own.

use super::{
    PrometheusExporter,
    connections::{Activity, Connections},
    service::{PrometheusService, plain},
};
use crate::{diagnostics::shown::Shown, error::ExportError};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use opentelemetry::Context;
use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    pin::{Pin, pin},
    sync::{Mutex, PoisonError, mpsc},
    task::Poll,
    thread,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    runtime::Runtime,
    sync::oneshot,
    time::{sleep, timeout},
};

/// How long the head of a request may take, and how long a connection may be idle between two.
const HEAD_LIMIT: Duration = Duration::from_secs(5);
const MOST_HEAD: usize = 16 * 1024;
/// How often connections that take too long are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// A server of the page for Prometheus, on a thread of its own, which ends when dropped.
///
/// It speaks HTTP/1.1 without authentication, and serves the page at `/metrics`. A slow or idle client
/// holds up no other one: at most 32 connections are open, a request's head may take five seconds and
/// be 16 KiB, and the answer has to be read within 30 seconds. Beyond 32 connections, one that never
/// sent a request is closed, or else the one whose last request is the oldest.
///
/// ```
/// use opentelemetry_sdk::metrics::SdkMeterProvider;
/// use tracewire_export::{PrometheusExporter, PrometheusServer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let exporter = PrometheusExporter::new();
/// let provider = SdkMeterProvider::builder().with_reader(exporter.clone()).build();
/// let server = PrometheusServer::start("127.0.0.1", 0, &exporter)?; // 0: a free port
/// println!("http://{}/metrics", server.address());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PrometheusServer {
    address: SocketAddr,
    // Taken only when dropped.
    stop: Option<oneshot::Sender<()>>,
    // In a mutex so that the guard can be shared between threads.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl PrometheusServer {
    /// Serves the page of `exporter` at this host and port; port 0 is any that is free.
    ///
    /// # Errors
    ///
    /// If nothing can listen there, or no thread can be started.
    pub fn start(
        host: &str,
        port: u16,
        exporter: &PrometheusExporter,
    ) -> Result<Self, ExportError> {
        let failed = |error| {
            ExportError::exporter(format!(
                "the page for Prometheus cannot be served on {}:{port}",
                Shown::value(host).text()
            ))
            .with_source(error)
        };
        let service = exporter.service();
        let listener = TcpListener::bind((host, port)).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        thread::Builder::new()
            .name("tracewire-prometheus".to_owned())
            .spawn(move || {
                let _suppressed = Context::enter_telemetry_suppressed_scope();
                // Made here, because a runtime may not be dropped where another one runs.
                let runtime = match runtime() {
                    Ok(runtime) => runtime,
                    Err(error) => return drop(begin.send(Err(error))),
                };
                runtime.block_on(run(listener, service, begin, stopped));
                // The port is free from here on.
                drop(end);
                // A callback of an instrument that hangs is left behind.
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        begun.recv().unwrap_or(Ok(())).map_err(failed)?;
        Ok(Self { address, stop: Some(stop), ended: Mutex::new(ended) })
    }
}

impl PrometheusServer {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for PrometheusServer {
    fn drop(&mut self) {
        self.stop.take();
        // So that the port can be taken again. The thread does nothing that takes long.
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(Duration::from_millis(250));
    }
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .thread_name("tracewire-prometheus-page")
        .on_thread_start(|| {
            // For as long as the thread lives: what callbacks do there is not to be traced.
            std::mem::forget(Context::enter_telemetry_suppressed_scope());
        })
        .enable_all()
        .build()
}

/// Serves until `stopped`, once it has told how it began.
async fn run(
    listener: TcpListener,
    service: PrometheusService,
    begin: mpsc::Sender<io::Result<()>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return drop(begin.send(Err(error))),
    };
    drop(begin.send(Ok(())));
    let mut serving = pin!(serve(listener, service));
    std::future::poll_fn(|cx| match Pin::new(&mut stopped).poll(cx) {
        Poll::Ready(_) => Poll::Ready(()),
        Poll::Pending => serving.as_mut().poll(cx),
    })
    .await;
}

async fn serve(listener: tokio::net::TcpListener, service: PrometheusService) {
    let mut connections = Connections::default();
    loop {
        match timeout(SWEEP, listener.accept()).await {
            Ok(Ok((stream, _))) => {
                let activity = Activity::opened(Instant::now());
                let task = tokio::spawn(connection(stream, service.clone(), activity.clone()));
                connections.add(activity, task.abort_handle());
            }
            Ok(Err(_)) => {
                // Out of descriptors, most likely: not a reason to spin.
                connections.close_one();
                sleep(Duration::from_millis(100)).await;
            }
            Err(_) => {}
        }
        connections.close_overdue(Instant::now());
    }
}

async fn connection(stream: TcpStream, service: PrometheusService, activity: Activity) {
    let answering = service_fn(move |request| {
        activity.asked(Instant::now());
        let service = service.clone();
        async move { Ok::<_, Infallible>(answer(request, service).await) }
    });
    // What a client does to its own connection is no concern of others.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(MOST_HEAD)
        .half_close(true) // some clients close their side once they have asked
        .serve_connection(TokioIo::new(stream), answering)
        .await;
}

/// The page has two paths; any other path gets a 404 that names one.
async fn answer(request: Request<Incoming>, service: PrometheusService) -> Response<Full<Bytes>> {
    let (head, _) = request.into_parts();
    let is_read = matches!(head.method, Method::GET | Method::HEAD);
    if is_read && !matches!(head.uri.path(), "/metrics" | "/") {
        return plain(StatusCode::NOT_FOUND, "see /metrics\n");
    }
    service.answer(head.method, head.headers).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::metrics::{Meter, MeterProvider};
    use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{Shutdown, TcpStream},
    };

    const SCRAPE: &str = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

    struct Running {
        server: PrometheusServer,
        provider: SdkMeterProvider,
    }

    fn start() -> Running {
        let exporter = PrometheusExporter::new();
        let provider = SdkMeterProvider::builder()
            .with_reader(exporter.clone())
            .with_resource(Resource::builder_empty().build())
            .build();
        let server = PrometheusServer::start("127.0.0.1", 0, &exporter).unwrap();
        Running { server, provider }
    }

    impl Running {
        fn meter(&self) -> Meter {
            self.provider.meter("test")
        }

        fn connect(&self) -> TcpStream {
            let stream = TcpStream::connect(self.server.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            stream
        }

        /// The answer to a request after which the connection is closed.
        fn ask(&self, text: &str) -> String {
            let mut stream = self.connect();
            stream.write_all(text.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        }

        fn scrape(&self) {
            let answer = self.ask(SCRAPE);
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        }
    }

    /// Whether the server has neither closed the connection nor said anything.
    fn is_open(stream: &mut TcpStream) -> bool {
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let read = stream.read(&mut [0]).map_err(|error| error.kind());
        matches!(read, Err(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }

    #[test]
    fn the_page_is_at_two_paths_for_get_and_head() {
        let running = start();
        for (method, target, status) in [
            ("GET", "/metrics", 200),
            ("HEAD", "/metrics?x=y", 200),
            ("GET", "/", 200),
            ("GET", "http://host/metrics", 200),
            ("GET", "/metrics/", 404),
            ("GET", "/favicon.ico", 404),
            ("POST", "/metrics", 405),
            ("OPTIONS", "*", 405),
        ] {
            let head = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
            let answer = running.ask(&format!("{head}\r\n"));
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status} ")),
                "{method} {target}: {answer}"
            );
            assert_eq!(answer.contains("\r\nallow: GET, HEAD\r\n"), status == 405, "{answer}");
        }
    }

    #[test]
    fn the_page_shows_what_was_counted_until_the_server_is_dropped() {
        let running = start();
        let orders = running.meter().u64_counter("orders").build();
        for expected in [1, 2] {
            orders.add(1, &[]);
            let answer = running.ask(SCRAPE);
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            let line = format!("orders_total{{otel_scope_name=\"test\"}} {expected}\n");
            assert!(answer.contains(&line), "{answer}");
        }
        for (text, status) in [
            ("GET /other HTTP/1.1\r\nconnection: close\r\n\r\n", "404"),
            ("POST /metrics HTTP/1.1\r\nconnection: close\r\n\r\n", "405"),
            ("nonsense\r\n\r\n", "400"),
        ] {
            assert!(running.ask(text).starts_with(&format!("HTTP/1.1 {status}")), "{text}");
        }
        let open = "GET /metrics HTTP/1.1\r\nconnection: close\r\n\
                    ACCEPT: application/openmetrics-text\r\n\r\n";
        let answer = running.ask(open);
        assert!(answer.contains("content-type: application/openmetrics-text; "), "{answer}");
        assert!(answer.ends_with("# EOF\n"), "{answer}");
        let head = running.ask("HEAD /metrics HTTP/1.1\r\nconnection: close\r\n\r\n");
        assert!(head.ends_with("\r\n\r\n") && head.contains("content-length: "), "{head}");
        let address = running.server.address;
        drop(running);
        assert!(TcpListener::bind(address).is_ok());
    }

    #[test]
    fn a_connection_serves_one_request_after_the_other() {
        let running = start();
        let mut stream = BufReader::new(running.connect());
        for _ in 0..3 {
            stream.get_mut().write_all(b"HEAD /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            assert_eq!(line, "HTTP/1.1 200 OK\r\n");
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line).unwrap();
            }
        }
    }

    #[test]
    fn a_client_that_closes_its_side_gets_its_answer() {
        let running = start();
        let mut stream = running.connect();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }

    #[test]
    fn a_server_can_be_started_and_dropped_inside_a_runtime() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let running = start();
            running.scrape();
            drop(running);
        });
    }

    #[test]
    fn idle_connections_hold_up_no_scrape() {
        let running = start();
        let mut idle: Vec<_> = (0..5).map(|_| running.connect()).collect();
        running.scrape();
        // It was answered while they were open, and not because one after the other was closed.
        assert!(idle.iter_mut().all(is_open));
    }

    #[test]
    fn a_request_that_never_ends_holds_up_no_scrape_and_is_closed() {
        let running = start();
        let mut slow = running.connect();
        slow.write_all(b"GET /metr").unwrap();
        running.scrape();
        assert!(is_open(&mut slow));
        // Bytes go on to arrive, and the limit is for all of them together.
        let parts = (0..30).take_while(|_| {
            thread::sleep(HEAD_LIMIT / 10);
            slow.write_all(b"x").is_ok() && is_open(&mut slow)
        });
        assert!(parts.count() < 30);
    }

    #[test]
    fn an_answer_that_nobody_reads_holds_up_no_scrape() {
        let running = start();
        let orders = running.meter().u64_counter("orders").build();
        // A page larger than what sockets take without being read.
        for series in 0..1_900 {
            let value = format!("{series}{}", "x".repeat(8_000));
            orders.add(1, &[opentelemetry::KeyValue::new("series", value)]);
        }
        let unread: Vec<_> = (0..3)
            .map(|_| {
                let mut stream = running.connect();
                stream.write_all(SCRAPE.as_bytes()).unwrap();
                stream
            })
            .collect();
        running.scrape();
        for mut stream in unread {
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            let (head, page) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("content-length: {}", page.len())), "cut: {head}");
        }
    }

    #[test]
    fn hundreds_of_connections_are_bounded_and_hold_up_no_scrape() {
        let running = start();
        let mut streams: Vec<_> = (0..400).map(|_| running.connect()).collect();
        running.scrape();
        let open = streams.iter_mut().filter_map(|stream| is_open(stream).then_some(())).count();
        assert!(open <= 32, "{open}");
    }

    #[test]
    fn an_instrument_whose_callback_panics_ends_no_server() {
        let running = start();
        let _gauge = running
            .meter()
            .u64_observable_gauge("broken")
            .with_callback(|_| panic!("on purpose"))
            .build();
        let answer = running.ask(SCRAPE);
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        // What the SDK cannot collect any more is no empty page.
        let answer = running.ask(SCRAPE);
        assert!(answer.starts_with("HTTP/1.1 50"), "{answer}");
        let other = running.ask("GET /other HTTP/1.1\r\nconnection: close\r\n\r\n");
        assert!(other.starts_with("HTTP/1.1 404"), "{other}");
    }

    #[test]
    fn an_instrument_whose_callback_hangs_does_not_hold_up_the_end() {
        let running = start();
        let (open, wait) = mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        let (enter, entered) = mpsc::channel::<()>();
        let _gauge = running
            .meter()
            .u64_observable_gauge("slow")
            .with_callback(move |_| {
                enter.send(()).unwrap();
                let _ = wait.lock().unwrap().recv();
            })
            .build();
        let mut hanging = running.connect();
        hanging.write_all(SCRAPE.as_bytes()).unwrap();
        entered.recv().unwrap();
        let Running { server, provider: _provider } = running;
        let address = server.address;
        drop(server);
        assert!(TcpListener::bind(address).is_ok());
        drop(open);
    }

    #[test]
    fn a_port_that_is_taken_is_an_error() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let exporter = PrometheusExporter::new();
        let error = PrometheusServer::start("127.0.0.1", port, &exporter).unwrap_err();
        assert!(error.is_exporter() && error.to_string().contains(&port.to_string()), "{error}");
    }
}
