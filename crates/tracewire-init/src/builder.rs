//! Settings in code.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::trace::{ShouldSample, SpanExporter, SpanLimits};
use tracewire_export::{Compression, ConsoleFormat, Protocol};
use tracewire_propagation::{
    Propagator,
    providers::{Binding, Unboxed},
};
use tracewire_sampling::Sampler;
use tracing::subscriber::NoSubscriber;

use crate::claim::Claim;
use crate::defaults::Defaults;
use crate::env::Env;
use crate::error::InitError;
use crate::exporters::Exporter;
use crate::guard::{Telemetry, set_unsampled};
use crate::propagation;
use crate::setup::{self, Settings};

/// Settings in code; each wins over its variable, but for those whose names begin with `default_`.
///
/// ```no_run
/// use std::time::Duration;
/// use tracewire_init::{Exporter, Telemetry};
///
/// # fn main() -> Result<(), tracewire_init::InitError> {
/// let telemetry = Telemetry::builder()
///     .service_name("shop")
///     .traces_exporters([Exporter::Otlp, Exporter::Console])
///     .endpoint("http://collector:4318")
///     .shutdown_timeout(Duration::from_secs(3))
///     .init()?;
/// # drop(telemetry);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is set up before `init` or `build`"]
pub struct Builder {
    pub(crate) env: Env,
    pub(crate) settings: Settings,
    pub(crate) defaults: Defaults,
    is_completed: bool,
}

impl Builder {
    pub(crate) fn new(env: Env) -> Self {
        Self {
            env,
            settings: Settings::default(),
            defaults: Defaults::default(),
            is_completed: false,
        }
    }

