//! OpenTelemetry for Python: Flask and requests, instrumented by its own command.

use super::{Program, version};
use crate::{
    lab::Lab,
    peer::Peer,
    relay::{self, B3, B3_MULTI, JAEGER, W3C, XRAY},
    row::Checks,
};

const SERVICE: Program = Program {
    file: "with_opentelemetry.py",
    requirements: "python/opentelemetry.txt",
    instrumented_by: Some("opentelemetry-instrument"),
};

/// Starts the service.
pub(super) fn service(lab: &Lab, environment: &[(&str, &str)]) -> Result<Peer, String> {
    SERVICE.start(lab, environment)
}

pub(super) fn check(lab: &Lab, checks: &mut Checks) -> Result<(), String> {
    checks.version(version(lab, SERVICE.requirements, "opentelemetry-sdk")?);
    for format in [W3C, B3, B3_MULTI, JAEGER, XRAY] {
        relay::check(lab, checks, &|environment| SERVICE.start(lab, environment), format)?;
    }
    Ok(())
}
