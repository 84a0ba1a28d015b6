//! `views`: how instruments become metrics.

use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, Fields, boolean, text};
use crate::config::file::schema::patterns::is_pattern;

/// One of `views`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) place: Place,
    pub(crate) selector: ViewSelector,
    pub(crate) stream: ViewStream,
}

/// Which instruments: those that match everything that is set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ViewSelector {
    /// A name, or a pattern with `*` and `?`.
    pub(crate) instrument_name: Option<Spanned<String>>,
    pub(crate) instrument_type: Option<Spanned<InstrumentType>>,
    pub(crate) unit: Option<Spanned<String>>,
    pub(crate) meter_name: Option<Spanned<String>>,
    pub(crate) meter_version: Option<Spanned<String>>,
    pub(crate) meter_schema_url: Option<Spanned<String>>,
}

/// What they become. What is not set stays as the instrument has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ViewStream {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) description: Option<Spanned<String>>,
    pub(crate) aggregation: Option<Spanned<Aggregation>>,
    pub(crate) cardinality_limit: Option<Spanned<usize>>,
    /// The names of the attributes that stay. `None` is all.
    pub(crate) attribute_keys: Option<Vec<Spanned<String>>>,
}

/// The kind of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstrumentType {
    Counter,
    Gauge,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
}

/// How measurements are summed up.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Aggregation {
    Default,
    Drop,
    ExplicitBuckets {
        /// In increasing order. `None` is the SDK's.
        boundaries: Option<Vec<f64>>,
        /// Default: true.
        record_min_max: Option<bool>,
    },
    Base2Exponential {
        /// Default: 20.
        max_scale: Option<i8>,
        /// Default: 160.
        max_size: Option<u32>,
        /// Default: true.
        record_min_max: Option<bool>,
    },
    LastValue,
    Sum,
}

impl View {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        let fields = cursor.fields(&["selector", "stream"])?;
        let selector = fields.required("selector", selector);
        let stream = fields.required("stream", stream);
        Some(Self { place: cursor.place(), selector: selector?, stream: stream? })
    }
}

fn selector(cursor: Cursor<'_>) -> Option<ViewSelector> {
    let fields = cursor.fields(&[
        "instrument_name",
        "instrument_type",
        "unit",
        "meter_name",
        "meter_version",
        "meter_schema_url",
    ])?;
    let setting = |key| fields.setting(key, text);
    Some(ViewSelector {
        instrument_name: setting("instrument_name"),
        instrument_type: fields.setting("instrument_type", instrument_type),
        unit: setting("unit"),
        meter_name: setting("meter_name"),
        meter_version: setting("meter_version"),
        meter_schema_url: setting("meter_schema_url"),
    })
}

fn instrument_type(cursor: Cursor<'_>) -> Option<Spanned<InstrumentType>> {
    cursor.choice(&[
        ("counter", InstrumentType::Counter),
        ("gauge", InstrumentType::Gauge),
        ("histogram", InstrumentType::Histogram),
        ("observable_counter", InstrumentType::ObservableCounter),
        ("observable_gauge", InstrumentType::ObservableGauge),
        ("observable_up_down_counter", InstrumentType::ObservableUpDownCounter),
        ("up_down_counter", InstrumentType::UpDownCounter),
    ])
}

fn stream(cursor: Cursor<'_>) -> Option<ViewStream> {
    const LIMIT: &str = "aggregation_cardinality_limit";
    let fields = cursor.fields(&["name", "description", "aggregation", LIMIT, "attribute_keys"])?;
    Some(ViewStream {
        name: fields.setting("name", text),
        description: fields.setting("description", text),
        aggregation: fields.optional("aggregation", aggregation),
        cardinality_limit: fields.setting(LIMIT, |cursor| cursor.size(1)),
        attribute_keys: fields.optional("attribute_keys", attribute_keys),
    })
}

/// The SDK keeps attributes by their exact names only.
fn attribute_keys(cursor: Cursor<'_>) -> Option<Vec<Spanned<String>>> {
    let fields = cursor.fields(&["included", "excluded"])?;
    fields.optional("excluded", |cursor| {
        cursor.items(1, text)?;
        cursor.unsupported("list the attributes that stay in `included`");
        Some(())
    });
    fields.optional("included", |cursor| {
        cursor.items(1, |cursor| {
            let name = cursor.text()?;
            if is_pattern(&name) {
                cursor.unsupported("list exact names, without `*` and `?`");
            }
            Some(name)
        })
    })
}

fn aggregation(cursor: Cursor<'_>) -> Option<Spanned<Aggregation>> {
    const KNOWN: [&str; 6] = [
        "default",
        "drop",
        "explicit_bucket_histogram",
        "base2_exponential_bucket_histogram",
        "last_value",
        "sum",
    ];
    let read = cursor.variant(&KNOWN, |name, cursor| match name {
        "default" => cursor.no_fields().map(|()| Aggregation::Default),
        "drop" => cursor.no_fields().map(|()| Aggregation::Drop),
        "explicit_bucket_histogram" => explicit_buckets(cursor),
        "base2_exponential_bucket_histogram" => base2_exponential(cursor),
        "last_value" => cursor.no_fields().map(|()| Aggregation::LastValue),
        "sum" => cursor.no_fields().map(|()| Aggregation::Sum),
        _ => {
            let known = KNOWN.join(", ");
            cursor.problem(format_args!("no aggregation has this name; expected one of: {known}"));
            None
        }
    })?;
    Some(cursor.spanned(read))
}

fn explicit_buckets(cursor: Cursor<'_>) -> Option<Aggregation> {
    let fields = cursor.fields_or_null(&["boundaries", "record_min_max"])?;
    let mut last = f64::NEG_INFINITY;
    let boundaries = fields.optional("boundaries", |cursor| {
        cursor.items(0, |cursor| {
            let boundary = *cursor.finite()?;
            if boundary <= last {
                cursor.unexpected(format_args!("more than {last}, the boundary before"));
            }
            last = boundary;
            Some(boundary)
        })
    });
    Some(Aggregation::ExplicitBuckets { boundaries, record_min_max: record_min_max(&fields) })
}

fn base2_exponential(cursor: Cursor<'_>) -> Option<Aggregation> {
    let fields = cursor.fields_or_null(&["max_scale", "max_size", "record_min_max"])?;
    let max_scale = fields.setting("max_scale", |cursor| cursor.whole(-10..=20));
    let max_size = fields.setting("max_size", |cursor| cursor.size(2));
    Some(Aggregation::Base2Exponential {
        max_scale: max_scale.and_then(|scale| i8::try_from(*scale).ok()),
        max_size: max_size.and_then(|size| u32::try_from(*size).ok()),
        record_min_max: record_min_max(&fields),
    })
}

fn record_min_max(fields: &Fields<'_>) -> Option<bool> {
    fields.setting("record_min_max", boolean).map(|found| *found)
}
