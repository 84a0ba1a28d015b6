//! The order in which telemetry is set up: resource, sampler, exporters, providers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry_sdk::Resource;
#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracewire_exemplar::Exemplars;
use tracewire_export::wiring::Deliveries;
use tracewire_export::wiring::log::{self, Level};
use tracewire_export::{
    Batch, BatchSpanProcessor, ConsoleExporter, ExportError, Exports, MetricExporter,
};
#[cfg(feature = "prometheus")]
use tracewire_export::{PrometheusExporter, PrometheusServer};
use tracewire_propagation::Propagator;
use tracewire_sampling::Sampler;

use crate::baggage::BaggageAttributes;
use crate::batching;
use crate::console;
use crate::env::{self, Env};
use crate::error::InitError;
use crate::exemplars::exemplars;
use crate::exporters::{Exporter, exporters};
use crate::limits::{self, Limits};
use crate::metrics::{self, Interval};
use crate::otlp::{self, Signal};
#[cfg(feature = "prometheus")]
use crate::prometheus;
use crate::running::{Providers, Running};
use crate::{ignored, misspelled, resource, sampler};

/// Said once, where no collector answers.
const HINT: &str = "Is a collector running there? Without one, OTEL_TRACES_EXPORTER=console prints \
                    spans, and OTEL_METRICS_EXPORTER=none sends no metrics";

/// Adds a span exporter that code gave.
pub(crate) type AddExporter =
    Box<dyn FnOnce(BatchSpanProcessor, Batch) -> Result<BatchSpanProcessor, ExportError>>;

/// What code says; `None` and empty leave the decision to the environment.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) resource: resource::Settings,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) traces_exporters: Option<Vec<Exporter>>,
    pub(crate) span_exporter: Option<AddExporter>,
    pub(crate) metrics_exporters: Option<Vec<Exporter>>,
    pub(crate) otlp: otlp::Settings,
    pub(crate) batch: batching::Settings,
    pub(crate) limits: limits::Settings,
    pub(crate) metrics: metrics::Settings,
    pub(crate) self_metrics: bool,
    pub(crate) exemplars: Option<bool>,
    pub(crate) baggage_attributes: Option<Vec<String>>,
    #[cfg(feature = "zipkin")]
    pub(crate) zipkin: crate::zipkin::Settings,
    #[cfg(feature = "prometheus")]
    pub(crate) prometheus: prometheus::Settings,
    #[cfg(feature = "logs")]
    pub(crate) logs: LogSettings,
    #[cfg(feature = "tracing")]
    pub(crate) logging: crate::subscriber::Settings,
    pub(crate) disabled: Option<bool>,
    pub(crate) propagator: Option<Arc<dyn Propagator>>,
    pub(crate) console: console::Settings,
    pub(crate) shutdown_timeout: Option<Duration>,
}

/// What code says about log records.
#[cfg(feature = "logs")]
#[derive(Default)]
pub(crate) struct LogSettings {
    pub(crate) exporters: Option<Vec<Exporter>>,
    pub(crate) batch: batching::Settings,
    pub(crate) limits: crate::log_limits::Settings,
}

/// Sets everything up and says what was odd about the settings.
pub(crate) fn start(env: &Env, settings: Settings) -> Result<Running, InitError> {
    log::set_level(level(env));
    let running = run(env, settings);
    for warning in env.take_warnings() {
        log::warn(&warning);
    }
    for decision in env.take_decisions() {
        log::debug(&decision.to_string());
    }
    running
}

/// Sets everything up and leaves in `env` what there is to say about it.
pub(crate) fn run(env: &Env, settings: Settings) -> Result<Running, InitError> {
    Setup::new(env).run(settings)
}

fn level(env: &Env) -> Level {
    const WORDS: [(&str, Level); 6] = [
        ("none", Level::Off),
        ("error", Level::Off),
        ("warn", Level::Warn),
        ("info", Level::Info),
        ("debug", Level::Debug),
        ("trace", Level::Debug),
    ];
    env.pick(&["OTEL_LOG_LEVEL"], None, env::choice(&WORDS), Level::Info)
}

