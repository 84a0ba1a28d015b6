//! Settings of metrics.

use std::fmt;
use std::time::Duration;

use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Instrument, MeterProviderBuilder, PeriodicReader, Stream, Temporality,
};
use tracewire_export::OtlpFile;

use crate::builder::Otlp;
use crate::builder::traces::over;
use crate::config::views::FileViews;
use crate::contained;
use crate::settings::{Setting, in_code, settings};

settings! {
    /// Settings of metrics, for [`Builder::metrics`](crate::Builder::metrics).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracewire_init::{Metrics, MetricsExporter};
    ///
    /// let metrics = Metrics::new()
    ///     .exporters([MetricsExporter::otlp()])
    ///     .interval(Duration::from_secs(15))
    ///     .view(|instrument| {
    ///         let is_noise = instrument.name() == "queue.length";
    ///         let without = opentelemetry_sdk::metrics::Aggregation::Drop;
    ///         is_noise.then(|| {
    ///             opentelemetry_sdk::metrics::Stream::builder().with_aggregation(without).build().ok()
    ///         })?
    ///     });
    /// # drop(metrics);
    /// ```
    pub struct Metrics {
        exporters: Setting<Vec<MetricsExporter>>,
        otlp: Otlp,
        prometheus: Prometheus,
        interval: Setting<Duration>,
        timeout: Setting<Duration>,
        temporality: Setting<Temporality>,
        histograms: Setting<HistogramAggregation>,
        process_metrics: Setting<bool>,
        runtime_metrics: Setting<bool>,
        self_metrics: Setting<bool>,
        exemplars: Setting<bool>,
        readers: Vec<AddReader>,
        views: Vec<AddReader>,
        /// The views of a configuration file.
        file_views: Setting<FileViews>,
    }
}

/// Adds a reader or a view that code gave.
pub(crate) type AddReader = Box<dyn FnOnce(MeterProviderBuilder) -> MeterProviderBuilder + Send>;

/// How histograms are summarized.
///
/// ```
/// use tracewire_init::{HistogramAggregation, Metrics, Telemetry};
///
/// let metrics = Metrics::new().histograms(HistogramAggregation::Base2Exponential);
/// let builder = Telemetry::builder().metrics(metrics);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistogramAggregation {
    /// By the boundaries that their instrument asks for.
    #[default]
    ExplicitBuckets,
    /// By boundaries that adapt to the values, at most 160 of them.
    Base2Exponential,
}

impl HistogramAggregation {
    pub(crate) const WORDS: [(&'static str, Self); 2] = [
        ("explicit_bucket_histogram", Self::ExplicitBuckets),
        ("base2_exponential_bucket_histogram", Self::Base2Exponential),
    ];
}

impl Metrics {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets where metrics go (`OTEL_METRICS_EXPORTER`); OTLP unless set, and an empty list is nowhere.
    pub fn exporters(mut self, exporters: impl IntoIterator<Item = MetricsExporter>) -> Self {
        self.exporters = in_code(exporters.into_iter().collect());
        self
    }

    /// Sets how metrics are sent over OTLP (`OTEL_EXPORTER_OTLP_METRICS_*`), before what
    /// [`Builder::otlp`](crate::Builder::otlp) says.
    pub fn otlp(mut self, otlp: Otlp) -> Self {
        self.otlp = over(otlp, self.otlp);
        self
    }

    /// Sets where the page for Prometheus is served (`OTEL_EXPORTER_PROMETHEUS_*`).
    pub fn prometheus(mut self, prometheus: Prometheus) -> Self {
        self.prometheus = over(prometheus, self.prometheus);
        self
    }

    /// Sets how often metrics are exported (`OTEL_METRIC_EXPORT_INTERVAL`); once a minute unless set.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = in_code(interval);
        self
    }

