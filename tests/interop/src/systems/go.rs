//! OpenTelemetry for Go: `net/http`, instrumented by its own package.

use crate::{
    lab::Lab,
    peer::Peer,
    relay::{self, B3, B3_MULTI, Format, JAEGER, W3C, XRAY},
    row::{Checks, System},
};
use std::process::Command;

pub(crate) const SYSTEMS: &[System] = &[System { name: "Go: OpenTelemetry", check }];

const OTELHTTP: &str = "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp";

fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(format!("otelhttp {}", version(lab, "go", OTELHTTP)?));
    let program = lab.go("go", ".")?;
    // Its Jaeger format has the trace alone.
    let jaeger = Format { baggage: false, ..JAEGER };
    for format in [W3C, B3, B3_MULTI, jaeger, XRAY] {
        let start = |environment: &[(&str, &str)]| {
            Peer::start(lab, "go", &mut Command::new(&program), environment)
        };
        relay::check(lab, checks, &start, format)?;
    }
    Ok(())
}

/// The version of a module that the `go.mod` of this folder asks for.
pub(crate) fn version(lab: &Lab, folder: &str, module: &str) -> Result<String, String> {
    let file = lab.source(folder).join("go.mod");
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    text.lines()
        .filter_map(|line| line.trim().trim_start_matches("require ").strip_prefix(module))
        .find_map(|rest| rest.strip_prefix(" v"))
        .and_then(|rest| rest.split_whitespace().next())
        .map(str::to_owned)
        .ok_or_else(|| format!("{} does not ask for {module}", file.display()))
}
