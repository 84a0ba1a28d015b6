//! Why telemetry could not be set up.

use std::error::Error;
use std::fmt;

use tracewire_propagation::NotCompiledIn;
use tracewire_text::printable;

use tracewire_export::ExportError;
use tracewire_export::wiring::{Shown, write_with_causes};

type Source = Box<dyn Error + Send + Sync>;

/// The error of [`init`](crate::init): what is set, to which value, and what is allowed.
///
/// A value that may hold a secret (a header, credentials or a query in an endpoint, the content of a
/// file) is never part of it. `Debug` shows what `Display` says and then each source, so that an
/// error which `main` returns reads well.
///
/// ```no_run
/// use tracewire_init::{InitError, Telemetry};
///
/// fn start() -> Result<Option<Telemetry>, InitError> {
///     match tracewire_init::init() {
///         Ok(telemetry) => Ok(Some(telemetry)),
///         Err(error) if error.is_already_initialized() => Ok(None), // by another test, perhaps
///         Err(error) => Err(error),
///     }
/// }
/// ```
pub struct InitError {
    kind: Kind,
    message: String,
    source: Option<Source>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AlreadyInitialized,
    Configuration,
    #[cfg(feature = "config-file")]
    ConfigurationFile,
    NotCompiledIn,
    Exporter,
}

impl InitError {
    pub(crate) fn already_initialized() -> Self {
        Self::new(
            Kind::AlreadyInitialized,
            "telemetry is already initialized in this process: call init once and keep its guard \
             until the end; after the guard's shutdown, init may be called again"
                .to_owned(),
        )
    }

    /// `setting` (a variable or a builder method) has an unusable `value`.
    pub(crate) fn configuration(setting: &str, value: &Shown, allowed: &str) -> Self {
        Self::new(Kind::Configuration, format!("{setting}={value}: {allowed}"))
    }

    /// `setting` asks for something that exists but is not part of this build.
    pub(crate) fn not_compiled_in(setting: &str, value: &Shown, allowed: &str) -> Self {
        Self::new(Kind::NotCompiledIn, format!("{setting}={value} is not compiled in: {allowed}"))
    }

    /// `OTEL_PROPAGATORS` names a format of another cargo feature; the cause says all of it.
    pub(crate) fn propagator(cause: NotCompiledIn) -> Self {
        Self::new(Kind::NotCompiledIn, cause.to_string()).with_source(cause)
    }

    /// An exporter could not be made; `setting` is what set the field that the error names, if any.
    pub(crate) fn export(setting: &str, error: ExportError) -> Self {
        let kind = match &error {
            error if error.is_configuration() => Kind::Configuration,
            error if error.is_not_compiled_in() => Kind::NotCompiledIn,
            _ => Kind::Exporter,
        };
        let message = match error.setting() {
            Some(_) => format!("{setting}={}", error.reason()),
            None => error.reason().to_owned(),
        };
        Self { kind, message, source: error.into_source() }
    }

    /// A configuration file, which `setting` chose, cannot be used. Each problem has a line.
    #[cfg(feature = "config-file")]
    pub(crate) fn configuration_file(setting: &str, cause: crate::ConfigFileError) -> Self {
        let message = match cause.is_of_file() {
            true => format!("{setting}={cause}"),
            false => cause.to_string(),
        };
        Self::new(Kind::ConfigurationFile, message).with_source(cause)
    }

    /// A configuration file changed where a process that runs cannot.
    #[cfg(feature = "config-file")]
    pub(crate) fn needs_restart(file: &str, nodes: &[&str]) -> Self {
        let nodes = nodes.join(", ");
        let message = format!("{file}: this needs a restart: {nodes}; nothing was changed");
        Self::new(Kind::ConfigurationFile, message)
    }

    /// A configuration file is being read again, and cannot be a second time until that ends.
    #[cfg(feature = "config-file")]
    pub(crate) fn reload_under_way(file: &str, busy: crate::config::file::Busy) -> Self {
        use crate::config::file::Busy;
        let why = match busy {
            Busy::Here => {
                "a function that is called while the file is read again (of a component, a sampler or a \
                 log layer) cannot ask for the same; let another thread do so later"
            }
            Busy::Elsewhere => "it has been read again for 30 seconds, and that has not ended",
        };
        Self::new(Kind::ConfigurationFile, format!("{file}: {why}; nothing was changed"))
    }

    /// There is no configuration file to read again.
    #[cfg(feature = "config-file")]
    pub(crate) fn no_configuration_file() -> Self {
        let message = "there is no configuration file: set OTEL_CONFIG_FILE".to_owned();
        Self::new(Kind::Configuration, message)
    }

    /// Adds what to set to the message.
    #[cfg_attr(not(feature = "prometheus"), expect(dead_code, reason = "nothing has a hint"))]
    pub(crate) fn with_hint(mut self, variables: &str) -> Self {
        self.message = format!("{} ({variables})", self.message);
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    fn new(kind: Kind, message: String) -> Self {
        Self { kind, message, source: None }
    }

    /// Whether telemetry was initialized before, and not shut down since.
    pub fn is_already_initialized(&self) -> bool {
        self.kind == Kind::AlreadyInitialized
    }

    /// Whether a variable, a configuration file or a builder setting has a value that cannot work.
    pub fn is_configuration(&self) -> bool {
        #[cfg(feature = "config-file")]
        if self.kind == Kind::ConfigurationFile {
            return true;
        }
        self.kind == Kind::Configuration
    }

    /// Whether something was asked for by name that needs another cargo feature.
    pub fn is_not_compiled_in(&self) -> bool {
        self.kind == Kind::NotCompiledIn
    }

    /// Whether an exporter, its client or its thread could not be made.
    pub fn is_exporter(&self) -> bool {
        self.kind == Kind::Exporter
    }
}

impl fmt::Debug for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_with_causes(f, self, &self.message)
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "config-file")]
        if self.kind == Kind::ConfigurationFile {
            // Its lines are printable already.
            return f.write_str(&self.message);
        }
        f.write_str(&printable(&self.message))
    }
}

impl Error for InitError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_what_display_says_and_why() {
        let error = InitError::new(Kind::Exporter, "the exporter cannot start".to_owned());
        assert_eq!(format!("{error:?}"), error.to_string());
        let cause = std::io::Error::other("no threads\nleft");
        let error = error.with_source(cause);
        assert_eq!(format!("{error:?}"), "the exporter cannot start: no threads\\nleft");
        let told = InitError::new(Kind::Exporter, "it ended: no threads".to_owned())
            .with_source("no threads");
        assert_eq!(format!("{told:?}"), "it ended: no threads");
    }
}
