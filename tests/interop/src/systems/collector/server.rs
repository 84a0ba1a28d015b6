//! A running Collector, which can be ended and started again where it was.

use super::output::Output;
use crate::{
    lab::{Lab, free_port},
    peer::without_tracers,
    process::Process,
};
use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

const START: Duration = Duration::from_secs(30);
/// How long telemetry may be on its way.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// A Collector on two ports of its own, one for each protocol, and a file of its own.
pub(super) struct Collector {
    process: Option<Process>,
    program: PathBuf,
    configs: Vec<PathBuf>,
    environment: Vec<(&'static str, String)>,
    scheme: &'static str,
    grpc: u16,
    http: u16,
    file: PathBuf,
    log: PathBuf,
}

impl Collector {
    /// One without TLS.
    pub(super) fn start(lab: &Lab) -> Result<Self, String> {
        Self::start_with(lab, "http", &["config.yaml"], vec![])
    }

    /// One with these configurations, each added to the one before. They are told `environment`.
    pub(super) fn start_with(
        lab: &Lab,
        scheme: &'static str,
        configs: &[&str],
        environment: Vec<(&'static str, String)>,
    ) -> Result<Self, String> {
        let (grpc, http) = (free_port(), free_port());
        let file = lab.cache(&format!("collector/{grpc}.json"));
        // Of an earlier run on the same port.
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("cannot remove {}: {error}", file.display()));
            }
            _ => {}
        }
        let mut collector = Self {
            process: None,
            program: lab.go("collector", ".")?,
            configs: configs.iter().map(|name| lab.source("collector").join(name)).collect(),
            environment,
            scheme,
            grpc,
            http,
            file,
            log: lab.log(&format!("collector-{grpc}")),
        };
        collector.start_again()?;
        Ok(collector)
    }

    /// Starts it where it was.
    pub(super) fn start_again(&mut self) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        without_tracers(&mut command);
        for config in &self.configs {
            command.arg(format!("--config=file:{}", config.display()));
        }
        command.env("GRPC_PORT", self.grpc.to_string()).env("HTTP_PORT", self.http.to_string());
        command.env("FILE", &self.file).envs(self.environment.iter().cloned());
        let mut process = Process::start("collector", &mut command, &self.log)?;
        process.listening(self.grpc, START)?;
        process.listening(self.http, START)?;
        self.process = Some(process);
        Ok(())
    }

    /// Reads what it has written so far.
    pub(super) fn read(&self) -> Result<Output, String> {
        Output::read(&self.file)
    }

    /// Ends it, after it has written what it took.
    pub(super) fn end(&mut self) -> Result<(), String> {
        match self.process.take() {
            Some(process) => process.stop().map(drop),
            None => Ok(()),
        }
    }

    /// Where it takes this protocol, as `OTEL_EXPORTER_OTLP_ENDPOINT` wants it.
    pub(super) fn endpoint(&self, protocol: &str) -> String {
        let port = if protocol == "grpc" { self.grpc } else { self.http };
        format!("{}://127.0.0.1:{port}", self.scheme)
    }

    /// Waits until it has written as many spans, or more.
    pub(super) fn written(&self, spans: usize) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let written = Output::read(&self.file)?.spans.len();
            if written >= spans {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!(
                    "after {PATIENCE:?} the Collector has {written} of {spans} spans"
                ));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Ends it, and reads all it has ever written.
    pub(super) fn output(&mut self) -> Result<Output, String> {
        self.end()?;
        Output::read(&self.file)
    }
}
