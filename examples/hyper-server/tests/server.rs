//! The server as a user runs it.
#![allow(clippy::unwrap_used)] // a test may

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

struct Server {
    process: Child,
    address: String,
    printed: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hyper-server"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
            command.env_remove(name);
        }
        command
            .env("LISTEN", "127.0.0.1:0")
            .env("OTEL_TRACES_EXPORTER", "console")
            .env("OTEL_METRICS_EXPORTER", "none")
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut printed = BufReader::new(process.stdout.take().unwrap());
        let line = read_until(&mut printed, "listening on ");
        let address = line.trim_end().rsplit('/').next().unwrap().to_owned();
        Self { process, address, printed }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             traceparent: 00-{TRACE}-{PARENT}-01\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The line that the console prints for the next server span, below its trace's.
    fn span(&mut self) -> String {
        assert!(read_until(&mut self.printed, "trace ").contains(TRACE));
        read_until(&mut self.printed, "SERVER ")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read_until(lines: &mut impl BufRead, needle: &str) -> String {
    let mut line = String::new();
    while !line.contains(needle) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "ended before {needle:?}");
    }
    line
}

#[test]
fn requests_are_traced_with_route_and_parent() {
    let mut server = Server::start();
    let answer = server.get("/hello/Ada");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Hello, Ada!"), "{answer}");
    let span = server.span();
    for part in ["SERVER GET /hello/{name} ", "path=/hello/Ada", PARENT] {
        assert!(span.contains(part), "{part:?} in {span:?}");
    }

    assert!(server.get("/nowhere").starts_with("HTTP/1.1 404"));
    let span = server.span();
    for part in ["SERVER GET ", "path=/nowhere", "404"] {
        assert!(span.contains(part), "{part:?} in {span:?}");
    }
    assert!(!span.contains("GET /"), "{span:?}");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_once_open_connections_are_done() {
    use rustix::process::{Pid, Signal, kill_process};
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start();
        let mut open = TcpStream::connect(&server.address).unwrap();
        open.write_all(b"GET /hello/Ada HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut answer = [0; 15];
        open.read_exact(&mut answer).unwrap();
        let id = i32::try_from(server.process.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
        // The idle connection is closed, not broken.
        open.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(server.process.wait().unwrap().code(), Some(0), "{signal:?}");
        assert!(read_until(&mut server.printed, "SERVER ").contains("/hello/{name}"));
    }
}
