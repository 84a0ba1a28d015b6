//! Settings in code.

mod batching;
#[cfg(feature = "config-file")]
mod component;
mod console;
mod live;
mod logs;
mod metrics;
mod otlp;
mod resource;
mod traces;
mod traces_exporter;
mod vendors;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::global;
use tracewire_propagation::{
    Propagator,
    providers::{Binding, Unboxed},
    set_http_settings,
};
use tracing::subscriber::NoSubscriber;

#[cfg(feature = "config-file")]
pub use self::component::Component;
#[cfg(feature = "config-file")]
pub(crate) use self::component::{Make, Maker};
#[cfg(feature = "config-file")]
pub(crate) use self::metrics::read_by;
#[cfg(any(feature = "config-file", feature = "datadog-agent"))]
pub(crate) use self::traces::added;
pub use self::{
    batching::Batching,
    console::{Console, LogFormat},
    live::Live,
    logs::{Exceptions, Logs, LogsExporter},
    metrics::{HistogramAggregation, Metrics, MetricsExporter, Prometheus},
    otlp::Otlp,
    resource::Resource,
    traces::Traces,
    traces_exporter::{TracesExporter, Zipkin},
    vendors::{Datadog, Elastic, Uptrace},
};
pub(crate) use self::{
    console::{LogLines, LogNames},
    logs::LogsKind,
    metrics::{AddPeriodic, AddReader, MetricsKind},
    traces::{AddProcessor, BoxedGenerator, over},
    traces_exporter::{AddExporter, TracesKind},
};
use crate::claim::Claim;
use crate::config::propagators::{self, Formats};
use crate::config::{Config, Network, decide};
use crate::error::InitError;
use crate::guard::Telemetry;
use crate::layers::{set_only_our_processors, tell_sampler};
use crate::plan::Plan;
use crate::settings::{Layer, in_code};
use crate::variables::Env;
use crate::{log_records, providers, subscriber};

/// Settings in code. Each wins over its variable, but for those that are given as
/// [`defaults`](Self::defaults).
///
/// ```no_run
/// use std::time::Duration;
/// use tracewire_init::{Otlp, Telemetry, TracesExporter};
///
/// # fn main() -> Result<(), tracewire_init::InitError> {
/// let telemetry = Telemetry::builder()
///     .service_name("shop")
///     .otlp(Otlp::new().endpoint("http://collector:4318"))
///     .traces([TracesExporter::otlp(), TracesExporter::console()])
///     .shutdown_timeout(Duration::from_secs(3))
///     .init()?;
/// # drop(telemetry);
/// # Ok(())
/// # }
/// ```
///
/// A group may be given more than once: what comes later wins, setting by setting.
#[must_use = "nothing is set up before `init` or `build`"]
pub struct Builder {
    pub(crate) env: Env,
    pub(crate) code: Layer,
    pub(crate) defaults: Layer,
}

impl Builder {
    pub(crate) fn new(env: Env) -> Self {
        Self { env, code: Layer::default(), defaults: Layer::default() }
    }

    /// Sets what holds unless the environment says otherwise, by any of these methods.
    ///
    /// A default in code is weaker than the environment, so operators can still choose; every other
    /// setting in code is stronger. Vendors' variables win over defaults as well.
    ///
    /// ```no_run
    /// use tracewire_init::{Telemetry, TracesExporter};
    ///
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// let telemetry = Telemetry::builder()
    ///     .defaults(|defaults| {
    ///         defaults
    ///             .service_name("shop")
    ///             // OTEL_TRACES_EXPORTER=otlp still works
    ///             .traces([TracesExporter::console()])
    ///             .metrics([])
    ///     })
    ///     .init()?;
    /// # drop(telemetry);
    /// # Ok(())
    /// # }
    /// ```
    pub fn defaults(mut self, set: impl FnOnce(Self) -> Self) -> Self {
        let Self { env, code, mut defaults } = set(Self::new(self.env));
        self.env = env;
        defaults = over(code, defaults);
        self.defaults = over(defaults, self.defaults);
        self
    }

