//! A child process that ends with its owner.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

const LOOK: Duration = Duration::from_millis(20);
const START: Duration = Duration::from_secs(30);
/// How long a process may take to send what is left.
const END: Duration = Duration::from_secs(30);

/// A running process, whose words are in a file. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it, and waits until it listens on this port.
    pub(crate) fn start(
        name: &str,
        command: &mut Command,
        log: &Path,
        port: u16,
    ) -> Result<Self, String> {
        let failed = |error| format!("cannot start {name}: {error}");
        let output = File::create(log).map_err(failed)?;
        command.stdin(Stdio::null());
        command.stdout(output.try_clone().map_err(failed)?).stderr(output);
        let child = command.spawn().map_err(failed)?;
        let mut process = Self { name: name.to_owned(), child, log: log.to_owned() };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        process.until(START, |_| {
            TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
        })?;
        Ok(process)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, which is lost if the process has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Asks it to end (SIGTERM), waits until it has, and gives back all it said.
    pub(crate) fn stop(mut self) -> Result<String, String> {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + END;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > deadline {
                return Err(self.failed("had not ended in time after SIGTERM"));
            }
            std::thread::sleep(LOOK);
        }
        Ok(self.said())
    }

    /// Ends it at once (SIGKILL).
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn until(
        &mut self,
        within: Duration,
        reached: impl Fn(&mut Self) -> bool,
    ) -> Result<(), String> {
        let deadline = Instant::now() + within;
        while !reached(self) {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.failed(&format!("ended with {status}")));
            }
            if Instant::now() > deadline {
                return Err(self.failed("does not listen"));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn said(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn failed(&self, what: &str) -> String {
        let said = self.said();
        let lines: Vec<_> = said.lines().collect();
        let last = lines[lines.len().saturating_sub(15)..].join("\n");
        format!("{} {what}; it said:\n{last}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port of the loopback address that nobody listens on, below those of outgoing connections.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 8_000;
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap_or_default();
    (0..COUNT)
        .map(|_| FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("one of 8,000 ports is free")
}
