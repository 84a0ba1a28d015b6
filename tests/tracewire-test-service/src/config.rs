//! The service's own variables.

use std::{env, sync::Arc};
use tracewire::propagation::{self, Propagator};

/// What OpenTelemetry propagates where nothing is said. Every format is compiled in here, so that
/// suites can ask for it, and would be in use otherwise.
const PROPAGATORS: &str = "tracecontext,baggage";

/// What the environment asks for.
pub(crate) struct Config {
    pub(crate) listen: String,
    pub(crate) mode: Mode,
    /// In place of the default set, where the environment names none.
    pub(crate) propagator: Option<Arc<dyn Propagator>>,
}

/// Which side is instrumented.
pub(crate) enum Mode {
    Server,
    Client,
}

impl Config {
    /// Reads the variables, and refuses a word in `OTEL_PROPAGATORS` that cannot be spoken here.
    ///
    /// Services normally ignore such a word with a warning. A conformance run must not pass by
    /// staying silent in the format under test.
    pub(crate) fn from_env() -> Result<Self, String> {
        let names = variable("OTEL_PROPAGATORS");
        let propagators = propagation::from_names(names.as_deref().unwrap_or(PROPAGATORS))
            .map_err(|error| error.to_string())?;
        if let Some(word) = propagators.unknown().first() {
            return Err(format!("OTEL_PROPAGATORS: cannot speak {word:?}"));
        }
        let propagator = names.is_none().then(|| propagators.propagator());
        Ok(Self { listen: listen()?, mode: mode()?, propagator })
    }
}

fn listen() -> Result<String, String> {
    if let Some(listen) = variable("SERVICE_LISTEN") {
        return Ok(listen);
    }
    let port = match variable("PORT") {
        None => 8080,
        Some(port) => port
            .parse::<u16>()
            .map_err(|_| format!("PORT: {port:?} is not a number from 0 to 65535"))?,
    };
    Ok(format!("127.0.0.1:{port}"))
}

fn mode() -> Result<Mode, String> {
    match variable("SERVICE_MODE").as_deref() {
        None | Some("server") => Ok(Mode::Server),
        Some("client") => Ok(Mode::Client),
        Some(mode) => Err(format!("SERVICE_MODE: {mode:?} is neither \"server\" nor \"client\"")),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