struct Setup<'a> {
    env: &'a Env,
    exports: Exports,
    deliveries: Deliveries,
    exemplars: Option<Exemplars>,
    #[cfg(feature = "prometheus")]
    prometheus_address: prometheus::Settings,
    #[cfg(feature = "prometheus")]
    prometheus: Option<(PrometheusExporter, PrometheusServer)>,
}

impl<'a> Setup<'a> {
    fn new(env: &'a Env) -> Self {
        Self {
            env,
            exports: Exports::with_hint(HINT),
            deliveries: Deliveries::default(),
            exemplars: None,
            #[cfg(feature = "prometheus")]
            prometheus_address: None,
            #[cfg(feature = "prometheus")]
            prometheus: None,
        }
    }

    fn run(mut self, settings: Settings) -> Result<Running, InitError> {
        let env = self.env;
        let shutdown_timeout = settings.shutdown_timeout.unwrap_or(Duration::from_secs(5));
        ignored::refuse_configuration_file(env)?;
        misspelled::warn(env);
        ignored::warn_of_patterns_without_slash(env);
        ignored::warn_of_unsupported(env, settings.otlp.endpoint.is_some());
        #[cfg(feature = "tracing")]
        let logging = crate::subscriber::Logging::decide(env, settings.logging.clone());
        #[cfg(feature = "prometheus")]
        {
            self.prometheus_address = settings.prometheus.clone();
        }
        let disabled = env.pick(&["OTEL_SDK_DISABLED"], settings.disabled, env::boolean, false);
        let providers = if disabled { Providers::default() } else { self.providers(settings)? };
        Ok(Running {
            providers,
            deliveries: self.deliveries,
            flushes: OnceLock::new(),
            exports: self.exports,
            shutdown_timeout,
            life: Arc::default(),
            #[cfg(feature = "tracing")]
            logging,
            #[cfg(feature = "prometheus")]
            prometheus: self.prometheus,
            claim: None,
        })
    }

    fn providers(&mut self, settings: Settings) -> Result<Providers, InitError> {
        let env = self.env;
        let resource = resource::resource(env, settings.resource);
        // An exporter from code stands in place of those that the environment names.
        let given = settings.span_exporter.as_ref().map(|_| Vec::new());
        let traces = exporters(env, Signal::Traces, settings.traces_exporters.or(given))?;
        let metric_exporters = exporters(env, Signal::Metrics, settings.metrics_exporters)?;
        ignored::warn_of_unchosen(env, &traces, &metric_exporters);
        let console = console::exporter(env, settings.console);
        let limits = limits::limits(env, settings.limits);
        let sampler = sampler::sampler(env, settings.sampler, &resource)?;
        let batch = batching::batch(env, batching::SPANS, settings.batch)?;
        let tracer = self.traces(
            &traces,
            Traces {
                given: settings.span_exporter,
                baggage: settings.baggage_attributes,
                #[cfg(feature = "zipkin")]
                zipkin: &settings.zipkin,
                otlp: &settings.otlp,
                console: &console,
                limits,
                sampler: sampler.clone(),
                batch,
            },
            &resource,
        )?;
        self.exemplars = exemplars(env, settings.exemplars, &metric_exporters);
        let meter =
            self.metrics(&metric_exporters, &settings.otlp, &console, settings.metrics, &resource)?;
        #[cfg(feature = "logs")]
        let logger = self.logs(settings.logs, &settings.otlp, &console, &resource)?;
        if settings.self_metrics
            && let Some(meter) = &meter
        {
            self.exports.self_metrics(meter);
        }
        Ok(Providers {
            tracer: Some(tracer),
            sampler: Some(sampler),
            meter,
            exemplars: self.exemplars.take(),
            #[cfg(feature = "logs")]
            logger,
        })
    }

