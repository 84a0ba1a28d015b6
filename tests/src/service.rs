//! A program of the examples, run as a user runs it.

use std::{
    io::{BufRead, BufReader, Read, Write, copy, sink},
    net::TcpStream,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

#[cfg(unix)]
use rustix::process::{Pid, Signal, kill_process};

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
        Self::run(Command::new(program), variables)
    }

    /// The same for a command that may have arguments.
    ///
    /// # Panics
    ///
    /// If it cannot be started, or ends before it listens.
    #[must_use]
    #[track_caller]
    pub fn run(mut command: Command, variables: &[(&str, &str)]) -> Self {
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

    /// Sends a signal to the process.
    ///
    /// # Panics
    ///
    /// If the process has ended.
    #[cfg(unix)]
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("it is a process id"), signal).expect("the process runs");
    }

    /// How the process ended, once it has, or `None` if it still runs.
    ///
    /// # Panics
    ///
    /// If it cannot be asked.
    #[track_caller]
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("it is a process of ours")
    }

    /// Starts `program` for each signal that asks a process to end, sends it one request with this
    /// method and target, and then the signal.
    ///
    /// # Panics
    ///
    /// If it does not end by itself, with status 0.
    #[cfg(unix)]
    #[track_caller]
    pub fn assert_ends_well(program: &str, variables: &[(&str, &str)], request: &str) {
        for signal in [Signal::TERM, Signal::INT] {
            let mut service = Self::start(program, variables);
            let answer = ask(&service.address, request, "");
            assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
            service.signal(signal);
            assert_eq!(service.ended().code(), Some(0), "{signal:?}");
        }
    }

    /// Waits until the process has ended.
    ///
    /// # Panics
    ///
    /// If it has not after half a minute.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.has_ended() {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("the process has not ended after half a minute");
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
