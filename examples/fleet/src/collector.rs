//! The Collectors: one program, built with Go, and a configuration for each tier.

use crate::process::{Process, free_port};
use rustix::process::Signal;
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Builds the Collector into `folder`.
pub(crate) fn build(folder: &Path) -> Result<PathBuf, String> {
    let program = folder.join("collector");
    let status = Command::new("go")
        .args(["build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("collector"))
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "")
        .status()
        .map_err(|error| format!("cannot run go: {error}"))?;
    if status.success() { Ok(program) } else { Err(format!("go build ended with {status}")) }
}

/// A running Collector of either tier.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) name: String,
    pub(crate) process: Process,
    pub(crate) port: u16,
    metrics: u16,
    folder: PathBuf,
}

impl Collector {
    /// Starts one that keeps or drops whole traces, and writes those that it keeps.
    pub(crate) fn sampler(program: &Path, folder: &Path, name: &str) -> Result<Self, String> {
        Self::start(program, folder, name, "sampler.yaml", "[]")
    }

    /// Starts one that gives each trace to one of these samplers.
    pub(crate) fn agent(
        program: &Path,
        folder: &Path,
        name: &str,
        samplers: &str,
    ) -> Result<Self, String> {
        Self::start(program, folder, name, "agent.yaml", samplers)
    }

    fn start(
        program: &Path,
        folder: &Path,
        name: &str,
        config: &str,
        samplers: &str,
    ) -> Result<Self, String> {
        let folder = folder.join(name);
        std::fs::create_dir_all(folder.join("queue"))
            .map_err(|error| format!("cannot write {}: {error}", folder.display()))?;
        let (port, metrics) = (free_port(), free_port());
        write_config(&folder, config, samplers)?;
        let mut command = Command::new(program);
        command.arg(format!("--config=file:{}", folder.join("config.yaml").display()));
        command
            .env("OTLP_PORT", port.to_string())
            .env("METRICS_PORT", metrics.to_string())
            .env("QUEUE_FOLDER", folder.join("queue"))
            .env("FILE", folder.join("kept.json"))
            .env("GOMAXPROCS", "2");
        let process = Process::start(name, &mut command, &folder.join("log"), port)?;
        Ok(Self { name: name.to_owned(), process, port, metrics, folder })
    }

    /// Tells an agent of other samplers, as a new deployment would: a new file, and SIGHUP.
    pub(crate) fn balance_over(&self, samplers: &str) -> Result<(), String> {
        write_config(&self.folder, "agent.yaml", samplers)?;
        self.process.signal(Signal::HUP);
        Ok(())
    }

    /// Where a sampler writes the traces that it keeps.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join("kept.json")
    }

    /// Its own metrics, as it shows them to Prometheus.
    pub(crate) fn metrics(&self) -> Result<Metrics, String> {
        let failed = |error| format!("cannot read the metrics of {}: {error}", self.name);
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.metrics)).map_err(failed)?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).map_err(failed)?;
        stream.write_all(b"GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n").map_err(failed)?;
        let mut text = String::new();
        stream.read_to_string(&mut text).map_err(failed)?;
        Ok(Metrics(text))
    }
}

/// The addresses of samplers, as the list of an agent's configuration.
pub(crate) fn addresses<'a>(samplers: impl IntoIterator<Item = &'a Collector>) -> String {
    let addresses: Vec<_> =
        samplers.into_iter().map(|sampler| format!("127.0.0.1:{}", sampler.port)).collect();
    format!("[{}]", addresses.join(", "))
}

fn write_config(folder: &Path, name: &str, samplers: &str) -> Result<(), String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("collector").join(name);
    std::fs::read_to_string(&source)
        .map(|text| text.replace("${env:SAMPLERS}", samplers))
        .and_then(|text| std::fs::write(folder.join("config.yaml"), text))
        .map_err(|error| format!("cannot copy {}: {error}", source.display()))
}

/// What a Collector counts about itself.
#[derive(Debug)]
pub(crate) struct Metrics(String);

impl Metrics {
    /// The sum of all series with this name; zero if there is none yet.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        self.0
            .lines()
            .filter_map(|line| {
                let (series, value) = line.rsplit_once(' ')?;
                let found = series.split('{').next()?;
                (found.strip_suffix("_total").unwrap_or(found) == name)
                    .then(|| value.parse::<f64>().ok())?
            })
            .sum::<f64>() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_one_name_are_summed() {
        let text = "HTTP/1.0 200 OK\r\n\r\n# HELP a_total b\na_total{x=\"1 2\"} 3\na_total{x=\"3\"} 4e1\nab_total 9\n";
        let metrics = Metrics(text.to_owned());
        assert_eq!(metrics.sum("a"), 43);
        assert_eq!(metrics.sum("ab"), 9);
        assert_eq!(metrics.sum("b"), 0);
    }
}
