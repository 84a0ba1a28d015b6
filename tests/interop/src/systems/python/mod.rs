//! Programs in Python: `peers/python`, each in the virtual environment of its requirements.

mod dice;
mod opentelemetry;
mod sampling;

use crate::{lab::Lab, peer::Peer, row::System};
use std::process::Command;

/// OpenTelemetry's systems. Those of vendors are with their vendors.
pub(crate) const SYSTEMS: &[System] = &[
    System { name: "Python: OpenTelemetry", check: opentelemetry::check },
    System { name: "Python: OpenTelemetry's first steps", check: dice::check },
    System { name: "Python: OpenTelemetry's samplers", check: sampling::check },
];

/// Starts the service with OpenTelemetry.
pub(super) fn service(lab: &Lab, environment: &[(&str, &str)]) -> Result<Peer, String> {
    opentelemetry::service(lab, environment)
}

/// A program, and what it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) file: &'static str,
    pub(crate) requirements: &'static str,
    /// The command that instruments it before it starts, if it does not do so itself.
    pub(crate) instrumented_by: Option<&'static str>,
}

impl Program {
    /// Starts it with this environment besides its own.
    pub(crate) fn start(self, lab: &Lab, environment: &[(&str, &str)]) -> Result<Peer, String> {
        let bin = lab.python(self.requirements)?;
        let python = bin.join("python");
        let mut command = match self.instrumented_by {
            None => Command::new(python),
            Some(wrapper) => {
                let mut command = Command::new(bin.join(wrapper));
                command.arg(python);
                command
            }
        };
        command.arg(lab.source("python").join(self.file));
        command.env("PYTHONDONTWRITEBYTECODE", "1"); // the sources stay as they are
        Peer::start(lab, self.file, &mut command, environment)
    }
}

/// A package of these requirements, as `name version`.
pub(crate) fn version(lab: &Lab, requirements: &str, package: &str) -> Result<String, String> {
    let file = lab.source(requirements);
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    text.lines()
        .find_map(|line| line.strip_prefix(package)?.strip_prefix("=="))
        .map(|version| format!("{package} {version}"))
        .ok_or_else(|| format!("{requirements} does not pin {package}"))
}
