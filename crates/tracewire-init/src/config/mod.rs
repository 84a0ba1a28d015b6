//! Everything that is decided, in one typed value: the layers of settings become a [`Config`], and
//! [`providers`](crate::providers) make what it says. Nothing here makes an exporter or a thread.

pub(crate) mod batching;
pub(crate) mod console;
pub(crate) mod detectors;
#[cfg(feature = "config-file")]
pub(crate) mod file;
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
pub(crate) mod zipkin;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use tracewire_export::ConsoleExporter;
use tracewire_export::wiring::log::Level;
use tracewire_propagation::Propagator;

use self::{logs::Logs, metrics::Metrics, traces::Traces};
use crate::error::InitError;
use crate::live::{self, Live};
use crate::plan::Plan;
use crate::presets;
use crate::settings::{Layer, Merge};
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
}

/// Reads the environment once and decides everything: code wins over the environment, the environment
/// over vendors' variables, these over defaults in code, and these over the specification's defaults.
///
/// # Errors
///
/// A setting cannot work.
pub(crate) fn decide(
    env: Env,
    mut layer: Layer,
    mut defaults: Layer,
    plan: &mut Plan,
) -> Result<Config, InitError> {
    layer.settle();
    let mut reader = Reader::new(&env, plan);
    let surroundings = variables::surroundings(&mut reader);
    let mut environment = variables::read(&mut reader, &layer)?;
    environment.settle();
    layer.complete(environment, reader.plan);
    let mut preset = presets::read(&mut reader, &layer)?;
    preset.settle();
    layer.complete(preset, plan);
    defaults.settle();
    defaults.make_default();
    layer.complete(defaults, plan);

    plan.level = Some(plan.pick("OTEL_LOG_LEVEL", layer.log_level, Level::Info));
    let disabled = plan.pick("OTEL_SDK_DISABLED", layer.disabled, false);
    let timeout = layer.shutdown_timeout.map_or(Duration::from_secs(5), |given| given.value);
    let resource = resource::resource(layer.resource, surroundings.user.as_deref(), plan);
    let console = console::exporter(layer.console, surroundings.is_colorless, plan);
    let proxies = &surroundings.proxies;
    Ok(Config {
        shutdown_timeout: timeout,
        propagator: propagators::choose(layer.propagators, plan)?,
        logging: Logging::decide(layer.log_lines, surroundings.is_colorless, plan)?,
        traces: match disabled {
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
        resource,
        console,
    })
}

#[cfg(test)]
mod tests;
