//! Prometheus' server, which scrapes a page and keeps its exemplars.

use crate::{
    http,
    lab::{Lab, free_port},
    process::Process,
};
use serde_json::Value;
use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

/// Debian's package, whose program needs nothing else of it.
const PACKAGE: &str = "prometheus";
const START: Duration = Duration::from_secs(60);
/// How long it may take until it has scraped.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(100);

pub(super) struct Scraper {
    _process: Process,
    url: String,
}

impl Scraper {
    /// Scrapes the page at this port of the loopback address, ten times a second.
    pub(super) fn start(lab: &Lab, page: &str) -> Result<Self, String> {
        let program = lab.debian(PACKAGE)?.join("usr/bin/prometheus");
        let config = lab.cache("prometheus-server/prometheus.yml");
        let folder = config.with_file_name("data");
        let _ = fs::remove_dir_all(&folder); // of an earlier run
        let text = format!(
            "global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}\n\
             scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['127.0.0.1:{page}']}}]}}]\n"
        );
        fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
        let port = free_port();
        let mut server = Command::new(program);
        server.arg("--enable-feature=exemplar-storage");
        server.arg(format!("--config.file={}", config.display()));
        server.arg(format!("--storage.tsdb.path={}", folder.display()));
        server.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let log = lab.log("prometheus-server");
        let mut process = Process::start("prometheus", &mut server, &log)?;
        process.listening(port, START)?;
        Ok(Self { _process: process, url: format!("http://127.0.0.1:{port}/api/v1") })
    }

    /// The exemplars of a bucket's series, once there are any: labels of the series, and the exemplar.
    pub(super) fn exemplars(&self, bucket: &str) -> Result<Vec<(Value, Value)>, String> {
        let url = format!("{}/query_exemplars?query={bucket}&start=0&end=99999999999", self.url);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = http::get_json(&url)?;
            let series = answer["data"].as_array().cloned().unwrap_or_default();
            let all: Vec<_> = series
                .iter()
                .flat_map(|series| {
                    let exemplars = series["exemplars"].as_array().cloned().unwrap_or_default();
                    exemplars.into_iter().map(|one| (series["seriesLabels"].clone(), one))
                })
                .collect();
            if !all.is_empty() {
                return Ok(all);
            }
            if Instant::now() > deadline {
                return Err(format!("no exemplars after {PATIENCE:?}: {answer}"));
            }
            std::thread::sleep(LOOK);
        }
    }
}
