//! A process of its own group, whose words are kept, and which ends with its owner.

use crate::watch;
use rustix::process::{Pid, Signal, kill_process_group};
use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// How often to look whether a process has ended or listens.
const LOOK: Duration = Duration::from_millis(20);
/// How long a process may take to end by itself once asked to.
const PATIENCE: Duration = Duration::from_secs(15);
/// How much of what a process said is shown.
const LAST_LINES: usize = 30;

/// A running process. Dropping it ends its whole group.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    group: Pid,
    log: PathBuf,
}

impl Process {
    /// Starts it with both its outputs kept in `log`.
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self, String> {
        let failed = |error| format!("cannot start {name}: {error}");
        let output = File::create(log).map_err(failed)?;
        command.process_group(0);
        command.stdin(Stdio::null());
        command.stdout(output.try_clone().map_err(failed)?).stderr(output);
        let child = command.spawn().map_err(failed)?;
        let group = Pid::from_child(&child);
        watch::started(group);
        Ok(Self { name: name.to_owned(), child, group, log: log.to_owned() })
    }

    /// Waits until it accepts connections on this port of the loopback address.
    pub(crate) fn listening(&mut self, port: u16, within: Duration) -> Result<(), String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        self.until(within, &format!("listens on port {port}"), || {
            TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
        })
    }

    /// Waits until `reached` is true, while it runs.
    pub(crate) fn until(
        &mut self,
        within: Duration,
        what: &str,
        mut reached: impl FnMut() -> bool,
    ) -> Result<(), String> {
        let deadline = Instant::now() + within;
        while !reached() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.said(&format!("ended with {status} before it {what}")));
            }
            if Instant::now() > deadline {
                return Err(self.said(&format!("not after {within:?}: {what}")));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Waits until it has ended by itself, with success.
    pub(crate) fn finished(mut self, within: Duration) -> Result<(), String> {
        match self.ended(within) {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(self.said(&format!("ended with {status}"))),
            None => Err(self.said(&format!("had not ended after {within:?}"))),
        }
    }

    /// Asks it to end (SIGTERM), and gives back what it has said in all.
    pub(crate) fn stop(mut self) -> Result<String, String> {
        let _ = kill_process_group(self.group, Signal::TERM);
        match self.ended(PATIENCE) {
            Some(_) => Ok(self.log()),
            None => Err(self.said(&format!("had not ended {PATIENCE:?} after SIGTERM"))),
        }
    }

    /// All it has said so far.
    pub(crate) fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                _ if Instant::now() > deadline => return None,
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    /// What happened, and the last it said.
    fn said(&self, happened: &str) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
        format!("{}: {happened}; it said:\n{last}", self.name)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group is ours as long as its leader was not waited for, or has members left.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.wait();
        watch::ended(self.group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, log: &str) -> Process {
        let log = std::env::temp_dir().join(format!("{log}-{}.log", std::process::id()));
        Process::start("shell", Command::new("sh").args(["-c", script]), &log).expect("a shell")
    }

    #[test]
    fn a_process_that_fails_is_quoted() {
        let said = shell("echo no good; exit 3", "fails").finished(PATIENCE).expect_err("failed");
        assert!(said.contains("exit status: 3") && said.contains("no good"), "{said}");
    }

    #[test]
    fn a_process_that_ends_instead_of_listening_is_quoted() {
        let mut process = shell("echo no port for me", "listens");
        let said = process.until(PATIENCE, "listens", || false).expect_err("it has ended");
        assert!(said.contains("before it listens") && said.contains("no port for me"), "{said}");
    }

    #[test]
    fn a_dropped_process_takes_its_children_along() {
        let mut process = shell("sleep 60 & echo $!; wait", "children");
        let mut child = String::new();
        let log = process.log.clone();
        process
            .until(PATIENCE, "told its child", || {
                child = std::fs::read_to_string(&log).unwrap_or_default();
                child.ends_with('\n')
            })
            .unwrap();
        drop(process);
        let child = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
        let gone = || rustix::process::test_kill_process(child).is_err() || is_zombie(child);
        let deadline = Instant::now() + PATIENCE;
        while !gone() && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
        assert!(gone());
    }

    /// Dead, and not yet waited for by whoever inherited it.
    fn is_zombie(pid: Pid) -> bool {
        let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
        std::fs::read_to_string(stat).is_ok_and(|stat| stat.contains(") Z "))
    }
}
