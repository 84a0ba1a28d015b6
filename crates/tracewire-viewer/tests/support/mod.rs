//! The program, and a plain HTTP client.

#![allow(dead_code, unreachable_pub)] // each test uses some of it

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);

/// A viewer that runs, ended when dropped.
#[derive(Debug)]
pub struct Viewer {
    pub child: Child,
    /// What it has said, by line.
    pub lines: Vec<String>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Viewer {
    /// Starts it on free ports.
    pub fn start() -> Self {
        Self::with(&["--grpc-port", "0", "--http-port", "0", "--page-port", "0"], 3)
    }

    /// Starts it, and waits until it has said so many lines.
    pub fn with(arguments: &[&str], lines: usize) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tracewire-viewer"))
            .args(arguments)
            .env_remove("TRACEWIRE_LIVE_TOKEN")
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was built");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut read = || {
            let mut line = String::new();
            output.read_line(&mut line).expect("it says something");
            line.trim_end().to_owned()
        };
        let lines = (0..lines).map(|_| read()).collect();
        Self { child, lines }
    }

    /// `host:port` of the page.
    pub fn page(&self) -> &str {
        let url = self.lines[0].split_once("http://").expect("a link").1;
        url.split('/').next().expect("there is a first part")
    }

    /// `host:port` of an OTLP port, the one for gRPC first.
    pub fn otlp(&self, port: usize) -> &str {
        let mut mine = self.lines[1..].iter().filter(|line| line.contains("127.0.0.1"));
        let line = mine.nth(port).expect("two ports on 127.0.0.1");
        line.split_once("http://").expect("an address").1.split(' ').next().expect("a first part")
    }

    /// An answer of the page's API.
    pub fn api(&self, path: &str) -> Value {
        let answer =
            send(self.page(), &format!("GET /api/{path} HTTP/1.1\r\nhost: {}", self.page()), b"");
        assert_eq!(answer.status, 200, "{path}: {}", answer.head);
        serde_json::from_slice(&answer.body).expect("it is JSON")
    }

    /// Waits until the page has what is looked for.
    pub fn wait<T>(&self, path: &str, look: impl Fn(&Value) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.api(path);
            if let Some(found) = look(&answer) {
                return found;
            }
            assert!(Instant::now() < deadline, "{answer:#}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a body to the port for HTTP.
    pub fn post(&self, path: &str, headers: &str, body: &[u8]) -> Answer {
        let address = self.otlp(1);
        let head = format!("POST {path} HTTP/1.1\r\nhost: {address}\r\n{headers}");
        send(address, &head, body)
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request on a connection of its own.
pub fn send(address: &str, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    let head = format!("{head}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).expect("it reads");
    // A server that refuses a large body need not read it.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {read:?}"));
    let head = String::from_utf8(answer[..end].to_vec()).expect("it is text").to_lowercase();
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    let body = answer[end + 4..].to_vec();
    let body = if head.contains("transfer-encoding: chunked") { unchunked(&body) } else { body };
    Answer { status, head, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..line]).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[(line + 4 + size).min(rest.len())..];
    }
    body
}
