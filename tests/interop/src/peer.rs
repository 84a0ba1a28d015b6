//! A service that runs on a free port: theirs or ours.

use crate::{
    http,
    lab::{Lab, free_port},
    process::Process,
};
use serde_json::Value;
use std::{process::Command, time::Duration};

/// How long a service may take until it listens.
const START: Duration = Duration::from_secs(60);

/// A service that listens on `$PORT`.
#[derive(Debug)]
pub(crate) struct Peer {
    process: Process,
    url: String,
}

/// What `/seen` of a peer answers: what came in, and what its tracer made of it.
#[derive(Debug)]
pub(crate) struct Seen(pub(crate) Value);

impl Peer {
    /// Starts it with a clean environment plus `environment` and `PORT`, and waits until it
    /// listens.
    pub(crate) fn start(
        lab: &Lab,
        name: &str,
        command: &mut Command,
        environment: &[(&str, &str)],
    ) -> Result<Self, String> {
        let port = free_port();
        without_tracers(command);
        command.envs(environment.iter().copied()).env("PORT", port.to_string());
        let mut process = Process::start(name, command, &lab.log(&format!("{name}-{port}")))?;
        process.listening(port, START)?;
        Ok(Self { process, url: format!("http://127.0.0.1:{port}") })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The URL at which it calls `to` and passes the answer on.
    pub(crate) fn relay(&self, to: &str) -> String {
        format!("{}/relay?to={}", self.url, http::encoded(to))
    }

    /// The URL at which it says what it has seen.
    pub(crate) fn seen(&self) -> String {
        format!("{}/seen", self.url)
    }

    /// Ends it, after it has sent what it still holds. Gives back all it has said.
    pub(crate) fn stop(self) -> Result<String, String> {
        self.process.stop()
    }
}

impl Seen {
    /// Asks a URL at whose end there is a `/seen`.
    pub(crate) fn at(url: &str, headers: &[(&str, &str)]) -> Result<Self, String> {
        let answer = http::get(url, headers)?;
        serde_json::from_str(&answer)
            .map(Self)
            .map_err(|error| format!("/seen is no JSON: {error}: {answer}"))
    }

    /// The id of the trace, 32 digits.
    pub(crate) fn trace_id(&self) -> &str {
        self.0["trace_id"].as_str().unwrap_or_default()
    }

    /// Whether its span is recorded.
    pub(crate) fn sampled(&self) -> Option<bool> {
        self.0["sampled"].as_bool()
    }

    /// A header that came in.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0["headers"][name].as_str()
    }

    /// An entry of the baggage.
    pub(crate) fn baggage(&self, key: &str) -> Option<&str> {
        self.0["baggage"][key].as_str()
    }
}

/// Takes from its environment what tracers are configured with.
pub(crate) fn without_tracers(command: &mut Command) {
    const TRACERS: [&str; 4] = ["OTEL_", "DD_", "ELASTIC_", "UPTRACE_"];
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| TRACERS.iter().any(|own| name.starts_with(own))) {
            command.env_remove(name);
        }
    }
}
