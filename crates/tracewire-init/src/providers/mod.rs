//! Makes what is decided: exporters, providers, and what ends them.

#[cfg(feature = "prometheus")]
mod prometheus;
#[cfg(not(feature = "prometheus"))]
#[path = "../without/prometheus.rs"]
mod prometheus;
#[cfg(feature = "runtime-metrics")]
mod runtimes;
#[cfg(not(feature = "runtime-metrics"))]
#[path = "../without/runtimes.rs"]
mod runtimes;
#[cfg(feature = "zipkin")]
mod zipkin;
#[cfg(not(feature = "zipkin"))]
#[path = "../without/zipkin.rs"]
mod zipkin;

use std::sync::{Arc, Mutex, OnceLock};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{MeterProvider, ObservableCounter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Instrument, MeterProviderBuilder, PeriodicReader, SdkMeterProvider, Stream,
};
use opentelemetry_sdk::trace::{SdkTracerProvider, ShouldSample, TracerProviderBuilder};
use tracewire_exemplar::Exemplars;
use tracewire_export::wiring::{Deliveries, quietly};
use tracewire_export::{BatchSpanProcessor, ConsoleExporter, Exports, MetricExporter};

pub(crate) use self::{prometheus::Page, runtimes::ObservedRuntimes};
use crate::baggage::BaggageAttributes;
use crate::builder::{BoxedGenerator, HistogramAggregation};
use crate::config::file::{Adjustable, Reloader};
use crate::config::otlp::Otlp;
use crate::config::views::default_aggregation;
use crate::config::{Config, metrics, traces};
use crate::error::InitError;
use crate::given_ids::GivenTraceIds;
use crate::layers::Layers;
use crate::live::LivePages;
use crate::log_records;
use crate::plan::Plan;
use crate::running::{Providers, Running};
use crate::subscriber;

/// Said once, where no collector answers.
const HINT: &str = "Is a collector running there? Without one, OTEL_TRACES_EXPORTER=console prints \
                    spans, and OTEL_METRICS_EXPORTER=none sends no metrics";

/// Makes everything.
///
/// # Errors
///
/// An exporter, its client or its thread cannot be made.
pub(crate) fn start(config: Config, plan: Plan) -> Result<Running, InitError> {
    let mut config = config;
    let exports = Exports::with_hint(HINT);
    let live = config.live.take().and_then(|l| LivePages::start(l, &config.resource, &exports));
    if let Some(live) = &live {
        live.prepare(&mut config);
    }
    let Config { resource, console, .. } = config;
    let plan = Arc::new(Mutex::new(plan));
    let sampler = config.traces.as_ref().map(|traces| traces.sampler.clone());
    let layers = Layers::default();
    let reloader = config.file.map(|(source, in_code)| {
        let (console, resource) = (Some(console.clone()), Some(resource.clone()));
        let layers = layers.clone();
        let adjustable = Adjustable { sampler, console, in_code, resource, layers };
        Reloader::new(source, adjustable, Arc::clone(&plan))
    });
    let counts_spans = config.metrics.as_ref().is_some_and(|metrics| metrics.self_metrics);
    let mut making = Making { exports, resource, console, live, reloader, counts_spans };
    let mut providers = Providers::default();
    let (mut deliveries, mut page) = (Deliveries::default(), None);
    let runtimes = ObservedRuntimes::default();
    if let Some(traces) = config.traces {
        providers.sampler = Some(traces.sampler.clone());
        providers.only_our_processors =
            traces.processors_first.is_empty() && traces.processors.is_empty();
        providers.tracer = Some(making.traces(traces)?);
    }
    if let Some(metrics) = config.metrics {
        providers.exemplars = metrics.exemplars.clone();
        let meter = making.metrics(metrics, &runtimes, &mut deliveries, &mut page)?;
        providers.meter = Some(meter);
    }
    let exceptions = config.logs.as_ref().map(|logs| logs.exceptions).unwrap_or_default();
    if let Some(logs) = config.logs {
        let (exports, console) = (&making.exports, &making.console);
        providers.logger = Some(log_records::provider(logs, exports, console, &making.resource)?);
    }
    if let Some(live) = &mut making.live {
        live.serve(&making.console);
    }
    Ok(Running {
        providers,
        deliveries,
        flushes: OnceLock::new(),
        exports: making.exports,
        shutdown_timeout: config.shutdown_timeout,
        life: Arc::default(),
        logging: config.logging,
        exceptions,
        page,
        runtimes,
        live: making.live,
        plan,
        layers,
        reloader: making.reloader,
        claim: None,
    })
}

/// What all signals share.
struct Making {
    exports: Exports,
    resource: Resource,
    console: ConsoleExporter,
    live: Option<LivePages>,
    reloader: Option<Reloader>,
    /// Whether telemetry measures itself.
    counts_spans: bool,
}

impl Making {
    fn traces(&self, traces: traces::Traces) -> Result<SdkTracerProvider, InitError> {
        let mut processor =
            BatchSpanProcessor::new(&self.exports).value_length(traces.value_length);
        for exporter in traces.exporters {
            processor = self.span_exporter(processor, exporter)?;
        }
        if let Some(live) = &self.live {
            processor = live.spans(processor);
        }
        // The SDK's builder reads the sampler's variables too, and would warn of them again.
        let mut provider = tracing::subscriber::with_default(
            tracing::subscriber::NoSubscriber::new(),
            SdkTracerProvider::builder,
        )
        .with_resource(self.resource.clone())
        .with_span_limits(traces.limits);
        let sampler = subscriber::watching(traces.sampler);
        provider = match self.counts_spans {
            true => self.sampled_by(provider, self.exports.counted(sampler)),
            false => self.sampled_by(provider, sampler),
        };
        provider = match traces.id_generator {
            Some(generator) => provider.with_id_generator(BoxedGenerator(generator)),
            None => provider.with_id_generator(GivenTraceIds::default()),
        };
        if let Some(keys) = traces.baggage_attributes {
            provider = provider.with_span_processor(BaggageAttributes::new(keys));
        }
        let first = traces.vendor_processors.into_iter().chain(traces.processors_first);
        provider = first.fold(provider, |built, add| add(built));
        if !processor.is_empty() {
            provider = provider.with_span_processor(processor);
        }
        Ok(traces.processors.into_iter().fold(provider, |built, add| add(built)).build())
    }

