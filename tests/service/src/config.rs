//! The service's own variables.

use std::env;
use tracewire::propagation;

/// What the environment asks for.
pub(crate) struct Config {
    pub(crate) listen: String,
    pub(crate) mode: Mode,
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
        let propagators = propagation::from_env().map_err(|error| error.to_string())?;
        if let Some(word) = propagators.unknown().first() {
            return Err(format!("OTEL_PROPAGATORS: cannot speak {word:?}"));
        }
        Ok(Self { listen: listen()?, mode: mode()? })
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
