//! Starts the service on a free port and ends it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How long anything here may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running service; dropping it kills it.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracewire-test-service"));
    for (name, _) in std::env::vars()
        .filter(|(name, _)| name.starts_with("OTEL_") || name.starts_with("TRACEWIRE_"))
    {
        command.env_remove(name);
    }
    command
        .env("OTEL_TRACES_EXPORTER", "none")
        .env("OTEL_METRICS_EXPORTER", "none")
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command
}

impl Service {
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_with(variables, |_| ())
    }

    /// Starts it after `change` was made to the command.
    pub(crate) fn start_with(
        variables: &[(&str, &str)],
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let port = free_port();
        let mut command = command(variables);
        command.env("PORT", port.to_string());
        change(&mut command);
        let child = command.spawn().unwrap();
        let service = Self { child, address: ([127, 0, 0, 1], port).into() };
        service.wait_until_it_listens();
        service
    }

    fn wait_until_it_listens(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "does not listen");
            std::thread::yield_now();
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends one HTTP/1.1 request and returns the whole answer.
    pub(crate) fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
        let head = head.trim_end().replace('\n', "\r\n");
        write!(
            stream,
            "{head}\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.wait()
    }

    fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "does not end");
            std::thread::yield_now();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A listener that takes one request, answers 200, and tells what the request said.
pub(crate) struct Witness(TcpListener);

impl Witness {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.0.local_addr().unwrap())
    }

    /// The head of the next request, with header names in lower case.
    pub(crate) fn next(&self) -> String {
        let (mut stream, _) = self.0.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = Vec::new();
        let mut octet = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut octet).unwrap() == 1 {
            head.push(octet[0]);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
            .unwrap();
        String::from_utf8(head).unwrap().to_lowercase()
    }
}

/// The values of one header, in their order.
pub(crate) fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let prefix = format!("{name}: ");
    head.lines().filter_map(|line| line.strip_prefix(&prefix)).collect()
}
