//! Everything that is decided, in one typed value: the layers of settings become a [`Config`], and
//! [`providers`](crate::providers) make what it says. Nothing here makes an exporter or a thread.

pub(crate) mod batching;
pub(crate) mod console;
pub(crate) mod detectors;
pub(crate) mod extraction;
#[cfg(feature = "config-file")]
pub(crate) mod file;
#[cfg(not(feature = "config-file"))]
#[path = "../without/config_file.rs"]
pub(crate) mod file;
pub(crate) mod http;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod otlp;
pub(crate) mod own_metrics;
pub(crate) mod prometheus;
pub(crate) mod propagators;
pub(crate) mod proxy;
pub(crate) mod resource;
pub(crate) mod sampling;
mod split;
mod text;
pub(crate) mod traces;
pub(crate) mod views;
pub(crate) mod zipkin;

use std::mem::take;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use tracewire_export::ConsoleExporter;
use tracewire_export::wiring::Shown;
use tracewire_export::wiring::log::Level;
use tracewire_propagation::{HttpSettings, Propagator};

use self::file::{InCode, Loaded, Source};
use self::sampling::SamplerChoice;
use self::{logs::Logs, metrics::Metrics, traces::Traces};
use crate::error::InitError;
use crate::live::{self, Live};
use crate::plan::Plan;
use crate::presets;
use crate::settings::{Given, Layer, Merge};
use crate::subscriber::Logging;
use crate::variables::{self, Env, Reader};

/// What telemetry is set up to do.
pub(crate) struct Config {
    pub(crate) shutdown_timeout: Duration,
    pub(crate) propagator: Arc<dyn Propagator>,
    pub(crate) logging: Logging,
    pub(crate) resource: Resource,
    pub(crate) console: ConsoleExporter,
    /// `None` if telemetry is disabled.
    pub(crate) traces: Option<Traces>,
    /// `None` without exporters and readers: then instruments are best left without a provider, and
    /// free.
    pub(crate) metrics: Option<Metrics>,
    /// `None` without exporters and processors, as for metrics.
    pub(crate) logs: Option<Logs>,
    /// `None` if nobody asks for it, or telemetry is disabled.
    pub(crate) live: Option<Live>,
    /// What a configuration file says to layers; `None` without a file.
    pub(crate) http: Option<HttpSettings>,
    /// The file, to be read again, and what it cannot change.
    pub(crate) file: Option<(Source, InCode)>,
}

/// Whether metadata servers are asked: not for a plan, which sets nothing up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    Asked,
    Untouched,
}

/// Reads the environment once and decides everything: code wins over the environment, the environment
/// over vendors' variables, these over defaults in code, and these over the specification's defaults. A
/// configuration file takes the place of the environment and of vendors' variables.
///
/// # Errors
///
/// A setting cannot work.
pub(crate) fn decide(
    env: Env,
    mut layer: Layer,
    mut defaults: Layer,
    network: Network,
    plan: &mut Plan,
) -> Result<Config, InitError> {
    layer.settle();
    let mut reader = Reader::new(&env, plan);
    let surroundings = variables::surroundings(&mut reader);
    defaults.settle();
    defaults.make_default();
    layer.datadog.complete(take(&mut defaults.datadog), reader.plan);
    layer.elastic.complete(take(&mut defaults.elastic), reader.plan);
    layer.uptrace.complete(take(&mut defaults.uptrace), reader.plan);
    let code = InCode {
        sampler: layer.traces.sampler.is_some(),
        level: layer.log_level.is_some(),
        console: layer.console.format.is_some(),
        default_sampler: defaults
            .traces
            .sampler
            .clone()
            .map(|given| given.map(SamplerChoice::apart)),
    };
    layer.config_file.complete(variables::configuration_file(&mut reader)?, reader.plan);
    layer.config_file.complete(defaults.config_file.take(), reader.plan);
    let file = match layer.config_file.take() {
        Some(path) => {
            layer.components.append(&mut defaults.components);
            Some((complete_by_file(&mut layer, &path, &env, &mut reader)?, code))
        }
        None => {
            complete_by_variables(&mut layer, &mut reader)?;
            None
        }
    };
    layer.complete(defaults, plan);

    if !writes_lines(&layer) {
        plan.has_no_effect(&layer.otlp.file, "no exporter is otlp_file");
    }
    plan.level = Some(plan.pick("OTEL_LOG_LEVEL", layer.log_level, Level::Info));
    let disabled = plan.pick("OTEL_SDK_DISABLED", layer.disabled, false);
    let timeout = layer.shutdown_timeout.map_or(Duration::from_secs(5), |given| given.value);
    let network = if disabled { Network::Untouched } else { network };
    let resource = resource::resource(layer.resource, &surroundings, network, plan);
    let console = console::exporter(layer.console, surroundings.is_colorless, plan);
    let proxies = &surroundings.proxies;
    Ok(Config {
        shutdown_timeout: timeout,
        propagator: extraction::apply(
            layer.extraction,
            propagators::choose(layer.propagators, plan)?,
            plan,
        ),
        logging: Logging::decide(layer.log_lines, &resource, surroundings.is_colorless, plan)?,
        traces: match disabled || layer.traces.is_without_provider() {
            true => None,
            false => Some(traces::decide(layer.traces, &resource, proxies, plan)?),
        },
        metrics: match disabled {
            true => None,
            false => metrics::decide(layer.metrics, proxies, plan)?,
        },
        logs: match disabled {
            true => None,
            false => logs::decide(layer.logs, proxies, plan)?,
        },
        live: match disabled {
            true => None,
            false => live::decide(layer.live, plan),
        },
        http: http::decide(layer.http, plan),
        file,
        resource,
        console,
    })
}