    fn traces(
        &mut self,
        exporters: &[Exporter],
        traces: Traces<'_>,
        resource: &Resource,
    ) -> Result<SdkTracerProvider, InitError> {
        // The SDK's builder reads the sampler's variables too, and would warn of them again.
        let builder = tracing::subscriber::with_default(
            tracing::subscriber::NoSubscriber::new(),
            SdkTracerProvider::builder,
        );
        let sampler = traces.sampler;
        #[cfg(feature = "tracing")]
        let sampler = crate::no_ids::NoIds::new(sampler);
        let mut provider = builder
            .with_resource(resource.clone())
            .with_sampler(sampler)
            .with_span_limits(traces.limits.counts);
        if let Some(keys) = traces.baggage {
            provider = provider.with_span_processor(BaggageAttributes::new(keys));
        }
        let batch = traces.batch;
        let mut processor =
            BatchSpanProcessor::new(&self.exports).value_length(traces.limits.value_length);
        for exporter in exporters {
            processor = match exporter {
                Exporter::Otlp => {
                    let otlp = otlp::exporter(self.env, traces.otlp, Signal::Traces)?;
                    let added = processor.otlp(otlp, batch);
                    added.map_err(|e| otlp::failed(self.env, traces.otlp, Signal::Traces, e))?
                }
                Exporter::Console => processor.console(traces.console),
                #[cfg(feature = "zipkin")]
                Exporter::Zipkin => {
                    let zipkin = crate::zipkin::exporter(self.env, traces.zipkin)?;
                    processor.zipkin(zipkin, batch).map_err(|e| InitError::export("zipkin", e))?
                }
                #[cfg(feature = "prometheus")]
                Exporter::Prometheus => processor, // refused before
            }
        }
        if let Some(add) = traces.given {
            processor =
                add(processor, batch).map_err(|error| InitError::export("span_exporter", error))?;
        }
        if !processor.is_empty() {
            provider = provider.with_span_processor(processor);
        }
        Ok(provider.build())
    }

    /// `None` without an exporter: then instruments are best left without a provider, and free.
    fn metrics(
        &mut self,
        exporters: &[Exporter],
        otlp: &otlp::Settings,
        console: &ConsoleExporter,
        code: metrics::Settings,
        resource: &Resource,
    ) -> Result<Option<SdkMeterProvider>, InitError> {
        if exporters.is_empty() {
            return Ok(None);
        }
        let interval = Interval::decide(self.env, code);
        let mut provider = SdkMeterProvider::builder().with_resource(resource.clone());
        for exporter in exporters {
            provider = match exporter {
                Exporter::Otlp => self.otlp_metrics(provider, otlp, interval, code)?,
                Exporter::Console => {
                    let exporter = MetricExporter::console(&self.exports, console);
                    provider.with_reader(self.reader(exporter, interval))
                }
                #[cfg(feature = "prometheus")]
                Exporter::Prometheus => {
                    let exporter = self.serve_prometheus()?;
                    provider.with_reader(exporter)
                }
                #[cfg(feature = "zipkin")]
                Exporter::Zipkin => provider, // refused before
            };
        }
        Ok(Some(provider.build()))
    }

    fn otlp_metrics(
        &self,
        mut provider: MeterProviderBuilder,
        code: &otlp::Settings,
        interval: Interval,
        metrics: metrics::Settings,
    ) -> Result<MeterProviderBuilder, InitError> {
        let mut otlp = otlp::exporter(self.env, code, Signal::Metrics)?;
        otlp.timeout = interval.shorter(otlp.timeout);
        let exporter = MetricExporter::otlp(&self.exports, otlp)
            .map_err(|error| otlp::failed(self.env, code, Signal::Metrics, error))?
            .temporality(metrics::temporality(self.env, metrics));
        let exporter = match &self.exemplars {
            Some(exemplars) => exporter.exemplars(exemplars),
            None => exporter,
        };
        if let Some(aggregation) = metrics::histogram_aggregation(self.env) {
            provider = provider.with_view(metrics::histograms_as(aggregation));
        }
        Ok(provider.with_reader(self.reader(exporter, interval)))
    }

