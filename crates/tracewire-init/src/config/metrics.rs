//! Where metrics go, how often, and in which form.

use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;
use tracewire_exemplar::Exemplars;

use super::otlp::{self, Otlp, Signal};
use super::own_metrics::OwnMetrics;
use super::prometheus::{self, Prometheus};
use super::proxy::Proxies;
use super::text;
use super::views::FileViews;
use crate::builder::{
    self, AddPeriodic, AddReader, HistogramAggregation, MetricsExporter, MetricsKind, over,
};
use crate::error::InitError;
use crate::plan::{Origin, Plan};
use crate::settings::{Given, Setting};

const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";
const TIMEOUT: &str = "OTEL_METRIC_EXPORT_TIMEOUT";
const TEMPORALITY: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
const EXEMPLARS: &str = "OTEL_METRICS_EXEMPLAR_FILTER";
const HISTOGRAMS: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";

/// Metrics, as decided.
#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) exporters: Vec<Exporter>,
    pub(crate) histograms: HistogramAggregation,
    #[cfg_attr(not(feature = "process-metrics"), expect(dead_code, reason = "it is never true"))]
    pub(crate) process_metrics: bool,
    pub(crate) runtime_metrics: bool,
    pub(crate) self_metrics: bool,
    /// Where exemplars are kept; `None` if they are off, or no exporter has a place for them.
    pub(crate) exemplars: Option<Exemplars>,
    pub(crate) readers: Vec<AddReader>,
    pub(crate) views: Vec<AddReader>,
    /// Those of a configuration file.
    pub(crate) file_views: Option<FileViews>,
}

/// One exporter with everything that it needs.
pub(crate) enum Exporter {
    Otlp { otlp: Box<Otlp>, interval: Duration, temporality: Temporality },
    Console { interval: Duration, temporality: Temporality },
    Prometheus(Prometheus),
    Custom { add: AddPeriodic, interval: Duration },
}

/// # Errors
///
/// A setting cannot work.
pub(crate) fn decide(
    mut given: builder::Metrics,
    proxies: &Proxies,
    plan: &mut Plan,
) -> Result<Option<Metrics>, InitError> {
    const EXPORTERS: &str = "OTEL_METRICS_EXPORTER";
    let default = vec![MetricsExporter::otlp()];
    let exporters = plan.pick_shown(EXPORTERS, given.exporters.take(), default, |exporters| {
        text::list(exporters.iter().map(MetricsExporter::name))
    });
    warn_of_unchosen(&exporters, &given, plan);
    if exporters.is_empty() && given.readers.is_empty() {
        return Ok(None);
    }
    plan.count("metric readers", given.readers.len());
    plan.count("views", given.views.len());
    let has_otlp =
        exporters.iter().any(|exporter| ["otlp", "otlp_file"].contains(&exporter.name()));
    let is_on = plan.pick_shown(EXEMPLARS, given.exemplars.take(), true, |is_on| {
        if *is_on { "trace_based" } else { "always_off" }.to_owned()
    });
    let has_place =
        |exporter: &MetricsExporter| ["otlp", "otlp_file", "prometheus"].contains(&exporter.name());
    let exemplars = (is_on && exporters.iter().any(has_place)).then(Exemplars::new);
    let exporters = exporters_of(exporters, &given, proxies, plan)?;
    // A view is for the whole provider, and the variable means what it says over OTLP alone.
    let is_of_file = |given: &Given<_>| matches!(given.origin, Origin::File(_));
    let histograms = match has_otlp || given.histograms.as_ref().is_some_and(is_of_file) {
        true => plan.pick(HISTOGRAMS, given.histograms, HistogramAggregation::default()),
        false => HistogramAggregation::default(),
    };
    Ok(Some(Metrics {
        exporters,
        histograms,
        exemplars,
        process_metrics: OwnMetrics::Process.decide(given.process_metrics, plan),
        runtime_metrics: OwnMetrics::Runtime.decide(given.runtime_metrics, plan),
        self_metrics: OwnMetrics::Telemetry.decide(given.self_metrics, plan),
        readers: given.readers,
        views: given.views,
        file_views: given.file_views.map(|views| views.value),
    }))
}

