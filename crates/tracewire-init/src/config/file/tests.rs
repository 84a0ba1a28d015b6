//! Whole files, from their bytes to the model or to the messages.

use std::ffi::OsString;

use super::schema::*;
use super::*;

mod bounds;
mod equivalence;
mod examples;
mod mistakes;
mod model;
mod reading;
mod refusals;
mod reloading;
mod secrets;
mod settings;

/// Reads a file that begins with its version.
fn read(text: &str) -> Result<ConfigFile, ConfigFileError> {
    read_with(text, &[])
}

/// The same with variables.
fn read_with(text: &str, variables: &[(&str, &str)]) -> Result<ConfigFile, ConfigFileError> {
    let text = format!("file_format: \"1.1\"\n{text}");
    ConfigFile::parse("otel.yaml", text.as_bytes(), |name| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

/// The model of a file without problems and warnings.
fn model(text: &str) -> Configuration {
    let file = read(text).unwrap();
    assert_eq!(file.warnings(), Vec::<String>::new());
    file.configuration
}

/// The lines of the error.
fn problems(text: &str) -> Vec<String> {
    read(text).unwrap_err().lines().collect()
}

/// A tracer provider with this exporter, which begins in line 6.
fn with_exporter(exporter: &str) -> String {
    let indented = exporter.replace('\n', "\n            ");
    format!(
        "tracer_provider:\n  processors:\n    - simple:\n        exporter:\n            {indented}\n"
    )
}
