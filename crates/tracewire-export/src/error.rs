//! Why an exporter could not be made.

use crate::diagnostics::shown::Shown;
use std::{error::Error, fmt};
use tracewire_text::printable;

type Source = Box<dyn Error + Send + Sync>;

/// The error of making an exporter: the setting, its value, and what is allowed.
///
/// A value that may hold a secret (a header, credentials or a query in an endpoint, the content of a
/// file) is never part of it. `Debug` shows what `Display` says and then each source.
///
/// ```
/// use tracewire_export::{Batch, BatchSpanProcessor, Exports, OtlpExporter};
///
/// let otlp = OtlpExporter::new("collector:4318"); // the scheme is missing
/// let error = BatchSpanProcessor::new(&Exports::new()).otlp(otlp, Batch::spans()).unwrap_err();
/// assert_eq!(error.setting(), Some("endpoint"));
/// assert!(error.is_configuration());
/// ```
pub struct ExportError {
    kind: Kind,
    setting: Option<&'static str>,
    message: String,
    source: Option<Source>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Configuration,
    NotCompiledIn,
    Exporter,
}

impl ExportError {
    /// `setting` has a `value` that can be shown and not used.
    pub(crate) fn configuration(setting: &'static str, value: &str, allowed: &str) -> Self {
        Self::shown(setting, &Shown::value(value), allowed)
    }

    /// The same with a value that is shown in its own way.
    pub(crate) fn shown(setting: &'static str, value: &Shown, allowed: &str) -> Self {
        Self::new(Kind::Configuration, Some(setting), format!("{value}: {allowed}"))
    }

    /// `setting` asks for something that exists but is not part of this build.
    pub(crate) fn not_compiled_in(setting: &'static str, value: &Shown, allowed: &str) -> Self {
        let message = format!("{value} is not compiled in: {allowed}");
        Self::new(Kind::NotCompiledIn, Some(setting), message)
    }

    pub(crate) fn exporter(message: impl Into<String>) -> Self {
        Self::new(Kind::Exporter, None, message.into())
    }

    pub(crate) fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    fn new(kind: Kind, setting: Option<&'static str>, message: String) -> Self {
        Self { kind, setting, message, source: None }
    }

    /// The setting that cannot work, by the name of its field, such as `endpoint`.
    pub fn setting(&self) -> Option<&'static str> {
        self.setting
    }

    /// What is wrong, without the name of the setting: its value as far as that may be shown, and
    /// what is allowed.
    pub fn reason(&self) -> &str {
        &self.message
    }

    /// The cause, taken out of the error.
    pub fn into_source(self) -> Option<Box<dyn Error + Send + Sync>> {
        self.source
    }

    /// Whether a setting has a value that cannot work.
    pub fn is_configuration(&self) -> bool {
        self.kind == Kind::Configuration
    }

    /// Whether something was asked for that needs another cargo feature.
    pub fn is_not_compiled_in(&self) -> bool {
        self.kind == Kind::NotCompiledIn
    }

    /// Whether an exporter, its client or its thread could not be made.
    pub fn is_exporter(&self) -> bool {
        self.kind == Kind::Exporter
    }
}

impl fmt::Debug for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_with_causes(f, self, &self.message)
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(setting) = self.setting {
            write!(f, "{setting}=")?;
        }
        f.write_str(&printable(&self.message))
    }
}

impl Error for ExportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// Writes `error` and then each of its causes that `message` does not end with already. For `Debug`, which is
/// what `main` shows of an error that it returns.
pub fn write_with_causes(
    f: &mut fmt::Formatter<'_>,
    error: &(dyn Error + 'static),
    message: &str,
) -> fmt::Result {
    fmt::Display::fmt(error, f)?;
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !message.contains(&text) {
            write!(f, ": {}", printable(&text))?;
        }
        source = cause.source();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_says_what_display_says_and_why() {
        let error = ExportError::exporter("the exporter cannot start");
        assert_eq!(format!("{error:?}"), error.to_string());
        let cause = std::io::Error::other("no threads\nleft");
        let error = error.with_source(cause);
        assert_eq!(format!("{error:?}"), "the exporter cannot start: no threads\\nleft");
        let told = ExportError::exporter("it ended: no threads").with_source("no threads");
        assert_eq!(format!("{told:?}"), "it ended: no threads");
    }
}
