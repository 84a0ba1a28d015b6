//! A program of the page as its operator runs it, with a collector that takes what it exports.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tracewire_testing::{Collector, Metrics, Spans};

/// The trace that every request of a test belongs to.
pub(crate) const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// What a service is asked, and the caller's span in the request's `traceparent`.
pub(crate) const REQUESTS: [(&str, &str); 4] = [
    ("/orders/7?page=2", ORDER),
    ("/fails", FAILING),
    ("/nowhere", UNMATCHED),
    ("/health", EXCLUDED),
];
pub(crate) const ORDER: &str = "b7ad6b7169200001";
pub(crate) const FAILING: &str = "b7ad6b7169200002";
pub(crate) const UNMATCHED: &str = "b7ad6b7169200003";
pub(crate) const EXCLUDED: &str = "b7ad6b7169200004";

/// What came out of a program.
pub(crate) struct Exported {
    pub(crate) spans: Spans,
    pub(crate) metrics: Metrics,
    /// What it printed, line by line.
    pub(crate) lines: Vec<String>,
    /// The headers of its responses, without those of every response.
    pub(crate) headers: BTreeSet<String>,
    /// The port of the service that was called.
    pub(crate) port: u16,
    /// Of a job: the `traceparent` of each call.
    pub(crate) called_with: Vec<String>,
}

/// Runs a service, sends it every request, stops it by Ctrl-C, and waits for its end.
pub(crate) fn serve(name: &str, variables: &[(&str, &str)]) -> Exported {
    let collector = Collector::start();
    let mut program = Running(command(name, &collector).envs(variables.to_vec()).spawn().unwrap());
    let mut printed = BufReader::new(program.0.stdout.take().unwrap());
    let mut lines = Vec::new();
    let address: SocketAddr = loop {
        let mut line = String::new();
        assert_ne!(printed.read_line(&mut line).unwrap(), 0, "{name} ended: {lines:?}");
        let line = line.trim_end();
        if let Some(address) = line.strip_prefix("http://") {
            break address.parse().unwrap();
        }
        lines.push(line.to_owned());
    };
    let reader =
        thread::spawn(move || printed.lines().map(|line| line.unwrap()).collect::<Vec<_>>());
    let headers = REQUESTS.iter().flat_map(|(path, parent)| headers(&get(address, path, parent)));
    let headers = headers.collect();
    kill_process(Pid::from_child(&program.0), Signal::INT).unwrap();
    program.succeeds(name);
    lines.extend(reader.join().unwrap());
    let (spans, metrics) = (collector.spans(), collector.metrics());
    Exported { spans, metrics, lines, headers, port: address.port(), called_with: Vec::new() }
}

/// Runs a job that calls a price service of ours: it knows the price of 7, not of 8, and hangs up
/// when asked for 9.
pub(crate) fn job(name: &str) -> Exported {
    let collector = Collector::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let prices = thread::spawn(move || [(); 3].map(|()| answer(&listener)));
    let mut program = command(name, &collector);
    let mut program = Running(program.arg(format!("http://127.0.0.1:{port}")).spawn().unwrap());
    let mut printed = BufReader::new(program.0.stdout.take().unwrap());
    program.succeeds(name);
    let called_with = prices.join().unwrap().into();
    let lines = printed.by_ref().lines().map(Result::unwrap).collect();
    let (spans, metrics) = (collector.spans(), collector.metrics());
    Exported { spans, metrics, lines, headers: BTreeSet::new(), port, called_with }
}

/// Answers one request, and gives back its `traceparent`.
fn answer(listener: &TcpListener) -> String {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut lines = BufReader::new(&stream).lines().map(Result::unwrap);
    let head: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let status = if head[0].contains("/prices/7 ") { "200 OK" } else { "404 Not Found" };
    let rest = "content-length: 2\r\nconnection: close\r\n\r\n42";
    if !head[0].contains("/prices/9 ") {
        write!(&stream, "HTTP/1.1 {status}\r\n{rest}").unwrap();
    }
    let traceparent = head.iter().find_map(|line| line.strip_prefix("traceparent: "));
    traceparent.unwrap_or_else(|| panic!("no traceparent in {head:?}")).to_owned()
}

/// The executable, as one of the programs, without the telemetry settings of the test's own process.
fn command(name: &str, collector: &Collector) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migrating"));
    for (name, _) in std::env::vars() {
        if ["OTEL_", "TRACEWIRE_", "RUST_LOG"].iter().any(|own| name.starts_with(own)) {
            command.env_remove(name);
        }
    }
    command
        .arg(name)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env("OTEL_SERVICE_NAME", "shop")
        .stdout(Stdio::piped());
    command
}

/// A program that is killed unless it ends.
struct Running(Child);

impl Running {
    fn succeeds(&mut self, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let status = loop {
            match self.0.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("{name} does not end"),
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        assert!(status.success(), "{name}: {status}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(address: SocketAddr, path: &str, parent: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nuser-agent: test/1\r\n\
         traceparent: 00-{TRACE}-{parent}-01\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

fn headers(response: &str) -> BTreeSet<String> {
    let usual = ["connection", "content-length", "content-type", "date"];
    let names = response.lines().skip(1).take_while(|line| !line.is_empty());
    let names = names.filter_map(|line| Some(line.split_once(':')?.0.to_owned()));
    names.filter(|name| !usual.contains(&name.as_str())).collect()
}
