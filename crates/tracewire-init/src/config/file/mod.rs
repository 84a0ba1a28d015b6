//! `OTEL_CONFIG_FILE`: OpenTelemetry's declarative configuration, from YAML to a typed model.
//!
//! ```text
//! bytes → parse (YAML events, limits, ${VARIABLE}) → tree → read (types, problems) → schema (the model)
//! ```
//!
//! Nothing is expanded while it is parsed, so a file costs what it has. Readers go on after a problem,
//! and a file with problems has no model.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

pub(crate) mod components;
mod layer;
mod load;
mod nearest;
mod parse;
mod position;
pub(crate) mod print;
mod problems;
mod read;
mod reload;
mod scalar;
mod schema;
mod substitute;
mod tree;
mod watch;

pub use self::problems::ConfigFileError;
pub(crate) use self::{
    load::{Loaded, Source, load},
    reload::{Adjustable, Busy, InCode, Reloader},
};
pub(crate) use crate::builder::Component;

use self::components::Registered;
use self::parse::{Findings, MOST_BYTES};
use self::problems::Problems;
use self::read::{Cursor, Reading};
use self::schema::Configuration;
use self::substitute::Variables;

/// A configuration file that was read without problems.
///
/// It follows [OpenTelemetry's declarative configuration](https://opentelemetry.io/docs/specs/otel/configuration/data-model/),
/// file format 1.0 and 1.1. Reading one sets nothing up, so a test or a check before a deployment can do it:
///
/// ```no_run
/// let file = tracewire_init::ConfigFile::read("otel.yaml")?;
/// for warning in file.warnings() {
///     eprintln!("{warning}");
/// }
/// # Ok::<(), tracewire_init::ConfigFileError>(())
/// ```
///
/// `Debug` shows what was read, without the values of headers.
#[derive(Clone)]
pub struct ConfigFile {
    configuration: Configuration,
    warnings: Vec<String>,
}

impl ConfigFile {
    /// Reads a file, with references to the variables of this process.
    ///
    /// # Errors
    ///
    /// If the file's name does not end in `.yaml` or `.yml`, if it is missing or unreadable, or if there is
    /// anything in it that is wrong or not supported. A file has at most 1 MiB, 10,000 values and 32
    /// levels. A text in it has at most 64 KiB, and a list or a mapping in brackets 128 KiB.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ConfigFileError> {
        let (path, variables) = (path.as_ref(), |variable: &str| std::env::var_os(variable));
        Self::read_with(path, &load::shown(path), &Registered::default(), &variables)
    }

    /// Reads the text of a file. Messages name it `name`; `variables` gives the values of variables.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn parse(
        name: &str,
        text: &[u8],
        variables: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, ConfigFileError> {
        parse(name, text, &variables, &Registered::default())
    }

    /// What is odd about the file and no error, each with its line.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The same as [`read`](Self::read), with components of the program. Messages name the file `name`.
    fn read_with(
        path: &Path,
        name: &str,
        registered: &Registered,
        variables: Variables<'_>,
    ) -> Result<Self, ConfigFileError> {
        parse(name, &bytes(path, name)?, variables, registered)
    }
}

impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.configuration, f)
    }
}

/// The file's content, if it is one of a size that can be configuration.
fn bytes(path: &Path, name: &str) -> Result<Vec<u8>, ConfigFileError> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    if !matches!(extension, Some("yaml" | "yml")) {
        return Err(ConfigFileError::of_file(name, "the name must end in .yaml or .yml"));
    }
    let unreadable = |error: std::io::Error| ConfigFileError::unreadable(name, &error);
    let no_file = || ConfigFileError::of_file(name, "this is no file");
    // Opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(no_file());
    }
    let file = File::open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(no_file());
    }
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn parse(
    name: &str,
    bytes: &[u8],
    variables: Variables<'_>,
    registered: &Registered,
) -> Result<ConfigFile, ConfigFileError> {
    if bytes.len() > MOST_BYTES {
        let most = MOST_BYTES / 1024 / 1024;
        return Err(ConfigFileError::of_file(name, format!("the file has more than {most} MiB")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        ConfigFileError::of_file(name, format!("the file must be UTF-8, and line {line} is not"))
    })?;
    let mut findings = Findings::default();
    let Some(root) = parse::parse(text, variables, &mut findings) else {
        return Err(ConfigFileError::of_problems(name, findings.problems));
    };
    let reading = Reading::new(findings, registered);
    let configuration = Configuration::read(Cursor::root(&root, &reading));
    let Findings { problems, warnings } = reading.findings.into_inner();
    match configuration {
        Some(configuration) if problems.is_empty() => {
            Ok(ConfigFile { configuration, warnings: lines(name, warnings) })
        }
        _ => Err(ConfigFileError::of_problems(name, problems)),
    }
}

fn lines(name: &str, problems: Problems) -> Vec<String> {
    problems.into_sorted().iter().map(|problem| problem.line(name)).collect()
}

#[cfg(test)]
mod tests;