    fn sampled_by(
        &self,
        provider: TracerProviderBuilder,
        sampler: impl ShouldSample + Clone + 'static,
    ) -> TracerProviderBuilder {
        match &self.live {
            Some(live) => live.sampled_by(provider, sampler),
            None => provider.with_sampler(sampler),
        }
    }

    fn span_exporter(
        &self,
        processor: BatchSpanProcessor,
        exporter: traces::Exporter,
    ) -> Result<BatchSpanProcessor, InitError> {
        match exporter {
            traces::Exporter::Otlp(otlp, batch) => {
                let Otlp { exporter, names } = *otlp;
                processor.otlp(exporter, batch).map_err(|error| names.failed(error))
            }
            traces::Exporter::Console => Ok(processor.console(&self.console)),
            traces::Exporter::Zipkin(settings, batch) => zipkin::add(processor, settings, batch),
            traces::Exporter::Custom(add, batch) => add(processor, batch)
                .map_err(|error| InitError::export("TracesExporter::custom", error)),
        }
    }

    fn metrics(
        &self,
        metrics: metrics::Metrics,
        runtimes: &ObservedRuntimes,
        deliveries: &mut Deliveries,
        page: &mut Option<Page>,
    ) -> Result<SdkMeterProvider, InitError> {
        let mut provider = SdkMeterProvider::builder().with_resource(self.resource.clone());
        let exemplars = metrics.exemplars.as_ref();
        for exporter in metrics.exporters {
            provider = self.metric_exporter(provider, exporter, exemplars, deliveries, page)?;
        }
        if let Some(live) = &self.live {
            provider = live.reader(provider);
        }
        if let Some(views) = &metrics.file_views {
            provider = views.add_to(provider, metrics.histograms);
        } else if metrics.histograms == HistogramAggregation::Base2Exponential {
            provider = provider.with_view(exponential_histograms);
        }
        let own = metrics.readers.into_iter().chain(metrics.views);
        let meter = own.fold(provider, |built, add| add(built)).build();
        // First, because collecting is measured from its callbacks on.
        if metrics.self_metrics {
            self.exports.self_metrics(&meter);
            if let Some(reloader) = &self.reloader {
                reload_metrics(&meter, reloader.clone());
            }
        }
        #[cfg(feature = "process-metrics")]
        if metrics.process_metrics {
            tracewire_runtime::process::observe(&meter);
        }
        if metrics.runtime_metrics {
            runtimes.observe_current(&meter);
        }
        Ok(meter)
    }

    /// Adds an exporter's reader, which the live page reads through if it can.
    fn with_reader(
        &self,
        provider: MeterProviderBuilder,
        reader: impl MetricReader,
    ) -> MeterProviderBuilder {
        match &self.live {
            Some(live) => live.read_through(provider, reader),
            None => provider.with_reader(reader),
        }
    }

    fn metric_exporter(
        &self,
        provider: MeterProviderBuilder,
        exporter: metrics::Exporter,
        exemplars: Option<&Exemplars>,
        deliveries: &Deliveries,
        page: &mut Option<Page>,
    ) -> Result<MeterProviderBuilder, InitError> {
        let periodic = |exporter: MetricExporter, interval| {
            let exporter = exporter.with_deliveries(deliveries);
            PeriodicReader::builder(exporter).with_interval(interval).build()
        };
        Ok(match exporter {
            metrics::Exporter::Otlp { otlp, interval, temporality } => {
                let Otlp { exporter, names } = *otlp;
                let exporter = MetricExporter::otlp(&self.exports, exporter)
                    .map_err(|error| names.failed(error))?
                    .temporality(temporality);
                let exporter = exemplars.into_iter().fold(exporter, MetricExporter::exemplars);
                self.with_reader(provider, periodic(exporter, interval))
            }
            metrics::Exporter::Console { interval, temporality } => {
                let exporter =
                    MetricExporter::console(&self.exports, &self.console).temporality(temporality);
                self.with_reader(provider, periodic(exporter, interval))
            }
            metrics::Exporter::Prometheus(settings) => {
                let started = Page::start(settings, exemplars, &self.exports)?;
                let provider = started.read_by(self, provider);
                *page = Some(started);
                provider
            }
            metrics::Exporter::Custom { add, interval } => quietly(|| add(provider, interval)),
        })
    }
}

/// Counts how often the configuration file was read again, by outcome.
fn reload_metrics(meter: &SdkMeterProvider, reloader: Reloader) {
    let _: ObservableCounter<u64> = meter
        .meter("tracewire")
        .u64_observable_counter("tracewire.config.reloads")
        .with_unit("{reload}")
        .with_description("How often the configuration file was read again, by outcome.")
        .with_callback(move |observer| {
            for (outcome, number) in reloader.counts() {
                observer.observe(number, &[KeyValue::new("outcome", outcome)]);
            }
        })
        .build();
}

/// The view that summarizes all histograms by boundaries that adapt to the values.
fn exponential_histograms(instrument: &Instrument) -> Option<Stream> {
    let aggregation = default_aggregation(instrument, HistogramAggregation::Base2Exponential)?;
    Stream::builder().with_aggregation(aggregation).build().ok()
}