    /// Sets how long one export may take, retries included (`OTEL_METRIC_EXPORT_TIMEOUT`); half a
    /// minute unless set, and zero is no limit. The shorter one of this and [`Otlp::timeout`] counts.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = in_code(timeout);
        self
    }

    /// Sets the temporality of OTLP metrics: cumulative, delta or low-memory
    /// (`OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`); cumulative unless set.
    pub fn temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = in_code(temporality);
        self
    }

    /// Sets how histograms are summarized
    /// (`OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION`), where an exporter over OTLP is
    /// among the exporters; by their instrument's boundaries unless set.
    pub fn histograms(mut self, aggregation: HistogramAggregation) -> Self {
        self.histograms = in_code(aggregation);
        self
    }

    /// Sets whether CPU time, memory, threads, open file descriptors and more of this process are exported,
    /// by the conventions for `process.*` (`TRACEWIRE_METRICS=process`). They are not unless set.
    ///
    /// It needs the cargo feature `process-metrics`, and is warned of without. The process is looked at when
    /// metrics are collected.
    pub fn process_metrics(mut self, enabled: bool) -> Self {
        self.process_metrics = in_code(enabled);
        self
    }

    /// Sets whether workers and tasks of the tokio runtime that [`init`](crate::Builder::init) or
    /// [`build`](crate::Builder::build) is called in are exported as `tokio.*`, under the name `main`
    /// (`TRACEWIRE_METRICS=runtime`). They are not unless set.
    ///
    /// It needs the cargo feature `runtime-metrics`, and is warned of without. Other runtimes are added by
    /// `Telemetry::observe_runtime`.
    pub fn runtime_metrics(mut self, enabled: bool) -> Self {
        self.runtime_metrics = in_code(enabled);
        self
    }

    /// Sets whether telemetry measures itself: spans started and live, what waits, what was exported,
    /// failed and dropped, and how long exports take, by the conventions for `otel.sdk.*`
    /// (`TRACEWIRE_METRICS=self`). It does not unless set.
    pub fn self_metrics(mut self, enabled: bool) -> Self {
        self.self_metrics = in_code(enabled);
        self
    }

    /// Sets whether durations of sampled requests are kept as exemplars, which lead from a bucket of a
    /// histogram to a trace (`OTEL_METRICS_EXEMPLAR_FILTER`). They are unless set, in at most 2 MiB, and
    /// exported over OTLP and, where it asks for OpenMetrics, to Prometheus.
    pub fn exemplars(mut self, enabled: bool) -> Self {
        self.exemplars = in_code(enabled);
        self
    }

    /// Adds a reader of metrics of your own, beside the exporters.
    ///
    /// A provider exists where there is an exporter or a reader.
    pub fn reader(mut self, reader: impl MetricReader) -> Self {
        self.readers.push(read_by(reader));
        self
    }

    /// Adds a view, which may rename, aggregate differently or drop what an instrument measures. Where it
    /// panics, the instrument stays as it is.
    pub fn view(
        mut self,
        view: impl Fn(&Instrument) -> Option<Stream> + Send + Sync + 'static,
    ) -> Self {
        let view = contained::view(view);
        self.views.push(Box::new(move |provider| provider.with_view(view)));
        self
    }
}

pub(crate) fn read_by(reader: impl MetricReader) -> AddReader {
    let reader = contained::reader(reader);
    Box::new(move |provider| provider.with_reader(reader))
}

/// An exporter of metrics, with settings of its own or none.
///
/// ```
/// use std::time::Duration;
/// use tracewire_init::{MetricsExporter, Otlp, Telemetry};
///
/// let near = MetricsExporter::otlp().interval(Duration::from_secs(10));
/// let far = MetricsExporter::otlp_with(Otlp::new().endpoint("https://otlp.example"));
/// let builder = Telemetry::builder().metrics([near, far]);
/// ```
pub struct MetricsExporter {
    pub(crate) kind: MetricsKind,
    pub(crate) interval: Setting<Duration>,
    pub(crate) timeout: Setting<Duration>,
    pub(crate) temporality: Setting<Temporality>,
}

pub(crate) enum MetricsKind {
    Otlp(Box<Otlp>),
    OtlpFile(Box<Otlp>),
    Console,
    Prometheus(Prometheus),
    Custom(AddPeriodic),
}

/// Adds an exporter that code gave, which is asked so often.
pub(crate) type AddPeriodic =
    Box<dyn FnOnce(MeterProviderBuilder, Duration) -> MeterProviderBuilder + Send>;

impl MetricsExporter {
    /// Over the network, in OpenTelemetry's own protocol, with the settings of [`Metrics::otlp`] and
    /// [`Builder::otlp`](crate::Builder::otlp).
    pub fn otlp() -> Self {
        Self::otlp_with(Otlp::new())
    }

    /// The same with settings of its own before those.
    pub fn otlp_with(otlp: Otlp) -> Self {
        Self::new(MetricsKind::Otlp(Box::new(otlp)))
    }

    /// To a file or stdout, as OTLP in lines of JSON, which a Collector's receiver `otlpjsonfile` reads. The
    /// file is that of [`Otlp::file`](crate::Otlp::file). It needs the cargo feature `otlp-json`, and is an
    /// error of [`init`](crate::Builder::init) without.
    pub fn otlp_file() -> Self {
        Self::otlp_file_with(Otlp::new())
    }

