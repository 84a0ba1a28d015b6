//! `meter_provider`: metrics.

use std::time::Duration;

use crate::config::file::components::{ComponentNode, Kind};
use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, Fields};
use crate::config::file::schema::configurator::{Configurator, enabled};
use crate::config::file::schema::exporter::{Histograms, MetricExporter};
use crate::config::file::schema::prometheus::Prometheus;
use crate::config::file::schema::view::View;

/// `meter_provider`. Without it there are no metrics.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MeterProvider {
    pub(crate) place: Place,
    /// All of them have the same cardinality limits and the same default for histograms, because the
    /// SDK has these for a provider.
    pub(crate) readers: Vec<Reader>,
    pub(crate) views: Vec<View>,
    /// Whether the file turns exemplars off.
    pub(crate) exemplars_are_off: bool,
    /// Whether meters are enabled, by scope.
    pub(crate) configurator: Option<Configurator<bool>>,
}

/// One of `readers`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reader {
    Periodic(Box<Periodic>),
    Pull(Box<Pull>),
}

/// `periodic`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Periodic {
    pub(crate) place: Place,
    /// Default: 60 s.
    pub(crate) interval: Option<Spanned<Duration>>,
    /// For one export, retries included; zero is no limit. Default: 30 s.
    pub(crate) timeout: Option<Spanned<Duration>>,
    pub(crate) exporter: MetricExporter,
    pub(crate) cardinality: CardinalityLimits,
}

/// `pull`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pull {
    pub(crate) place: Place,
    pub(crate) exporter: PullExporter,
    pub(crate) cardinality: CardinalityLimits,
}

/// What metrics are read from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PullExporter {
    Prometheus(Prometheus),
    Custom(ComponentNode),
}

/// Attribute sets that a metric may have, by kind of instrument. Default: 2,000, or `default`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CardinalityLimits {
    pub(crate) default: Option<usize>,
    pub(crate) counter: Option<usize>,
    pub(crate) gauge: Option<usize>,
    pub(crate) histogram: Option<usize>,
    pub(crate) observable_counter: Option<usize>,
    pub(crate) observable_gauge: Option<usize>,
    pub(crate) observable_up_down_counter: Option<usize>,
    pub(crate) up_down_counter: Option<usize>,
}

impl MeterProvider {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        const CONFIGURATOR: &str = "meter_configurator/development";
        let fields = cursor.fields(&["readers", "views", "exemplar_filter", CONFIGURATOR])?;
        let readers = fields.required("readers", readers);
        let views = fields.optional("views", |cursor| cursor.items(1, View::read));
        let exemplars = fields.setting("exemplar_filter", exemplar_filter);
        let configurator =
            fields.optional(CONFIGURATOR, |cursor| Configurator::read(cursor, "meters", enabled));
        Some(Self {
            place: cursor.place(),
            readers: readers?,
            views: views.unwrap_or_default(),
            exemplars_are_off: exemplars.is_some_and(|are_on| !are_on),
            configurator,
        })
    }
}

/// Reads the readers, and refuses what the SDK has only once for all of them.
fn readers(cursor: Cursor<'_>) -> Option<Vec<Reader>> {
    let mut first: Option<(CardinalityLimits, Histograms)> = None;
    let mut has_pull = false;
    cursor.items(1, |cursor| {
        let reader = reader(cursor)?;
        let (cardinality, histograms, is_pull) = match &reader {
            Reader::Periodic(periodic) => {
                let histograms = periodic.exporter.histograms.as_ref();
                (periodic.cardinality, histograms.map(|found| **found).unwrap_or_default(), false)
            }
            Reader::Pull(pull) => (pull.cardinality, Histograms::default(), true),
        };
        let (expected_cardinality, expected_histograms) =
            *first.get_or_insert((cardinality, histograms));
        if cardinality != expected_cardinality {
            cursor.unsupported("give every reader the same `cardinality_limits`");
        }
        if histograms != expected_histograms {
            cursor.unsupported("give every reader the same `default_histogram_aggregation`");
        }
        if is_pull && std::mem::replace(&mut has_pull, true) {
            cursor.unsupported("there can be one `pull` reader; remove this one");
        }
        Some(reader)
    })
}

