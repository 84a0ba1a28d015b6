//! The process of the service, as the one who started it sees it.

use crate::sample::{Process, Told};
use std::{env, fs, io, net::SocketAddr, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long the service may take to say something. At its end it may export for most of that.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running service. Dropping it ends it.
pub(crate) struct Service {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Service {
    /// Starts this program again as the service, and waits until it listens.
    pub(crate) async fn start(collector: &str) -> io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["serve", collector])
            // What is in the environment is for others.
            .env_clear()
            .env("OTEL_TRACES_SAMPLER", "always_on")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().ok_or_else(|| io::Error::other("no input"))?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let mut output = BufReader::new(output).lines();
        let address = line(&mut output).await?.parse().map_err(io::Error::other)?;
        Ok(Self { child, input, output, address })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it says of itself, and what the system says of it.
    pub(crate) async fn ask(&mut self) -> io::Result<(Told, Process)> {
        self.input.write_all(b"\n").await?;
        let told = told(&mut self.output).await?;
        Ok((told, self.process()?))
    }

    /// Lets it export what is left and end.
    pub(crate) async fn stop(self) -> io::Result<Told> {
        let Self { mut child, input, mut output, .. } = self;
        drop(input);
        let told = told(&mut output).await?;
        let status = timeout(PATIENCE, child.wait()).await??;
        if status.success() { Ok(told) } else { Err(io::Error::other(status.to_string())) }
    }

    fn process(&self) -> io::Result<Process> {
        let id = self.child.id().ok_or_else(|| io::Error::other("the service has ended"))?;
        let count = |of| fs::read_dir(format!("/proc/{id}/{of}")).map(|all| all.count() as u64);
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        Ok(Process {
            resident_kib: resident.ok_or_else(|| io::Error::other("no resident memory"))?,
            threads: count("task")?,
            descriptors: count("fd")?,
        })
    }
}

async fn told(output: &mut Lines<BufReader<ChildStdout>>) -> io::Result<Told> {
    let line = line(output).await?;
    Told::parse(&line).ok_or_else(|| io::Error::other(format!("not about itself: {line}")))
}

async fn line(output: &mut Lines<BufReader<ChildStdout>>) -> io::Result<String> {
    let line = timeout(PATIENCE, output.next_line()).await??;
    line.ok_or_else(|| io::Error::other("the service has ended early"))
}