fn exporters_of(
    exporters: Vec<MetricsExporter>,
    given: &builder::Metrics,
    proxies: &Proxies,
    plan: &mut Plan,
) -> Result<Vec<Exporter>, InitError> {
    let mut shared = Shared { given, interval: None, timeout: None, temporality: None };
    let (mut decided, mut seen) = (Vec::new(), Vec::new());
    for exporter in exporters {
        plan.next_exporter(&mut seen, exporter.name());
        let MetricsExporter { kind, interval, timeout, temporality } = exporter;
        decided.push(match kind {
            MetricsKind::Otlp(own) => {
                let interval = shared.interval(interval, plan);
                let timeout = shared.timeout(timeout, plan);
                let mut otlp = otlp::decide(*own, &given.otlp, Signal::Metrics, proxies, plan)?;
                otlp.exporter.timeout = shorter(otlp.exporter.timeout, timeout);
                let temporality = shared.temporality(temporality, plan);
                Exporter::Otlp { otlp: Box::new(otlp), interval, temporality }
            }
            MetricsKind::OtlpFile(own) => Exporter::Otlp {
                interval: shared.interval(interval, plan),
                otlp: Box::new(otlp::decide_file(*own, &given.otlp, plan)),
                temporality: shared.temporality(temporality, plan),
            },
            MetricsKind::Console => Exporter::Console {
                interval: shared.interval(interval, plan),
                temporality: temporality.map_or(Temporality::Cumulative, |given| given.value),
            },
            MetricsKind::Prometheus(own) => {
                let own = over(own, given.prometheus.clone());
                Exporter::Prometheus(prometheus::decide(own, plan)?)
            }
            MetricsKind::Custom(add) => {
                Exporter::Custom { add, interval: shared.interval(interval, plan) }
            }
        });
    }
    plan.exporter = None;
    Ok(decided)
}

/// What exporters without a setting of their own share, decided when the first one needs it.
struct Shared<'a> {
    given: &'a builder::Metrics,
    interval: Option<Duration>,
    timeout: Option<Duration>,
    temporality: Option<Temporality>,
}

impl Shared<'_> {
    fn interval(&mut self, own: Setting<Duration>, plan: &mut Plan) -> Duration {
        let default = Duration::from_secs(60);
        one(&mut self.interval, own, &self.given.interval, |given| {
            plan.pick(INTERVAL, given, default)
        })
    }

    fn timeout(&mut self, own: Setting<Duration>, plan: &mut Plan) -> Duration {
        let default = Duration::from_secs(30);
        one(&mut self.timeout, own, &self.given.timeout, |given| plan.pick(TIMEOUT, given, default))
    }

    fn temporality(&mut self, own: Setting<Temporality>, plan: &mut Plan) -> Temporality {
        one(&mut self.temporality, own, &self.given.temporality, |given| {
            plan.pick(TEMPORALITY, given, Temporality::Cumulative)
        })
    }
}

/// An exporter's own value, else the one that all share.
fn one<T: Copy>(
    shared: &mut Option<T>,
    own: Setting<T>,
    given: &Setting<T>,
    decide: impl FnOnce(Setting<T>) -> T,
) -> T {
    let own = own.filter(|own| !given.as_ref().is_some_and(|given| own.yields_to(given)));
    if own.is_some() { decide(own) } else { *shared.get_or_insert_with(|| decide(given.clone())) }
}

/// The shorter of an exporter's limit and that of the reader; zero is no limit.
fn shorter(one: Duration, other: Duration) -> Duration {
    let limits = [one, other].into_iter().filter(|limit| !limit.is_zero());
    limits.min().unwrap_or_default()
}

/// Warns of settings of exporters that were not chosen, while others were.
fn warn_of_unchosen(exporters: &[MetricsExporter], given: &builder::Metrics, plan: &mut Plan) {
    let has = |name| exporters.iter().any(|exporter| exporter.name() == name);
    if exporters.is_empty() {
        return;
    }
    if !has("otlp") {
        let why = "OTEL_METRICS_EXPORTER does not list otlp";
        otlp::warn_of_unused_endpoint(&given.otlp, Signal::Metrics, why, plan);
    }
    if !has("prometheus") {
        let why = "OTEL_METRICS_EXPORTER does not list prometheus";
        plan.has_no_effect(&given.prometheus.host, why);
        plan.has_no_effect(&given.prometheus.port, why);
    } else if exporters.len() == 1 {
        let why = "Prometheus asks for metrics when it likes";
        plan.has_no_effect(&given.interval, why);
        plan.has_no_effect(&given.timeout, why);
    }
}