/// Whether any signal is written as lines of OTLP.
fn writes_lines(layer: &Layer) -> bool {
    let names = [
        layer
            .traces
            .exporters
            .iter()
            .flat_map(|given| &given.value)
            .any(|e| e.name() == "otlp_file"),
        layer
            .metrics
            .exporters
            .iter()
            .flat_map(|given| &given.value)
            .any(|e| e.name() == "otlp_file"),
        layer.logs.exporters.iter().flat_map(|given| &given.value).any(|e| e.name() == "otlp_file"),
    ];
    names.contains(&true)
}

/// Completes what code says by the environment, and that by vendors' variables.
pub(crate) fn complete_by_variables(
    layer: &mut Layer,
    reader: &mut Reader<'_>,
) -> Result<(), InitError> {
    let mut environment = variables::read(reader, layer)?;
    environment.settle();
    layer.complete(environment, reader.plan);
    let mut preset = presets::read(reader, layer)?;
    preset.settle();
    layer.complete(preset, reader.plan);
    Ok(())
}

/// Completes what code says by a file, and by the few variables that count beside one.
fn complete_by_file(
    layer: &mut Layer,
    path: &Given<PathBuf>,
    env: &Env,
    reader: &mut Reader<'_>,
) -> Result<Source, InitError> {
    let shown = Shown::path(&path.value.to_string_lossy());
    reader.plan.decide("OTEL_CONFIG_FILE", shown.text(), path.origin.clone());
    let Loaded { layer: mut file, source, used } = file::load(path, env, layer, reader.plan)?;
    reader.plan.level = file.log_level.as_ref().map(|given| given.value);
    let vendors = [layer.datadog.is_empty(), layer.elastic.is_empty(), layer.uptrace.is_empty()];
    if vendors.contains(&false) {
        let methods = "Builder::datadog, Builder::elastic and Builder::uptrace";
        reader.plan.warn(format!("{methods} have no effect beside a configuration file"));
    }
    // Exporters in code take the place of all of the file's processors.
    if layer.traces.exporters.is_some() {
        file.traces.processors_first.clear();
        file.traces.processors.clear();
    }
    if layer.metrics.exporters.is_some() {
        file.metrics.readers.clear();
    }
    if layer.logs.exporters.is_some() {
        file.logs.processors.clear();
    }
    file.settle();
    layer.complete(file, reader.plan);
    layer.complete(variables::beside_file(reader), reader.plan);
    variables::warn_of_ignored(reader, shown.text(), &used);
    Ok(source)
}

#[cfg(test)]
mod tests;
