//! The page of another process, as a browser reads it.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Where a process serves its page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    port: u16,
}

impl Page {
    /// A free port, to tell the process.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[must_use]
    pub fn free() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        Self { port: listener.local_addr().expect("a bound socket has an address").port() }
    }

    /// The value of `TRACEWIRE_LIVE`.
    #[must_use]
    pub fn variable(self) -> String {
        self.port.to_string()
    }

    /// How long the list of traces takes.
    ///
    /// # Panics
    ///
    /// If it is not answered.
    #[must_use]
    pub fn list(self) -> Duration {
        let begin = Instant::now();
        let mut answer = Vec::new();
        self.ask("/api/traces").read_to_end(&mut answer).expect("the page answers");
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", answer.escape_ascii());
        begin.elapsed()
    }

    /// What the status line says: `"used":123` is found by `used`.
    ///
    /// # Panics
    ///
    /// If it is not answered.
    #[must_use]
    pub fn count(self, name: &str) -> u64 {
        let mut answer = String::new();
        self.ask("/api/status").read_to_string(&mut answer).expect("the page answers");
        let after = answer.split(&format!("\"{name}\":")).nth(1).expect("it is counted");
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a number")
    }

    /// Reads the stream of changes from now on, as an open tab does.
    pub fn open(self) {
        thread::spawn(move || {
            let mut stream = self.ask("/api/changes");
            let mut buffer = [0; 64 * 1024];
            while stream.read(&mut buffer).is_ok_and(|length| length > 0) {}
        });
    }

    fn ask(self, path: &str) -> TcpStream {
        let begin = Instant::now();
        let mut stream = loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => break stream,
                Err(error) => assert!(begin.elapsed() < PATIENCE, "no page: {error}"),
            }
            thread::sleep(Duration::from_millis(10));
        };
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("the page reads");
        stream
    }
}
