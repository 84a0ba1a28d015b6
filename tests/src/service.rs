//! A program of the examples, as a stranger runs it.

use std::{
    io::{BufRead, BufReader, Read, Write, copy, sink},
    net::TcpStream,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
};

/// What the names of variables begin with that telemetry reads.
const VARIABLES: [&str; 4] = ["OTEL_", "DD_", "ELASTIC_", "UPTRACE_"];

/// A running service; dropping it ends it.
#[derive(Debug)]
pub struct Service {
    process: Child,
    address: String,
}

impl Service {
    /// Starts `program` with these variables, none else that telemetry would read, and a free port
    /// in `LISTEN`; waits until it says where it listens. It sends spans soon.
    ///
    /// # Panics
    ///
    /// If it cannot be started, or ends before it listens.
    #[must_use]
    #[track_caller]
    pub fn start(program: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program);
        let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in set.filter(|name| VARIABLES.iter().any(|own| name.starts_with(own))) {
            command.env_remove(name);
        }
        command.env("LISTEN", "127.0.0.1:0").env_remove("RUST_LOG");
        command.env("OTEL_BSP_SCHEDULE_DELAY", "50").env("OTEL_BLRP_SCHEDULE_DELAY", "50");
        command.envs(variables.iter().copied()).stdout(Stdio::piped());
        let process = command.spawn().expect("the program was just built");
        let mut service = Self { process, address: String::new() };
        let output = service.process.stdout.take().expect("it is piped");
        service.address = address(output).expect("it listens before it ends");
        service
    }

    /// The whole answer to a GET request with these header lines.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str, headers: &str) -> String {
        ask(&self.address, &format!("GET {path}"), headers)
    }

    /// Where it listens, as `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The whole answer to a request such as `GET /`, with these header lines and no body.
///
/// # Panics
///
/// If there is none.
#[must_use]
#[track_caller]
pub fn ask(address: &str, request: &str, headers: &str) -> String {
    let request = format!(
        "{request} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\
         {headers}\r\n"
    );
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers in text");
    answer
}

/// Where a program says that it listens. What else it says is read, or a full pipe would stop it.
fn address(output: ChildStdout) -> Option<String> {
    let mut output = BufReader::new(output);
    let address = output.by_ref().lines().map_while(Result::ok).find_map(|line| {
        line.strip_prefix("listening on http://").map(|address| address.trim_end().to_owned())
    });
    thread::spawn(move || copy(&mut output, &mut sink()));
    address
}
