//! Programs for Node: `peers/node`, each with the packages of its own folder.

use crate::{
    lab::Lab,
    peer::Peer,
    relay::{self, B3, B3_MULTI, JAEGER, W3C, XRAY},
    row::{Checks, System},
    systems::{datadog, elastic},
};
use serde_json::Value;
use std::process::Command;

pub(crate) const SYSTEMS: &[System] = &[
    System { name: "Node: OpenTelemetry", check: opentelemetry },
    System { name: "Node: dd-trace", check: dd_trace },
    System { name: "Node: Elastic APM agent", check: elastic_apm },
];

/// Starts the service with OpenTelemetry.
pub(super) fn service(lab: &Lab, environment: &[(&str, &str)]) -> Result<Peer, String> {
    Program { folder: "opentelemetry", own: &[] }.start(lab, environment)
}

fn opentelemetry(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    let program = Program { folder: "opentelemetry", own: &[] };
    checks.version(program.version(lab, "@opentelemetry/instrumentation-http")?);
    for format in [W3C, B3, B3_MULTI, JAEGER, XRAY] {
        relay::check(lab, checks, &|environment| program.start(lab, environment), format)?;
    }
    Ok(())
}

fn dd_trace(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    let program = Program { folder: "datadog", own: &[] };
    checks.version(program.version(lab, "dd-trace")?);
    datadog::tracer::check(lab, checks, &|environment| program.start(lab, environment))
}

fn elastic_apm(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    // The agent for Python sends its older header as well by itself, this one when told to.
    let own = [("ELASTIC_APM_USE_ELASTIC_TRACEPARENT_HEADER", "true")];
    let program = Program { folder: "elastic", own: &own };
    checks.version(program.version(lab, "elastic-apm-node")?);
    elastic::agent::check(lab, checks, &|environment| program.start(lab, environment))
}

/// A program, and what it is always told.
#[derive(Clone, Copy, Debug)]
struct Program<'a> {
    folder: &'a str,
    own: &'a [(&'a str, &'a str)],
}

impl Program<'_> {
    fn source(self) -> String {
        format!("node/{}", self.folder)
    }

    /// Runs it where its sources are, with the packages that were installed elsewhere.
    fn start(self, lab: &Lab, environment: &[(&str, &str)]) -> Result<Peer, String> {
        let packages = lab.node(&self.source())?;
        let mut command = Command::new("node");
        command.arg(lab.source(&self.source()).join("main.js"));
        command.env("NODE_PATH", packages.join("node_modules"));
        Peer::start(lab, &self.source(), &mut command, &[self.own, environment].concat())
    }

    /// One of its packages, as `name version`.
    fn version(self, lab: &Lab, package: &str) -> Result<String, String> {
        let file = lab.source(&self.source()).join("package.json");
        let failed = |error: String| format!("{}: {error}", file.display());
        let text = std::fs::read_to_string(&file).map_err(|error| failed(error.to_string()))?;
        let json: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        let version = json["dependencies"][package].as_str();
        let version = version.ok_or_else(|| failed(format!("does not pin {package}")))?;
        Ok(format!("{package} {version}"))
    }
}
