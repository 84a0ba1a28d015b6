//! The order in which telemetry is set up: resource, sampler, exporters, providers.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{SdkMeterProvider, Temporality};
use opentelemetry_sdk::trace::{SdkTracerProvider, ShouldSample};
use tracewire_propagation::Propagator;

use crate::batch::{self, Batching};
use crate::console::{self, Console, ConsoleSpans};
use crate::count::Counts;
use crate::env::{self, Env};
use crate::error::InitError;
use crate::exporters::{Exporter, exporters};
use crate::foreign::Foreign;
use crate::guard::Running;
use crate::limits::{self, Limits};
use crate::log::{self, Level};
use crate::metrics::{Interval, temporality};
use crate::otlp::{self, OtlpMetrics, OtlpSpans, Signal};
use crate::stop::Stop;
use crate::{resource, sampler};

/// Makes the sink for a span exporter that code gave.
pub(crate) type MakeSink = Box<dyn FnOnce(Duration, Arc<Stop>) -> Result<Foreign, InitError>>;

/// What code says; `None` and empty leave the decision to the environment.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) resource: resource::Settings,
    pub(crate) sampler: Option<Box<dyn ShouldSample>>,
    pub(crate) traces_exporters: Option<Vec<Exporter>>,
    pub(crate) span_exporter: Option<MakeSink>,
    pub(crate) metrics_exporters: Option<Vec<Exporter>>,
    pub(crate) otlp: otlp::Settings,
    pub(crate) batch: batch::Settings,
    pub(crate) limits: limits::Settings,
    pub(crate) metric_interval: Option<Duration>,
    pub(crate) propagator: Option<Arc<dyn Propagator>>,
    pub(crate) console: console::Settings,
    pub(crate) shutdown_timeout: Option<Duration>,
}

/// Sets everything up and says what was odd about the settings.
pub(crate) fn start(env: &Env, settings: Settings) -> Result<Running, InitError> {
    log::set_level(level(env));
    let running = Setup::new(env).run(settings);
    for warning in env.take_warnings() {
        log::warn(&warning);
    }
    for decision in env.take_decisions() {
        log::debug(&decision.to_string());
    }
    running
}

fn level(env: &Env) -> Level {
    const WORDS: [(&str, Level); 6] = [
        ("none", Level::Off),
        ("error", Level::Off),
        ("warn", Level::Warn),
        ("info", Level::Warn),
        ("debug", Level::Debug),
        ("trace", Level::Debug),
    ];
    env.pick(&["OTEL_LOG_LEVEL"], None, env::choice(&WORDS), Level::Warn)
}

struct Setup<'a> {
    env: &'a Env,
    stop: Arc<Stop>,
    counts: Vec<Arc<Counts>>,
}

impl<'a> Setup<'a> {
    fn new(env: &'a Env) -> Self {
        Self { env, stop: Arc::default(), counts: Vec::new() }
    }

    fn run(mut self, settings: Settings) -> Result<Running, InitError> {
        let env = self.env;
        let shutdown_timeout = settings.shutdown_timeout.unwrap_or(Duration::from_secs(5));
        self.refuse_configuration_file()?;
        let disabled = env.pick(&["OTEL_SDK_DISABLED"], None, env::boolean, false);
        if disabled {
            return Ok(Running::new(None, None, Vec::new(), self.stop, shutdown_timeout));
        }
        let resource = resource::resource(env, settings.resource);
        // An exporter from code stands in place of those that the environment names.
        let given = settings.span_exporter.as_ref().map(|_| Vec::new());
        let traces = exporters(env, "OTEL_TRACES_EXPORTER", settings.traces_exporters.or(given));
        let metrics = exporters(env, "OTEL_METRICS_EXPORTER", settings.metrics_exporters);
        let console = Console::new(env, settings.console);
        let limits = limits::limits(env, settings.limits);
        let sampler = sampler::sampler(env, settings.sampler);
        let batching = Batching::decide(env, settings.batch)?;
        let tracer_provider = self.traces(
            &traces,
            Traces {
                given: settings.span_exporter,
                otlp: &settings.otlp,
                console: &console,
                limits,
                sampler,
                batching,
            },
            &resource,
        )?;
        let interval = Interval::decide(env, settings.metric_interval);
        let meter_provider =
            self.metrics(&metrics, &settings.otlp, &console, interval, &resource)?;
        Ok(Running::new(
            Some(tracer_provider),
            meter_provider,
            self.counts,
            self.stop,
            shutdown_timeout,
        ))
    }