    /// Sets `service.name` (`OTEL_SERVICE_NAME`); `unknown_service:` and the executable's name unless
    /// set.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.code.resource.service_name = in_code(name.into());
        self
    }

    /// Sets more about who sends telemetry.
    pub fn resource(mut self, resource: Resource) -> Self {
        self.code.resource = over(resource, self.code.resource);
        self
    }

    /// Sets how telemetry is sent over OTLP, for all signals.
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.code.otlp = over(otlp, self.code.otlp);
        self
    }

    /// Sets which spans there are and where they go: a [`Traces`], or an array of exporters alone.
    pub fn traces(mut self, traces: impl Into<Traces>) -> Self {
        self.code.traces = over(traces.into(), self.code.traces);
        self
    }

    /// Sets which metrics there are and where they go: a [`Metrics`], or an array of exporters alone.
    pub fn metrics(mut self, metrics: impl Into<Metrics>) -> Self {
        self.code.metrics = over(metrics.into(), self.code.metrics);
        self
    }

    /// Sets where log records go: a [`Logs`], or an array of exporters alone.
    pub fn logs(mut self, logs: impl Into<Logs>) -> Self {
        self.code.logs = over(logs.into(), self.code.logs);
        self
    }

    /// Sets how the console shows telemetry.
    pub fn console(mut self, console: Console) -> Self {
        self.code.console = over(console, self.code.console);
        self
    }

    /// Turns the live page on: recent traces, routes, what runs now and what telemetry itself does, as a
    /// page in this process. It needs the cargo feature `live`, and is warned of without.
    ///
    /// Mount [`Telemetry::live_page`] in your server, or let it [listen](Live::listen) on a port of its
    /// own. Without this, `TRACEWIRE_LIVE` turns it on. It keeps at most 16 MiB unless
    /// [set](Live::memory_mib).
    ///
    /// A page to look at never stops a service from starting: what cannot work is warned of.
    pub fn live(mut self, live: Live) -> Self {
        self.code.live = over(live, self.code.live);
        self.code.live.is_on = in_code(true);
        self
    }

    /// Sets up a subscriber for `tracing` that writes lines to stdout, with trace ids
    /// (`TRACEWIRE_LOG`), and takes spans and, with the feature `logs`, events into telemetry. It needs
    /// the cargo feature `tracing`, and is an error of [`init`](Self::init) without.
    ///
    /// Lines are written by a thread of their own, so a stdout that nobody reads holds up no request.
    /// A line of WARN or ERROR waits until it is written, at most 100 ms; so does every line after the
    /// shutdown. Others may be lost if the program ends without one, as by `std::process::exit`.
    ///
    /// Without it no subscriber is set, and the layers of [`Telemetry`] are there for one of your
    /// own. Only [`init`](Self::init) heeds it.
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.code.log_lines.format = in_code(Some(format));
        self
    }

    /// Sets which events are logged (`RUST_LOG`), as `tracing_subscriber::EnvFilter` reads it;
    /// `info,opentelemetry=warn` unless set. What it cannot read is left out.
    pub fn log_filter(mut self, directives: impl Into<String>) -> Self {
        self.code.log_lines.filter = in_code(directives.into());
        self
    }

    /// Sends telemetry to a Datadog Agent, in Datadog's words.
    ///
    /// It has no effect beside a [configuration file](Self::config_file), which is warned of: the file says
    /// completely where telemetry goes and how it is sampled.
    pub fn datadog(mut self, datadog: Datadog) -> Self {
        self.code.datadog = over(datadog, self.code.datadog);
        self
    }

    /// Sends telemetry to an Elastic APM Server, in Elastic's words.
    ///
    /// It has no effect beside a [configuration file](Self::config_file), which is warned of: the file says
    /// completely where telemetry goes and how it is sampled.
    pub fn elastic(mut self, elastic: Elastic) -> Self {
        self.code.elastic = over(elastic, self.code.elastic);
        self
    }

    /// Sends telemetry to Uptrace.
    ///
    /// It has no effect beside a [configuration file](Self::config_file), which is warned of: the file says
    /// completely where telemetry goes and how it is sampled.
    pub fn uptrace(mut self, uptrace: Uptrace) -> Self {
        self.code.uptrace = over(uptrace, self.code.uptrace);
        self
    }

    /// Sets whether nothing is recorded and exported (`OTEL_SDK_DISABLED`); propagation stays.
    pub fn disabled(mut self, disabled: bool) -> Self {
        self.code.disabled = in_code(disabled);
        self
    }

    /// Sets the propagator (`OTEL_PROPAGATORS`); the formats that are compiled in unless set.
    pub fn propagator(mut self, propagator: Arc<dyn Propagator>) -> Self {
        self.code.propagators = in_code(Formats::Given(propagator));
        self
    }

    /// Sets how long [`Telemetry::shutdown`] and the guard's `Drop` may take, for all signals
    /// together; five seconds unless set.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.code.shutdown_timeout = in_code(timeout);
        self
    }

    /// Reads this configuration file (`OTEL_CONFIG_FILE`) in place of all `OTEL_*` variables and those of
    /// vendors. It needs the cargo feature `config-file`, and is an error of [`init`](Self::init) without.
    ///
    /// The name ends in `.yaml` or `.yml`. What is set in code wins over the file, and exporters in code take the
    /// place of the file's processors or readers of their signal. The guide `configuration-file.md` lists what
    /// a file may say.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), tracewire_init::InitError> {
    /// let telemetry = tracewire_init::Telemetry::builder().config_file("/etc/shop/otel.yaml").init()?;
    /// # drop(telemetry);
    /// # Ok(())
    /// # }
    /// ```
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.code.config_file = in_code(path.into());
        self
    }

    /// Registers a component, so that the configuration file can name it. Of two with one kind and name, the
    /// later one counts.
    #[cfg(feature = "config-file")]
    pub fn component(mut self, component: Component) -> Self {
        self.code.components.push(component);
        self
    }

    /// Decides everything and sets up nothing: what [`init`](Self::init) would do, and why. No metadata server
    /// of a cloud is asked.
    ///
    /// # Errors
    ///
    /// If a setting cannot work, as far as that can be told without making exporters.
    pub fn plan(self) -> Result<Plan, InitError> {
        let mut plan = Plan::default();
        decide(self.env, self.code, self.defaults, Network::Untouched, &mut plan)?;
        Ok(plan)
    }

    /// Sets telemetry up for this process: OpenTelemetry's global providers and propagator, and
    /// the propagator that tracewire's layers use.
    ///
    /// # Errors
    ///
    /// If telemetry is initialized already, or a setting cannot work. Nothing is changed then.
    pub fn init(self) -> Result<Telemetry, InitError> {
        let claim = Claim::take()?;
        let (mut config, plan) = self.decide()?;
        propagators::say(&plan);
        let propagator = Arc::clone(&config.propagator);
        let http = config.http.take();
        let telemetry = Telemetry::new(providers::start(config, plan)?).claimed(claim);
        subscriber::install(&telemetry)?;
        match telemetry.exemplars() {
            Some(exemplars) => tracewire_exemplar::install(exemplars.clone()),
            None => tracewire_exemplar::uninstall(),
        }
        // OpenTelemetry logs each of these at level INFO, before the program's own first line.
        tracing::subscriber::with_default(NoSubscriber::new(), || {
            if let Some(provider) = telemetry.watched() {
                global::set_tracer_provider(Unboxed(provider));
            }
            if let Some(provider) = telemetry.meter_provider() {
                global::set_meter_provider(Binding(provider.clone()));
            }
        });
        set_only_our_processors(telemetry.has_only_our_processors());
        tell_sampler(telemetry.sampler());
        set_http_settings(http);
        log_records::take_exceptions(telemetry.running());
        telemetry.claim_layers();
        // Last: who sees the propagator finds the providers in place.
        propagators::install(propagator);
        Ok(telemetry)
    }

    /// Builds the providers without making anything global, for tests and for processes with
    /// several of them. Give them to the layers yourself; [`propagator`](Self::propagator), and what a
    /// configuration file says to layers, have no effect.
    ///
    /// # Errors
    ///
    /// If a setting cannot work.
    pub fn build(self) -> Result<Telemetry, InitError> {
        let (config, plan) = self.decide()?;
        providers::start(config, plan).map(Telemetry::new)
    }

    /// Decides, and says what was odd about the settings, whatever comes of it.
    fn decide(self) -> Result<(Config, Plan), InitError> {
        let mut plan = Plan::default();
        let config = decide(self.env, self.code, self.defaults, Network::Asked, &mut plan);
        plan.log();
        Ok((config?, plan))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
