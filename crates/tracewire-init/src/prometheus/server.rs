//! The server of the page: one thread, one request on each connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::{Format, HOST, PORT, Reader};
use crate::error::InitError;
use crate::shown::Shown;

/// For each read and write: somebody slow must not keep the page from others for long.
const PATIENCE: Duration = Duration::from_secs(2);
const MOST_HEAD: usize = 8 * 1024;

/// A running server, which ends when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start((host, port): (String, u16), reader: Reader) -> Result<Self, InitError> {
        let failed = |error| {
            InitError::exporter(format!(
                "the page for Prometheus cannot be served on {}:{port} ({HOST}, {PORT})",
                Shown::value(&host).text()
            ))
            .with_source(error)
        };
        let listener = TcpListener::bind((&*host, port)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        thread::Builder::new()
            .name("tracewire-prometheus".to_owned())
            .spawn(move || run(&listener, &reader, &stop))
            .map_err(failed)?;
        Ok(Self { address, stopping })
    }

    #[cfg(test)]
    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // Wakes the thread; if nobody listens any more, it has ended already.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_millis(100));
    }
}

fn run(listener: &TcpListener, reader: &Reader, stopping: &AtomicBool) {
    for stream in listener.incoming() {
        if stopping.load(Ordering::Acquire) {
            return;
        }
        match stream {
            // What a client does to its own connection is no concern of others.
            Ok(stream) => drop(answer(stream, reader)),
            // Out of descriptors, most likely: not a reason to spin.
            Err(_) => thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn answer(mut stream: TcpStream, reader: &Reader) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read(&mut part)?;
        if read == 0 || head.len() + read > MOST_HEAD {
            return Ok(());
        }
        head.extend_from_slice(&part[..read]);
    }
    let plain = "text/plain; charset=utf-8";
    let (status, content_type, body) = match request(&head) {
        Some(("GET" | "HEAD", "/metrics" | "/")) => {
            let format = Format::accepted(&accept(&head));
            ("200 OK", format.content_type(), reader.page(format))
        }
        Some(("GET" | "HEAD", _)) => ("404 Not Found", plain, "see /metrics\n".to_owned()),
        Some(_) => ("405 Method Not Allowed", plain, String::new()),
        None => ("400 Bad Request", plain, String::new()),
    };
    let shown = if head.starts_with(b"HEAD ") { "" } else { &*body };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nvary: accept\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{shown}",
        body.len()
    );
    stream.write_all(answer.as_bytes())
}

/// The method and the path of a request's first line.
fn request(head: &[u8]) -> Option<(&str, &str)> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    Some((method, target.split('?').next()?))
}

/// What is accepted, by all lines that say so.
fn accept(head: &[u8]) -> String {
    let head = String::from_utf8_lossy(head);
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let accepted = fields.filter(|(name, _)| name.eq_ignore_ascii_case("accept"));
    accepted.map(|(_, value)| value).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::metrics::SdkMeterProvider;
    use proptest::prelude::*;

    fn ask(address: SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn the_page_shows_what_was_counted_until_the_server_is_dropped() {
        let reader = Reader::new();
        let provider = SdkMeterProvider::builder()
            .with_reader(reader.clone())
            .with_resource(Resource::builder_empty().build())
            .build();
        let server = Server::start(("127.0.0.1".to_owned(), 0), reader).unwrap();
        let orders = provider.meter("test").u64_counter("orders").build();
        for expected in [1, 2] {
            orders.add(1, &[]);
            let answer = ask(server.address(), "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n");
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            let line = format!("orders_total{{otel_scope_name=\"test\"}} {expected}\n");
            assert!(answer.contains(&line), "{answer}");
        }
        for (text, status) in [
            ("GET /other HTTP/1.1\r\n\r\n", "404"),
            ("POST /metrics HTTP/1.1\r\n\r\n", "405"),
            ("nonsense\r\n\r\n", "400"),
        ] {
            assert!(
                ask(server.address(), text).starts_with(&format!("HTTP/1.1 {status}")),
                "{text}"
            );
        }
        let open = "GET /metrics HTTP/1.1\r\nACCEPT: application/openmetrics-text\r\n\r\n";
        let answer = ask(server.address(), open);
        assert!(answer.contains("content-type: application/openmetrics-text; "), "{answer}");
        assert!(answer.ends_with("# EOF\n"), "{answer}");
        let head = ask(server.address(), "HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.ends_with("\r\n\r\n"), "{head}");
    }

    #[test]
    fn a_port_that_is_taken_is_an_error() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Server::start(("127.0.0.1".to_owned(), port), Reader::new()).unwrap_err();
        assert!(error.is_exporter() && error.to_string().contains(&port.to_string()), "{error}");
    }

    proptest! {
        #[test]
        fn no_request_panics(head in any::<Vec<u8>>()) {
            let _ = (request(&head), accept(&head));
        }
    }
}