    /// The rule is that with a configuration file all other variables are ignored, so going on
    /// without it would do something else than what was asked for.
    fn refuse_configuration_file(&self) -> Result<(), InitError> {
        const FILE: &str = "OTEL_CONFIG_FILE";
        match self.env.text(FILE) {
            None => Ok(()),
            Some(path) => Err(InitError::configuration(
                FILE,
                &path,
                "configuration files are not supported: unset it and use the OTEL_* variables",
            )),
        }
    }

    fn traces(
        &mut self,
        exporters: &[Exporter],
        traces: Traces<'_>,
        resource: &Resource,
    ) -> Result<SdkTracerProvider, InitError> {
        let mut provider = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(traces.sampler)
            .with_span_limits(traces.limits.counts);
        let value_length = traces.limits.value_length;
        for exporter in exporters {
            provider = match exporter {
                Exporter::Otlp => {
                    let timeout = traces.batching.export_timeout();
                    let client = self.client(traces.otlp, Signal::Traces, timeout)?;
                    let sink = OtlpSpans::new(client);
                    let counts = self.counts("spans", "otlp");
                    provider.with_span_processor(traces.batching.processor(
                        sink,
                        counts,
                        value_length,
                    ))
                }
                Exporter::Console => {
                    let counts = self.counts("spans", "console");
                    let console = traces.console.clone();
                    provider.with_span_processor(ConsoleSpans::new(console, counts, value_length))
                }
            };
        }
        if let Some(make) = traces.given {
            let sink = make(traces.batching.export_timeout(), Arc::clone(&self.stop))?;
            let counts = self.counts("spans", "exporter");
            provider =
                provider.with_span_processor(traces.batching.processor(sink, counts, value_length));
        }
        Ok(provider.build())
    }

    /// `None` without an exporter: then instruments are best left without a provider, and free.
    fn metrics(
        &mut self,
        exporters: &[Exporter],
        otlp: &otlp::Settings,
        console: &Console,
        interval: Interval,
        resource: &Resource,
    ) -> Result<Option<SdkMeterProvider>, InitError> {
        if exporters.is_empty() {
            return Ok(None);
        }
        let mut provider = SdkMeterProvider::builder().with_resource(resource.clone());
        for exporter in exporters {
            provider = match exporter {
                Exporter::Otlp => {
                    let client = self.client(otlp, Signal::Metrics, interval.timeout)?;
                    let counts = self.counts("data points", "otlp");
                    let temporality = temporality(self.env);
                    provider.with_reader(interval.reader(
                        OtlpMetrics::new(client),
                        counts,
                        temporality,
                    ))
                }
                Exporter::Console => {
                    let counts = self.counts("data points", "console");
                    let temporality = Temporality::Cumulative;
                    provider.with_reader(interval.reader(console.clone(), counts, temporality))
                }
            };
        }
        Ok(Some(provider.build()))
    }

    fn client(
        &self,
        otlp: &otlp::Settings,
        signal: Signal,
        export_timeout: Duration,
    ) -> Result<crate::http_client::HttpClient, InitError> {
        otlp::client(self.env, otlp, signal, export_timeout, Arc::clone(&self.stop))
    }

    fn counts(&mut self, signal: &'static str, exporter: &'static str) -> Arc<Counts> {
        let counts = Arc::new(Counts::new(signal, exporter));
        self.counts.push(Arc::clone(&counts));
        counts
    }
}

struct Traces<'a> {
    given: Option<MakeSink>,
    otlp: &'a otlp::Settings,
    console: &'a Console,
    limits: Limits,
    sampler: Box<dyn ShouldSample>,
    batching: Batching,
}