    fn reader(
        &self,
        exporter: MetricExporter,
        interval: Interval,
    ) -> PeriodicReader<MetricExporter> {
        PeriodicReader::builder(exporter.with_deliveries(&self.deliveries))
            .with_interval(interval.interval)
            .build()
    }

    #[cfg(feature = "prometheus")]
    fn serve_prometheus(&mut self) -> Result<PrometheusExporter, InitError> {
        let (host, port) = prometheus::address(self.env, self.prometheus_address.take());
        let exporter = match &self.exemplars {
            Some(exemplars) => PrometheusExporter::new().exemplars(exemplars),
            None => PrometheusExporter::new(),
        };
        let server = PrometheusServer::start(&host, port, &exporter)
            .map_err(|error| InitError::export("", error).with_hint(prometheus::VARIABLES))?;
        self.prometheus = Some((exporter.clone(), server));
        Ok(exporter)
    }

    /// `None` without an exporter, as for metrics.
    #[cfg(feature = "logs")]
    fn logs(
        &mut self,
        code: LogSettings,
        otlp: &otlp::Settings,
        console: &ConsoleExporter,
        resource: &Resource,
    ) -> Result<Option<SdkLoggerProvider>, InitError> {
        let exporters = exporters(self.env, Signal::Logs, code.exporters)?;
        if exporters.is_empty() {
            return Ok(None);
        }
        let batch = batching::batch(self.env, batching::LOGS, code.batch)?;
        let limits = crate::log_limits::limits(self.env, code.limits);
        let mut processor = tracewire_export::BatchLogProcessor::new(&self.exports).limits(limits);
        for exporter in exporters {
            processor = match exporter {
                Exporter::Console => processor.console(console),
                _ => {
                    let settings = otlp::exporter(self.env, otlp, Signal::Logs)?;
                    let added = processor.otlp(settings, batch);
                    added.map_err(|e| otlp::failed(self.env, otlp, Signal::Logs, e))?
                }
            };
        }
        let provider = SdkLoggerProvider::builder().with_resource(resource.clone());
        Ok(Some(provider.with_log_processor(processor).build()))
    }
}

