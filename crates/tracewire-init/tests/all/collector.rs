//! A collector with faults: a small HTTP server on a free port of the loopback interface.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

#[cfg(feature = "logs")]
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;

/// How the collector answers a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// 200.
    Accept,
    /// 200, and so many spans of the batch were not wanted.
    Reject(i64),
    /// This status.
    Status(u16),
    /// This status with `Retry-After` in seconds.
    RetryAfter(u16, u64),
    /// This status with this `Retry-After`.
    RetryAt(u16, &'static str),
    /// 307 to itself.
    Redirect,
    /// 200 after a while.
    Late(Duration),
    /// Never.
    Hang,
}

/// A request that the collector read whole.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn decoded(&self) -> Vec<u8> {
        if self.header("content-encoding") != Some("gzip") {
            return self.body.clone();
        }
        let mut decoded = Vec::new();
        flate2::read::GzDecoder::new(&*self.body).read_to_end(&mut decoded).unwrap();
        decoded
    }

    pub(crate) fn traces(&self) -> ExportTraceServiceRequest {
        ExportTraceServiceRequest::decode(&*self.decoded()).unwrap()
    }

    pub(crate) fn metrics(&self) -> ExportMetricsServiceRequest {
        ExportMetricsServiceRequest::decode(&*self.decoded()).unwrap()
    }

    #[cfg(feature = "logs")]
    pub(crate) fn logs(&self) -> ExportLogsServiceRequest {
        ExportLogsServiceRequest::decode(&*self.decoded()).unwrap()
    }

    pub(crate) fn spans(&self) -> usize {
        self.traces()
            .resource_spans
            .iter()
            .flat_map(|resource| &resource.scope_spans)
            .map(|scope| scope.spans.len())
            .sum()
    }
}

/// A running collector. Its threads end with the process.
pub(crate) struct Collector {
    scheme: &'static str,
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    news: mpsc::Receiver<()>,
}

impl Collector {
    /// Gives each request the next answer, and the last one to all that follow.
    pub(crate) fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self::start_with("http", answers, Some)
    }

    /// Likewise, behind what `accept` makes of each connection.
    pub(crate) fn start_with<S: Read + Write>(
        scheme: &'static str,
        answers: impl IntoIterator<Item = Answer>,
        accept: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let answers: Vec<Answer> = answers.into_iter().collect();
        let next = Arc::new(Mutex::new(0));
        let (tell, news) = mpsc::channel();
        let log = Arc::clone(&received);
        let accept = Arc::new(accept);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, next, answers, tell) =
                    (Arc::clone(&log), Arc::clone(&next), answers.clone(), tell.clone());
                let accept = Arc::clone(&accept);
                thread::spawn(move || {
                    let choose = || {
                        let mut next = next.lock().unwrap();
                        let answer = answers[(*next).min(answers.len() - 1)];
                        *next += 1;
                        answer
                    };
                    if let Some(stream) = accept(stream.unwrap()) {
                        serve(stream, &choose, &log, &tell);
                    }
                });
            }
        });
        Self { scheme, address, received, news }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Spans in all requests, whatever they were answered.
    pub(crate) fn spans(&self) -> usize {
        let received = self.received();
        received.iter().filter(|request| request.path == "/v1/traces").map(Received::spans).sum()
    }

    /// Waits for the next request to arrive.
    pub(crate) fn wait(&self) {
        self.news.recv_timeout(Duration::from_secs(30)).expect("a request arrives");
    }
}

/// A port on which nobody listens, and which nobody else gets while this process lives.
pub(crate) fn refusing() -> String {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    std::mem::forget(socket);
    url
}

fn serve(
    stream: impl Read + Write,
    choose: &dyn Fn() -> Answer,
    log: &Mutex<Vec<Received>>,
    tell: &mpsc::Sender<()>,
) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        log.lock().unwrap().push(request);
        let _ = tell.send(());
        let mut body = Vec::new();
        let (status, extra) = match choose() {
            Answer::Accept => (200, String::new()),
            Answer::Reject(rejected_spans) => {
                body = ExportTraceServiceResponse {
                    partial_success: Some(ExportTracePartialSuccess {
                        rejected_spans,
                        error_message: "too old".to_owned(),
                    }),
                }
                .encode_to_vec();
                (200, String::new())
            }
            Answer::Status(status) => (status, String::new()),
            Answer::Redirect => (307, "location: /elsewhere\r\n".to_owned()),
            Answer::RetryAfter(status, seconds) => (status, format!("retry-after: {seconds}\r\n")),
            Answer::RetryAt(status, when) => (status, format!("retry-after: {when}\r\n")),
            Answer::Late(delay) => {
                thread::sleep(delay);
                (200, String::new())
            }
            Answer::Hang => loop {
                thread::park();
            },
        };
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n{extra}\r\n", body.len());
        let writer = reader.get_mut();
        if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&body)).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|&read| read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut request = Received { path, headers, body: Vec::new() };
    let length = request.header("content-length")?.parse().ok()?;
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}