fn reader(cursor: Cursor<'_>) -> Option<Reader> {
    const KNOWN: [&str; 2] = ["periodic", "pull"];
    cursor.variant(&KNOWN, |name, cursor| match name {
        "periodic" => periodic(cursor).map(Box::new).map(Reader::Periodic),
        "pull" => pull(cursor).map(Box::new).map(Reader::Pull),
        _ => {
            cursor.problem("no reader has this name; expected one of: periodic, pull");
            None
        }
    })
}

fn periodic(cursor: Cursor<'_>) -> Option<Periodic> {
    const BATCH: &str = "max_export_batch_size/development";
    let fields = cursor.fields(&[
        "interval",
        "timeout",
        BATCH,
        "exporter",
        "producers",
        "cardinality_limits",
    ])?;
    fields.setting(BATCH, |cursor| {
        cursor.size(1)?;
        cursor.unsupported("remove it; requests are cut by their bytes");
        Some(())
    });
    let interval = fields.setting("interval", |cursor| cursor.milliseconds(1));
    let timeout = fields.setting("timeout", |cursor| cursor.milliseconds(0));
    let cardinality = cardinality_and_producers(&fields);
    let exporter = fields.required("exporter", MetricExporter::read)?;
    Some(Periodic { place: cursor.place(), interval, timeout, exporter, cardinality })
}

fn pull(cursor: Cursor<'_>) -> Option<Pull> {
    let fields = cursor.fields(&["exporter", "producers", "cardinality_limits"])?;
    let cardinality = cardinality_and_producers(&fields);
    let exporter = fields.required("exporter", pull_exporter)?;
    Some(Pull { place: cursor.place(), exporter, cardinality })
}

fn pull_exporter(cursor: Cursor<'_>) -> Option<PullExporter> {
    const KNOWN: [&str; 1] = ["prometheus/development"];
    cursor.variant(&KNOWN, |name, cursor| match name {
        "prometheus/development" => Prometheus::read(cursor).map(PullExporter::Prometheus),
        name => cursor.component(Kind::PullExporter, name, &KNOWN).map(PullExporter::Custom),
    })
}

fn cardinality_and_producers(fields: &Fields<'_>) -> CardinalityLimits {
    fields.optional("producers", |cursor| {
        cursor.items(1, |cursor| {
            cursor.variant(&["opencensus"], |name, cursor| {
                if name == "opencensus" {
                    cursor.no_fields()?;
                }
                Some(())
            })
        })?;
        cursor.unsupported("remove it; there are no other producers of metrics");
        Some(())
    });
    fields.optional("cardinality_limits", cardinality_limits).unwrap_or_default()
}

fn cardinality_limits(cursor: Cursor<'_>) -> Option<CardinalityLimits> {
    let fields = cursor.fields(&[
        "default",
        "counter",
        "gauge",
        "histogram",
        "observable_counter",
        "observable_gauge",
        "observable_up_down_counter",
        "up_down_counter",
    ])?;
    let limit = |key| fields.setting(key, |cursor| cursor.size(1)).map(|limit| *limit);
    Some(CardinalityLimits {
        default: limit("default"),
        counter: limit("counter"),
        gauge: limit("gauge"),
        histogram: limit("histogram"),
        observable_counter: limit("observable_counter"),
        observable_gauge: limit("observable_gauge"),
        observable_up_down_counter: limit("observable_up_down_counter"),
        up_down_counter: limit("up_down_counter"),
    })
}

/// Whether exemplars are kept.
fn exemplar_filter(cursor: Cursor<'_>) -> Option<bool> {
    let words = [("always_on", None), ("always_off", Some(false)), ("trace_based", Some(true))];
    let are_on = *cursor.choice(&words)?;
    if are_on.is_none() {
        cursor.warning("only measurements of sampled spans are kept, as `trace_based` says");
    }
    Some(are_on.unwrap_or(true))
}