struct Traces<'a> {
    given: Option<AddExporter>,
    baggage: Option<Vec<String>>,
    #[cfg(feature = "zipkin")]
    zipkin: &'a crate::zipkin::Settings,
    otlp: &'a otlp::Settings,
    console: &'a ConsoleExporter,
    limits: Limits,
    sampler: Sampler,
    batch: Batch,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Decision;

    /// What is decided, and the warnings, with exporters that need no network to be made.
    fn run(variables: &[(&str, &str)]) -> Result<(Vec<Decision>, Vec<String>), InitError> {
        let env = Env::of(variables);
        let running = Setup::new(&env).run(Settings::default())?;
        drop(crate::Telemetry::new(running));
        level(&env);
        Ok((env.take_decisions(), env.take_warnings()))
    }

    #[test]
    fn each_variable_decides_its_setting() {
        for (variable, value, setting, decided) in [
            ("OTEL_SDK_DISABLED", "True", "OTEL_SDK_DISABLED", "true"),
            ("OTEL_SERVICE_NAME", "shop", "service.name", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop", "service.name", "shop"),
            ("OTEL_TRACES_SAMPLER", "always_off", "OTEL_TRACES_SAMPLER", "AlwaysOff"),
            ("OTEL_TRACES_EXPORTER", "console,otlp", "OTEL_TRACES_EXPORTER", "console,otlp"),
            ("OTEL_METRICS_EXPORTER", "none", "OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100", "OTEL_BSP_SCHEDULE_DELAY", "100ms"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "0", "OTEL_BSP_EXPORT_TIMEOUT", "0ns"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "9", "OTEL_BSP_MAX_QUEUE_SIZE", "9"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9"),
            #[cfg(feature = "logs")]
            ("OTEL_LOGS_EXPORTER", "console,otlp", "OTEL_LOGS_EXPORTER", "console,otlp"),
            #[cfg(feature = "logs")]
            ("OTEL_BLRP_SCHEDULE_DELAY", "100", "OTEL_BLRP_SCHEDULE_DELAY", "100ms"),
            #[cfg(feature = "logs")]
            ("OTEL_BLRP_EXPORT_TIMEOUT", "0", "OTEL_BLRP_EXPORT_TIMEOUT", "0ns"),
            #[cfg(feature = "logs")]
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "9", "OTEL_BLRP_MAX_QUEUE_SIZE", "9"),
            #[cfg(feature = "logs")]
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "9", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "9"),
            #[cfg(feature = "tracing")]
            ("TRACEWIRE_LOG", "json", "TRACEWIRE_LOG", "Some(Json)"),
            #[cfg(feature = "tracing")]
            ("RUST_LOG", "warn", "RUST_LOG", "warn"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "100", "OTEL_METRIC_EXPORT_INTERVAL", "100ms"),
            ("OTEL_METRIC_EXPORT_TIMEOUT", "100", "OTEL_METRIC_EXPORT_TIMEOUT", "100ms"),
            (
                "OTEL_METRICS_EXEMPLAR_FILTER",
                "always_off",
                "OTEL_METRICS_EXEMPLAR_FILTER",
                "AlwaysOff",
            ),
            ("TRACEWIRE_CONSOLE", "JSON", "TRACEWIRE_CONSOLE", "Json"),
            ("OTEL_LOG_LEVEL", "debug", "OTEL_LOG_LEVEL", "Debug"),
            (
                "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
                "Delta",
                "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
                "Delta",
            ),
            (
                "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                "base2_exponential_bucket_histogram",
                "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
                "Some(Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true })",
            ),
        ] {
            let (decisions, warnings) = run(&[(variable, value)]).unwrap();
            let expected = Decision {
                setting: setting.to_owned(),
                value: decided.to_owned(),
                origin: env::Origin::Variable(variable.to_owned()),
            };
            assert!(decisions.contains(&expected), "{expected} is not in {decisions:#?}");
            assert_eq!(warnings, Vec::<String>::new(), "{variable}");
        }
    }

    #[test]
    fn each_otlp_variable_decides_for_its_signal_or_for_both() {
        const EACH: &[&str] = &[
            "TRACES",
            "METRICS",
            #[cfg(feature = "logs")]
            "LOGS",
        ];
        for (setting, value, decided) in [
            ("PROTOCOL", "http/protobuf", "http/protobuf"),
            ("HEADERS", "a=b", "(not shown)"),
            ("TIMEOUT", "100", "100ms"),
            ("COMPRESSION", "GZIP", "Gzip"),
        ] {
            let general = format!("OTEL_EXPORTER_OTLP_{setting}");
            let special: Vec<_> =
                EACH.iter().map(|each| format!("OTEL_EXPORTER_OTLP_{each}_{setting}")).collect();
            for variable in special.iter().chain([&general]) {
                let (decisions, warnings) = run(&[(variable, value)]).unwrap();
                assert_eq!(warnings, Vec::<String>::new(), "{variable}");
                let decided: Vec<_> = decisions
                    .iter()
                    .filter(|decision| decision.value == decided)
                    .filter(|d| d.origin == env::Origin::Variable(variable.clone()))
                    .map(|decision| &decision.setting)
                    .collect();
                let is_meant = |name: &&String| *variable == general || *name == variable;
                let expected: Vec<_> = special.iter().filter(is_meant).collect();
                assert_eq!(decided, expected, "{variable}");
            }
        }
    }

    #[test]
    fn bad_values_are_warned_of_once_and_defaults_stay() {
        let (defaults, _) = run(&[]).unwrap();
        for (variable, value) in [
            ("OTEL_SDK_DISABLED", "yes"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a"),
            ("OTEL_TRACES_EXPORTER", "prometheus"),
            ("OTEL_METRICS_EXPORTER", "zipkin"),
            #[cfg(not(feature = "logs"))]
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXEMPLAR_FILTER", "always_on"),
            ("OTEL_ENTITIES", "service{service.name=shop}"),
            ("OTEL_EXPORTER_JAEGER_ENDPOINT", "http://jaeger:14250"),
            ("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/ca.pem"),
            ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "abc"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "-1"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "2147483648"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1e3"),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", "-1"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "long"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
            ("OTEL_METRIC_EXPORT_TIMEOUT", "99999999999"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "thrift"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a"),
            ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "x"),
            ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "x"),
            ("TRACEWIRE_CONSOLE", "xml"),
            ("OTEL_LOG_LEVEL", "loud"),
        ] {
            let (decisions, warnings) = run(&[(variable, value)]).unwrap();
            assert_eq!(warnings.len(), 1, "{variable}: {warnings:?}");
            assert!(warnings[0].contains(variable), "{}", warnings[0]);
            assert_eq!(decisions, defaults, "{variable}");
        }
    }

    #[test]
    fn what_cannot_work_is_an_error_that_names_variable_and_value() {
        for (variable, value) in [
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://"),
            #[cfg(not(feature = "otlp-grpc"))]
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            #[cfg(not(feature = "otlp-json"))]
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_CONFIG_FILE", "/etc/otel.yaml"),
            ("OTEL_EXPERIMENTAL_CONFIG_FILE", "/etc/otel.yaml"),
        ] {
            let error = run(&[(variable, value)]).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(variable) && message.contains(value), "{message}");
            assert!(error.is_configuration() || error.is_not_compiled_in(), "{message}");
        }
    }

    #[test]
    fn a_batch_larger_than_the_queue_is_cut_to_it() {
        let (_, warnings) =
            run(&[("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "11")])
                .unwrap();
        assert_eq!(
            warnings,
            ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE=11 is more than OTEL_BSP_MAX_QUEUE_SIZE=10: \
              batches are of 10"]
        );
        // The default batch makes way for a small queue without a word.
        let (_, warnings) = run(&[("OTEL_BSP_MAX_QUEUE_SIZE", "10")]).unwrap();
        assert_eq!(warnings, Vec::<String>::new());
    }

    #[test]
    fn exporters_that_are_not_chosen_are_not_configured() {
        let variables = [
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ];
        assert_eq!(run(&variables).unwrap().1, Vec::<String>::new());
    }

    #[test]
    fn a_disabled_sdk_has_no_providers() {
        let env = Env::of(&[("OTEL_SDK_DISABLED", "true")]);
        let telemetry = crate::Telemetry::new(Setup::new(&env).run(Settings::default()).unwrap());
        assert!(telemetry.tracer_provider().is_none());
        assert!(telemetry.meter_provider().is_none());
    }

    #[cfg(not(any(feature = "tls", feature = "tls-ring")))]
    #[test]
    fn https_without_tls_is_an_error() {
        let error = run(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector")]).unwrap_err();
        assert!(error.is_not_compiled_in());
        assert!(error.to_string().contains("`tls`"), "{error}");
    }

    #[cfg(any(feature = "tls", feature = "tls-ring"))]
    #[test]
    fn unreadable_certificates_are_errors() {
        const HTTPS: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost");
        for setting in ["CERTIFICATE", "CLIENT_CERTIFICATE", "TRACES_CLIENT_KEY"] {
            let variable = format!("OTEL_EXPORTER_OTLP_{setting}");
            let error = run(&[HTTPS, (&variable, "/no/such/file.pem")]).unwrap_err();
            let message = error.to_string();
            assert!(error.is_configuration(), "{message}");
            assert!(message.contains(&variable) && message.contains("/no/such"), "{message}");
        }
    }
}
