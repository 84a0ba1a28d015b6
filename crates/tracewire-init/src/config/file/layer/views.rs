//! `views`, `cardinality_limits` and `meter_configurator/development`.

use std::sync::Arc;

use opentelemetry::Key;
use opentelemetry_sdk::metrics::{Aggregation, InstrumentKind};
use tracewire_text::glob::Pattern;

use crate::config::file::position::Spanned;
use crate::config::file::schema::{
    self, CardinalityLimits, InstrumentType, MeterProvider, Reader, ViewStream,
};
use crate::config::views::{FileViews, StreamSettings, View, Views};

/// The boundaries of the schema where a view of explicit buckets names none.
const BOUNDARIES: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

pub(super) fn views(provider: &MeterProvider) -> FileViews {
    // The reader checked that all readers have the same.
    let cardinality = provider.readers.first().map(|reader| match reader {
        Reader::Periodic(periodic) => periodic.cardinality,
        Reader::Pull(pull) => pull.cardinality,
    });
    let configurator = provider.configurator.as_ref();
    let scopes = configurator.map(|found| &*found.scopes).unwrap_or_default();
    FileViews(Arc::new(Views {
        views: provider.views.iter().map(view).collect(),
        meters: scopes.iter().map(|(name, enabled)| (Pattern::new(name), *enabled)).collect(),
        is_disabled: configurator.is_some_and(|found| found.default_config == Some(false)),
        cardinality: cardinality.map(limits).unwrap_or_default(),
    }))
}

fn view(given: &schema::View) -> View {
    let selector = &given.selector;
    let text = |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.value.clone());
    View {
        instrument_name: selector.instrument_name.as_ref().map(|name| Pattern::new(name)),
        instrument_kind: selector.instrument_type.as_ref().map(|kind| kind_of(**kind)),
        unit: text(&selector.unit),
        meter_name: text(&selector.meter_name),
        meter_version: text(&selector.meter_version),
        meter_schema_url: text(&selector.meter_schema_url),
        stream: stream(&given.stream),
    }
}

fn stream(given: &ViewStream) -> StreamSettings {
    let text = |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.value.clone());
    let key = |name: &Spanned<String>| Key::new(name.value.clone());
    StreamSettings {
        name: text(&given.name),
        description: text(&given.description),
        aggregation: given.aggregation.as_ref().and_then(|found| aggregation(found)),
        cardinality_limit: given.cardinality_limit.as_ref().map(|limit| **limit),
        attribute_keys: given.attribute_keys.as_ref().map(|keys| keys.iter().map(key).collect()),
    }
}

/// `None` is the default of the instrument's kind.
fn aggregation(given: &schema::Aggregation) -> Option<Aggregation> {
    Some(match given {
        schema::Aggregation::Default => return None,
        schema::Aggregation::Drop => Aggregation::Drop,
        schema::Aggregation::LastValue => Aggregation::LastValue,
        schema::Aggregation::Sum => Aggregation::Sum,
        schema::Aggregation::ExplicitBuckets { boundaries, record_min_max } => {
            Aggregation::ExplicitBucketHistogram {
                boundaries: boundaries.clone().unwrap_or_else(|| BOUNDARIES.to_vec()),
                record_min_max: record_min_max.unwrap_or(true),
            }
        }
        schema::Aggregation::Base2Exponential { max_scale, max_size, record_min_max } => {
            Aggregation::Base2ExponentialHistogram {
                max_size: max_size.unwrap_or(160),
                max_scale: max_scale.unwrap_or(20),
                record_min_max: record_min_max.unwrap_or(true),
            }
        }
    })
}

fn kind_of(kind: InstrumentType) -> InstrumentKind {
    match kind {
        InstrumentType::Counter => InstrumentKind::Counter,
        InstrumentType::Gauge => InstrumentKind::Gauge,
        InstrumentType::Histogram => InstrumentKind::Histogram,
        InstrumentType::ObservableCounter => InstrumentKind::ObservableCounter,
        InstrumentType::ObservableGauge => InstrumentKind::ObservableGauge,
        InstrumentType::ObservableUpDownCounter => InstrumentKind::ObservableUpDownCounter,
        InstrumentType::UpDownCounter => InstrumentKind::UpDownCounter,
    }
}

fn limits(limits: CardinalityLimits) -> Vec<(InstrumentKind, usize)> {
    let by_kind = [
        (InstrumentKind::Counter, limits.counter),
        (InstrumentKind::Gauge, limits.gauge),
        (InstrumentKind::Histogram, limits.histogram),
        (InstrumentKind::ObservableCounter, limits.observable_counter),
        (InstrumentKind::ObservableGauge, limits.observable_gauge),
        (InstrumentKind::ObservableUpDownCounter, limits.observable_up_down_counter),
        (InstrumentKind::UpDownCounter, limits.up_down_counter),
    ];
    by_kind.into_iter().filter_map(|(kind, own)| Some((kind, own.or(limits.default)?))).collect()
}
