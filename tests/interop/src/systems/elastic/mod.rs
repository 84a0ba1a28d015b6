//! Elastic: its agents beside ours.

pub(crate) mod agent;
mod intake;
mod rates;

use super::python::{self, Program};
use crate::{
    lab::Lab,
    row::{Checks, System},
};

/// The agent for Python. Other languages can be checked the same way with [`agent::check`].
pub(crate) const SYSTEMS: &[System] =
    &[System { name: "Python: Elastic APM agent", check: python }];

const SERVICE: Program =
    Program { file: "with_elastic.py", requirements: "python/elastic.txt", instrumented_by: None };

fn python(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(python::version(lab, SERVICE.requirements, "elastic-apm")?);
    agent::check(lab, checks, &|environment| SERVICE.start(lab, environment))
}
