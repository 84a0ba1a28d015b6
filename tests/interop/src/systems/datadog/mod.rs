//! Datadog: its tracers beside ours, its test agent taking our OTLP, and what its Agent makes of it.

pub(crate) mod agent;
mod counts;
mod decisions;
mod otlp;
mod real;
mod spans;
pub(crate) mod tracer;

use super::python::{self, Program};
use crate::{
    lab::Lab,
    row::{Checks, System},
};

/// The test agent, and the tracer for Python. Other languages can be checked the same way with
/// [`tracer::check`].
pub(crate) const SYSTEMS: &[System] = &[
    System { name: "Datadog test agent", check: otlp::check },
    System { name: "Datadog Agent: counts", check: counts::check },
    System { name: "Datadog Agent: spans", check: spans::check },
    System { name: "Python: ddtrace", check: python },
];

const SERVICE: Program = Program {
    file: "with_ddtrace.py",
    requirements: "python/ddtrace.txt",
    instrumented_by: Some("ddtrace-run"),
};

fn python(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(python::version(lab, SERVICE.requirements, "ddtrace")?);
    tracer::check(lab, checks, &|environment| SERVICE.start(lab, environment))
}
