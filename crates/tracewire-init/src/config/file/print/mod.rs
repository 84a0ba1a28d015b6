//! The configuration file that says what variables say.

mod distribution;
mod http;
mod logs;
mod metrics;
mod otlp;
mod otlp_file;
mod processors;
mod resource;
mod sampler;
mod traces;
mod yaml;

use tracewire_export::wiring::log::Level;

use self::yaml::{Yaml, quoted};
use super::ConfigFile;
use crate::config::complete_by_variables;
use crate::config::propagators::Formats;
use crate::error::InitError;
use crate::features;
use crate::plan::Plan;
use crate::settings::{Layer, Setting};
use crate::variables::{self, Env, Reader};

impl ConfigFile {
    /// Writes the file that says what the variables of this process say, those of vendors included.
    ///
    /// Secrets are not written: where a variable holds headers, the resource's attributes or a URL with
    /// credentials, the file refers to it. What could not be read of the variables is a comment.
    ///
    /// ```
    /// let text = tracewire_init::ConfigFile::from_environment()?;
    /// assert!(text.starts_with("file_format: \"1.1\"\n"));
    /// # Ok::<(), tracewire_init::InitError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If `init` would refuse a variable.
    pub fn from_environment() -> Result<String, InitError> {
        print(&Env::process())
    }
}

/// The file that says what these variables say.
pub(crate) fn print(env: &Env) -> Result<String, InitError> {
    let (mut layer, mut plan) = (Layer::default(), Plan::default());
    let mut reader = Reader::new(env, &mut plan);
    complete_by_variables(&mut layer, &mut reader)?;
    let http = variables::http(&mut reader);
    let mut yaml = Yaml::default();
    yaml.line(0, "file_format: \"1.1\"");
    for warning in plan.warnings() {
        yaml.line(0, &format!("# {}", tracewire_text::printable(warning)));
    }
    yaml.value(0, "disabled", &layer.disabled, |disabled| disabled.to_string());
    yaml.value(0, "log_level", &layer.log_level, |level| level_name(*level).to_owned());
    resource::resource(&layer.resource, &mut yaml);
    propagator(&layer.propagators, &mut yaml)?;
    traces::traces(&layer.traces, &mut yaml);
    metrics::metrics(&layer.metrics, &mut yaml);
    if features::LOGS {
        logs::logs(&layer.logs, &mut yaml);
    }
    http::instrumentation(&http, &mut yaml);
    distribution::distribution(&layer, &http, &mut yaml);
    Ok(yaml.0)
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Off => "fatal",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
    }
}

fn propagator(formats: &Setting<Formats>, yaml: &mut Yaml) -> Result<(), InitError> {
    let words = match formats.as_ref().map(|given| &given.value) {
        None => "",
        Some(Formats::Named(words)) => words,
        Some(Formats::Split { .. } | Formats::Given(_)) => {
            yaml.line(
                0,
                "# Formats that differ by direction have no node; these are read and written:",
            );
            ""
        }
    };
    let found = tracewire_propagation::from_names(words).map_err(InitError::propagator)?;
    yaml.line(0, "propagator:");
    yaml.line(1, &format!("composite_list: {}", quoted(&found.names().join(","))));
    Ok(())
}