    /// Sets `service.name` (`OTEL_SERVICE_NAME`).
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.settings.resource.service_name = Some(name.into());
        self
    }

    /// Adds an attribute to the resource (`OTEL_RESOURCE_ATTRIBUTES`).
    pub fn resource_attribute(mut self, attribute: KeyValue) -> Self {
        self.settings.resource.attributes.push(attribute);
        self
    }

    /// Sets the sampler (`OTEL_TRACES_SAMPLER`).
    ///
    /// It goes through [`Sampler::wrap`](crate::sampling::Sampler::wrap): spans below a request that
    /// is not traced are dropped, a span without ids is no parent, and the SDK's parent-based sampler
    /// honors what a format says beyond the sampled flag.
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.settings.sampler = Some(Sampler::wrap(sampler));
        self
    }

    /// Sets where spans go (`OTEL_TRACES_EXPORTER`); an empty list is nowhere.
    pub fn traces_exporters(mut self, exporters: impl IntoIterator<Item = Exporter>) -> Self {
        self.settings.traces_exporters = Some(exporters.into_iter().collect());
        self
    }

    /// Sends spans to `exporter`, in batches, in place of those that `OTEL_TRACES_EXPORTER` names.
    ///
    /// With [`traces_exporters`](Self::traces_exporters) they go there as well. The exporter runs on
    /// a thread of its own, outside any runtime. An export may take `OTEL_BSP_EXPORT_TIMEOUT`, half
    /// a minute unless set; one that takes longer, or panics, fails, and does not end telemetry.
    pub fn span_exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.settings.span_exporter =
            Some(Box::new(move |processor, batch| processor.exporter(exporter, batch)));
        self
    }

    /// Sets how long one export of spans may take (`OTEL_BSP_EXPORT_TIMEOUT`), half a minute unless
    /// set; zero is no limit. Over OTLP, [`export_timeout`](Self::export_timeout) counts as well.
    pub fn batch_timeout(mut self, timeout: Duration) -> Self {
        self.settings.batch.export_timeout = Some(timeout);
        self
    }

    /// Sets where metrics go (`OTEL_METRICS_EXPORTER`); an empty list is nowhere.
    pub fn metrics_exporters(mut self, exporters: impl IntoIterator<Item = Exporter>) -> Self {
        self.settings.metrics_exporters = Some(exporters.into_iter().collect());
        self
    }

    /// Sets the collector's base URL, to which `v1/traces`, `v1/metrics` and `v1/logs` are appended
    /// (`OTEL_EXPORTER_OTLP_ENDPOINT`, and those of each signal).
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.settings.otlp.endpoint = Some(url.into());
        self
    }

    /// Sets how OTLP is spoken (`OTEL_EXPORTER_OTLP_PROTOCOL`): protobuf over HTTP unless set.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.settings.otlp.protocol = Some(protocol);
        self
    }

    /// Adds a header to each OTLP request (`OTEL_EXPORTER_OTLP_HEADERS`, whose headers it replaces).
    ///
    /// The value is taken as it is, without percent-encoding, and is never shown.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.otlp.headers.push((name.into(), value.into()));
        self
    }

    /// Sets how long one OTLP export may take, retries included (`OTEL_EXPORTER_OTLP_TIMEOUT`).
    ///
    /// Ten seconds unless set; zero is no limit.
    pub fn export_timeout(mut self, timeout: Duration) -> Self {
        self.settings.otlp.timeout = Some(timeout);
        self
    }

    /// Sets how OTLP bodies are compressed (`OTEL_EXPORTER_OTLP_COMPRESSION`).
    pub fn compression(mut self, compression: Compression) -> Self {
        self.settings.otlp.compression = Some(compression);
        self
    }

    /// Sets how many spans may wait for an exporter (`OTEL_BSP_MAX_QUEUE_SIZE`), at most 3 KiB for
    /// each. Unless set, what may wait is bounded by its bytes: 7 MiB.
    pub fn queue_size(mut self, spans: u32) -> Self {
        self.settings.batch.queue_size = Some(spans);
        self
    }

    /// Sets how many spans are exported at once (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`), 512 unless set,
    /// and more when more have piled up.
    pub fn batch_size(mut self, spans: u32) -> Self {
        self.settings.batch.batch_size = Some(spans);
        self
    }

    /// Sets how long a span waits for its batch to fill (`OTEL_BSP_SCHEDULE_DELAY`), five seconds
    /// unless set.
    pub fn schedule_delay(mut self, delay: Duration) -> Self {
        self.settings.batch.schedule_delay = Some(delay);
        self
    }

    /// Sets the longest attribute value, in characters; the rest is cut off
    /// (`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`). No limit unless set.
    pub fn attribute_value_length(mut self, characters: usize) -> Self {
        self.settings.limits.value_length = Some(characters);
        #[cfg(feature = "logs")]
        {
            self.settings.logs.limits.value_length = Some(characters);
        }
        self
    }

    /// Sets how many attributes, events and links a span may have (`OTEL_SPAN_*_COUNT_LIMIT` and
    /// `OTEL_{EVENT,LINK}_ATTRIBUTE_COUNT_LIMIT`), 128 of each unless set.
    pub fn span_limits(mut self, limits: SpanLimits) -> Self {
        self.settings.limits.counts = Some(limits);
        self
    }

    /// Copies baggage members with these keys to each span, as attributes of the same name, as
    /// [`BaggageAttributes`](crate::BaggageAttributes) does. No member is copied unless set.
    pub fn baggage_attributes(mut self, keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.settings.baggage_attributes = Some(keys.into_iter().map(Into::into).collect());
        self
    }

    /// Sets where spans go for the exporter `zipkin` (`OTEL_EXPORTER_ZIPKIN_ENDPOINT`).
    #[cfg(feature = "zipkin")]
    pub fn zipkin_endpoint(mut self, url: impl Into<String>) -> Self {
        self.settings.zipkin.endpoint = Some(url.into());
        self
    }

    /// Sets where the exporter `prometheus` serves its page, `/metrics`
    /// (`OTEL_EXPORTER_PROMETHEUS_HOST` and `OTEL_EXPORTER_PROMETHEUS_PORT`); `localhost:9464` unless
    /// set. The page is in OpenMetrics for those who ask for it, else in Prometheus' text format.
    ///
    /// A thread of its own serves it over HTTP/1.1, without authentication. A slow or idle client
    /// holds up no other one: at most 32 connections are open, a request's head may take five
    /// seconds and be 16 KiB, and the answer has to be read within 30 seconds. Beyond 32 connections,
    /// one that never sent a request is closed, or else the one whose last request is the oldest.
    #[cfg(feature = "prometheus")]
    pub fn prometheus_address(mut self, host: impl Into<String>, port: u16) -> Self {
        self.settings.prometheus = Some((host.into(), port));
        self
    }

    /// Sets whether what became of the telemetry is itself exported as a metric,
    /// `tracewire.telemetry.items`, by signal, exporter and fate. It is not unless set.
    pub fn self_metrics(mut self, enabled: bool) -> Self {
        self.settings.self_metrics = enabled;
        self
    }

    /// Sets whether durations of sampled requests are kept as exemplars, which lead from a histogram's
    /// bucket to a trace (`OTEL_METRICS_EXEMPLAR_FILTER`). They are unless set, in at most 2 MiB, and
    /// exported over OTLP and to Prometheus, where it asks for OpenMetrics.
    pub fn exemplars(mut self, enabled: bool) -> Self {
        self.settings.exemplars = Some(enabled);
        self
    }

    /// Sets how often metrics are exported (`OTEL_METRIC_EXPORT_INTERVAL`), a minute unless set.
    pub fn metric_interval(mut self, interval: Duration) -> Self {
        self.settings.metrics.interval = Some(interval);
        self
    }

    /// Sets how long one export of metrics may take (`OTEL_METRIC_EXPORT_TIMEOUT`), half a minute
    /// unless set; zero is no limit. Over OTLP, [`export_timeout`](Self::export_timeout) counts as
    /// well.
    pub fn metric_timeout(mut self, timeout: Duration) -> Self {
        self.settings.metrics.timeout = Some(timeout);
        self
    }

    /// Sets the temporality of OTLP metrics: cumulative, delta or low-memory
    /// (`OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`), cumulative unless set.
    pub fn temporality(mut self, temporality: Temporality) -> Self {
        self.settings.metrics.temporality = Some(temporality);
        self
    }

    /// Sets where log records go (`OTEL_LOGS_EXPORTER`); an empty list is nowhere.
    #[cfg(feature = "logs")]
    pub fn logs_exporters(mut self, exporters: impl IntoIterator<Item = Exporter>) -> Self {
        self.settings.logs.exporters = Some(exporters.into_iter().collect());
        self
    }

    /// Sets how many log records may wait for an exporter (`OTEL_BLRP_MAX_QUEUE_SIZE`), at most
    /// 3 KiB for each. Unless set, what may wait is bounded by its bytes: 7 MiB.
    #[cfg(feature = "logs")]
    pub fn log_queue_size(mut self, records: u32) -> Self {
        self.settings.logs.batch.queue_size = Some(records);
        self
    }

    /// Sets how many log records are exported at once (`OTEL_BLRP_MAX_EXPORT_BATCH_SIZE`), 512
    /// unless set, and more when more have piled up.
    #[cfg(feature = "logs")]
    pub fn log_batch_size(mut self, records: u32) -> Self {
        self.settings.logs.batch.batch_size = Some(records);
        self
    }

    /// Sets how long a log record waits for its batch to fill (`OTEL_BLRP_SCHEDULE_DELAY`), one
    /// second unless set.
    #[cfg(feature = "logs")]
    pub fn log_schedule_delay(mut self, delay: Duration) -> Self {
        self.settings.logs.batch.schedule_delay = Some(delay);
        self
    }

    /// Sets how long one export of log records may take (`OTEL_BLRP_EXPORT_TIMEOUT`), half a minute
    /// unless set; zero is no limit. Over OTLP, [`export_timeout`](Self::export_timeout) counts as
    /// well.
    #[cfg(feature = "logs")]
    pub fn log_batch_timeout(mut self, timeout: Duration) -> Self {
        self.settings.logs.batch.export_timeout = Some(timeout);
        self
    }

    /// Sets how many attributes a log record may have (`OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT`), 128
    /// unless set.
    #[cfg(feature = "logs")]
    pub fn log_attributes(mut self, number: u32) -> Self {
        self.settings.logs.limits.count = Some(number);
        self
    }

    /// Sets up a subscriber for `tracing` that writes lines to stdout, with trace ids
    /// (`TRACEWIRE_LOG`), and takes spans and, with the feature `logs`, events into telemetry.
    ///
    /// Lines are written by a thread of their own, so a stdout that nobody reads holds up no request.
    /// A line of WARN or ERROR waits until it is written, at most 100 ms; so does every line after the
    /// shutdown. Others may be lost if the program ends without one, as by `std::process::exit`.
    ///
    /// Without it no subscriber is set, and the layers of [`Telemetry`] are there for one of your
    /// own. Only [`init`](Self::init) heeds it.
    #[cfg(feature = "tracing")]
    pub fn log_format(mut self, format: crate::LogFormat) -> Self {
        self.settings.logging.format = Some(format);
        self
    }

    /// Sets which events are logged (`RUST_LOG`), as `tracing_subscriber::EnvFilter` reads it;
    /// `info,opentelemetry=warn` unless set. What it cannot read is left out.
    #[cfg(feature = "tracing")]
    pub fn log_filter(mut self, directives: impl Into<String>) -> Self {
        self.settings.logging.directives = Some(directives.into());
        self
    }

    /// Sets the PEM file with the only authorities to trust (`OTEL_EXPORTER_OTLP_CERTIFICATE`); the
    /// platform's unless set.
    pub fn certificate_authorities(mut self, file: impl Into<String>) -> Self {
        self.settings.otlp.authorities = Some(file.into());
        self
    }

    /// Sets the PEM files with the certificate and the key to show to the collector
    /// (`OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and `OTEL_EXPORTER_OTLP_CLIENT_KEY`).
    pub fn client_certificate(
        mut self,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.settings.otlp.identity = Some((certificate.into(), key.into()));
        self
    }

    /// Sets whether nothing is recorded and exported (`OTEL_SDK_DISABLED`); propagation stays.
    pub fn disabled(mut self, disabled: bool) -> Self {
        self.settings.disabled = Some(disabled);
        self
    }

    /// Sets the propagator (`OTEL_PROPAGATORS`).
    pub fn propagator(mut self, propagator: Arc<dyn Propagator>) -> Self {
        self.settings.propagator = Some(propagator);
        self
    }

    /// Sends console output to `writer` instead of stdout, without color.
    ///
    /// It is written by a thread of its own, so a slow writer holds up no request. At most 4 MiB
    /// wait for it; what is beyond that, or cannot be written, counts as failed in the
    /// [report](crate::ShutdownReport).
    pub fn console_writer(mut self, writer: impl Write + Send + 'static) -> Self {
        self.settings.console.writer = Some(Box::new(writer));
        self
    }

    /// Sets how the console shows telemetry (`TRACEWIRE_CONSOLE`).
    pub fn console_format(mut self, format: ConsoleFormat) -> Self {
        self.settings.console.format = Some(format);
        self
    }

    /// Sets whether console output is colored; unless set, it is on a terminal without `NO_COLOR`.
    pub fn console_color(mut self, color: bool) -> Self {
        self.settings.console.color = Some(color);
        self
    }

    /// Sets how long [`Telemetry::shutdown`] and the guard's `Drop` may take, for all signals
    /// together. Five seconds unless set.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.settings.shutdown_timeout = Some(timeout);
        self
    }

    /// Sets telemetry up for this process: OpenTelemetry's global providers and propagator, and
    /// the propagator that tracewire's layers use.
    ///
    /// # Errors
    ///
    /// If telemetry is initialized already, or a setting cannot work. Nothing is changed then.
    pub fn init(mut self) -> Result<Telemetry, InitError> {
        let claim = Claim::take()?;
        self.complete()?;
        let propagator = propagation::choose(&self.env, self.settings.propagator.take())?;
        let telemetry = self.build()?.claimed(claim);
        #[cfg(feature = "tracing")]
        telemetry.install_subscriber()?;
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
        set_unsampled(telemetry.sampler());
        // Last: who sees the propagator finds the providers in place.
        propagation::install(propagator);
        Ok(telemetry)
    }

    /// Builds the providers without making anything global, for tests and for processes with
    /// several of them. Give them to the layers yourself; [`propagator`](Self::propagator) has no
    /// effect.
    ///
    /// # Errors
    ///
    /// If a setting cannot work.
    pub fn build(mut self) -> Result<Telemetry, InitError> {
        self.complete()?;
        setup::start(&self.env, self.settings).map(Telemetry::new)
    }

    /// Completes the environment by vendors' variables and then by defaults in code, once: `init`
    /// needs them before `build` does.
    pub(crate) fn complete(&mut self) -> Result<(), InitError> {
        if !std::mem::replace(&mut self.is_completed, true) {
            #[cfg(feature = "__presets")]
            crate::presets::apply(&mut self.env, &self.settings.otlp)?;
            std::mem::take(&mut self.defaults).apply(&mut self.env);
        }
        Ok(())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Settings may hold secrets.
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}