    /// The same with a file of its own.
    pub fn otlp_file_at(file: OtlpFile) -> Self {
        Self::otlp_file_with(Otlp::new().file(file))
    }

    pub(crate) fn otlp_file_with(otlp: Otlp) -> Self {
        Self::new(MetricsKind::OtlpFile(Box::new(otlp)))
    }

    pub(crate) fn otlp_stdout() -> Self {
        Self::otlp_file_at(OtlpFile::Stdout)
    }

    /// To stdout, for people or as JSON: see [`Console`](crate::Console).
    pub fn console() -> Self {
        Self::new(MetricsKind::Console)
    }

    /// On a page that a Prometheus server reads. It needs the cargo feature `prometheus`, and is an
    /// error of [`init`](crate::Builder::init) without.
    pub fn prometheus() -> Self {
        Self::prometheus_with(Prometheus::new())
    }

    /// The same with settings of its own before those of [`Metrics::prometheus`].
    pub fn prometheus_with(prometheus: Prometheus) -> Self {
        Self::new(MetricsKind::Prometheus(prometheus))
    }

    /// To an exporter of your own, which a thread of the SDK calls at each interval.
    ///
    /// What becomes of its metrics is not part of the [report](crate::ShutdownReport), and an export
    /// that hangs holds up the exports after it. One that panics fails, and is warned of.
    pub fn custom(exporter: impl PushMetricExporter) -> Self {
        let exporter = contained::metric_exporter(exporter);
        Self::new(MetricsKind::Custom(Box::new(move |provider, interval| {
            let reader = PeriodicReader::builder(exporter).with_interval(interval).build();
            provider.with_reader(reader)
        })))
    }

    /// Sets how often this exporter exports, before what [`Metrics::interval`] says. Prometheus asks
    /// when it likes.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = in_code(interval);
        self
    }

    /// Sets how long an export over OTLP may take, before what [`Metrics::timeout`] says.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = in_code(timeout);
        self
    }

    /// Sets the temporality over OTLP, before what [`Metrics::temporality`] says.
    pub fn temporality(mut self, temporality: Temporality) -> Self {
        self.temporality = in_code(temporality);
        self
    }

    fn new(kind: MetricsKind) -> Self {
        Self { kind, interval: None, timeout: None, temporality: None }
    }

    /// Its name in `OTEL_METRICS_EXPORTER`, where it has one.
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            MetricsKind::Otlp(_) => "otlp",
            MetricsKind::OtlpFile(_) => "otlp_file",
            MetricsKind::Console => "console",
            MetricsKind::Prometheus(_) => "prometheus",
            MetricsKind::Custom(_) => "custom",
        }
    }
}

impl fmt::Debug for MetricsExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MetricsExporter").field(&self.name()).finish()
    }
}

settings! {
    /// Settings of the page for Prometheus.
    ///
    /// A thread of its own serves it at `/metrics` over HTTP/1.1, without authentication. A slow or idle
    /// client holds up no other one: at most 32 connections are open, a request's head may take five
    /// seconds and be 16 KiB, and the answer has to be read within 30 seconds. Beyond 32 connections,
    /// one that never sent a request is closed, or else the one whose last request is the oldest. The
    /// page is in OpenMetrics for those who ask for it, else in Prometheus' text format.
    ///
    /// ```
    /// # #[cfg(feature = "prometheus")]
    /// # fn example() {
    /// use tracewire_init::{MetricsExporter, Prometheus, Telemetry};
    ///
    /// let page = Prometheus::new().address("0.0.0.0", 9464);
    /// let builder = Telemetry::builder().metrics([MetricsExporter::prometheus_with(page)]);
    /// # }
    /// ```
    #[derive(Clone)]
    pub struct Prometheus {
        host: Setting<String>,
        port: Setting<u16>,
        is_mounted: Setting<bool>,
    }
}

impl Prometheus {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets where the page is served (`OTEL_EXPORTER_PROMETHEUS_HOST` and
    /// `OTEL_EXPORTER_PROMETHEUS_PORT`); `localhost:9464` unless set. Port 0 is any that is free.
    pub fn address(mut self, host: impl Into<String>, port: u16) -> Self {
        self.host = in_code(host.into());
        self.port = in_code(port);
        self
    }

    /// Opens no port for the page: `Telemetry::prometheus_service` gives it as a Tower service to
    /// mount in a server of your own.
    pub fn mounted(mut self) -> Self {
        self.is_mounted = in_code(true);
        self
    }
}

/// These exporters, and nothing else set.
impl<const N: usize> From<[MetricsExporter; N]> for Metrics {
    fn from(exporters: [MetricsExporter; N]) -> Self {
        Self::new().exporters(exporters)
    }
}
