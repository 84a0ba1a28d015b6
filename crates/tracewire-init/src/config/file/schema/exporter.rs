//! Exporters of spans, log records and metrics.

use std::time::Duration;

use url::Url;

use crate::config::file::components::{ComponentNode, Kind};
use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, Fields, text};
use crate::config::file::schema::otlp::{self, Otlp};

/// Where the spans of one processor go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SpanExporter {
    Otlp(Box<Otlp>),
    Console(Place),
    Zipkin(Zipkin),
    Custom(ComponentNode),
}

/// Where the log records of one processor go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LogExporter {
    Otlp(Box<Otlp>),
    Console(Place),
    Custom(ComponentNode),
}

/// Where the metrics of one periodic reader go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MetricExporter {
    pub(crate) target: MetricTarget,
    /// Default: cumulative.
    pub(crate) temporality: Option<Spanned<Temporality>>,
    /// Default: explicit buckets.
    pub(crate) histograms: Option<Spanned<Histograms>>,
}

/// The exporter itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MetricTarget {
    Otlp(Box<Otlp>),
    Console(Place),
    Custom(ComponentNode),
}

/// Since when metrics count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temporality {
    Cumulative,
    Delta,
    LowMemory,
}

/// How histograms are aggregated unless a view says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Histograms {
    #[default]
    ExplicitBuckets,
    Base2Exponential,
}

/// The exporter `zipkin`, which the schema does not have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Zipkin {
    pub(crate) place: Place,
    /// Default: `http://localhost:9411/api/v2/spans`.
    pub(crate) endpoint: Option<Spanned<Url>>,
    /// Default: 10 s.
    pub(crate) timeout: Option<Spanned<Duration>>,
}

const OTLP_FILE: &str = "otlp_file/development";

impl SpanExporter {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        const KNOWN: [&str; 4] = ["otlp_http", "otlp_grpc", "console", "zipkin"];
        cursor.variant(&KNOWN, |name, cursor| match name {
            "otlp_http" => {
                Otlp::http(cursor, &[], "v1/traces").map(|(otlp, _)| Self::Otlp(Box::new(otlp)))
            }
            "otlp_grpc" => Otlp::grpc(cursor, &[]).map(|(otlp, _)| Self::Otlp(Box::new(otlp))),
            "console" => cursor.no_fields().map(|()| Self::Console(cursor.place())),
            "zipkin" => zipkin(cursor).map(Self::Zipkin),
            OTLP_FILE => otlp_file(cursor, &[]),
            name => cursor.component(Kind::SpanExporter, name, &KNOWN).map(Self::Custom),
        })
    }
}

impl LogExporter {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        const KNOWN: [&str; 3] = ["otlp_http", "otlp_grpc", "console"];
        cursor.variant(&KNOWN, |name, cursor| match name {
            "otlp_http" => {
                Otlp::http(cursor, &[], "v1/logs").map(|(otlp, _)| Self::Otlp(Box::new(otlp)))
            }
            "otlp_grpc" => Otlp::grpc(cursor, &[]).map(|(otlp, _)| Self::Otlp(Box::new(otlp))),
            "console" => cursor.no_fields().map(|()| Self::Console(cursor.place())),
            OTLP_FILE => otlp_file(cursor, &[]),
            name => cursor.component(Kind::LogExporter, name, &KNOWN).map(Self::Custom),
        })
    }
}

impl MetricExporter {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        const KNOWN: [&str; 3] = ["otlp_http", "otlp_grpc", "console"];
        let of = |target, fields: &Fields<'_>| Self {
            target,
            temporality: fields.setting(TEMPORALITY, temporality),
            histograms: fields.setting(HISTOGRAMS, histograms),
        };
        let more = [TEMPORALITY, HISTOGRAMS];
        cursor.variant(&KNOWN, |name, cursor| match name {
            "otlp_http" => {
                let (otlp, fields) = Otlp::http(cursor, &more, "v1/metrics")?;
                Some(of(MetricTarget::Otlp(Box::new(otlp)), &fields))
            }
            "otlp_grpc" => {
                let (otlp, fields) = Otlp::grpc(cursor, &more)?;
                Some(of(MetricTarget::Otlp(Box::new(otlp)), &fields))
            }
            "console" => {
                let fields = cursor.fields_or_null(&more)?;
                Some(of(MetricTarget::Console(cursor.place()), &fields))
            }
            OTLP_FILE => otlp_file(cursor, &more),
            name => {
                let component = cursor.component(Kind::MetricExporter, name, &KNOWN)?;
                let target = MetricTarget::Custom(component);
                Some(Self { target, temporality: None, histograms: None })
            }
        })
    }
}

const TEMPORALITY: &str = "temporality_preference";
const HISTOGRAMS: &str = "default_histogram_aggregation";

fn temporality(cursor: Cursor<'_>) -> Option<Spanned<Temporality>> {
    cursor.choice(&[
        ("cumulative", Temporality::Cumulative),
        ("delta", Temporality::Delta),
        ("low_memory", Temporality::LowMemory),
    ])
}

fn histograms(cursor: Cursor<'_>) -> Option<Spanned<Histograms>> {
    cursor.choice(&[
        ("explicit_bucket_histogram", Histograms::ExplicitBuckets),
        ("base2_exponential_bucket_histogram", Histograms::Base2Exponential),
    ])
}

/// Refused, after a look at what is inside.
fn otlp_file<T>(cursor: Cursor<'_>, more: &[&str]) -> Option<T> {
    let known = [&["output_stream"][..], more].concat();
    let fields = cursor.fields_or_null(&known)?;
    fields.setting("output_stream", text);
    fields.setting(TEMPORALITY, temporality);
    fields.setting(HISTOGRAMS, histograms);
    cursor.unsupported("use `otlp_http` or `otlp_grpc`, or `console`");
    None
}

fn zipkin(cursor: Cursor<'_>) -> Option<Zipkin> {
    let fields = cursor.fields_or_null(&["endpoint", "timeout"])?;
    if !cursor.needs(cfg!(feature = "zipkin"), "zipkin") {
        return None;
    }
    Some(Zipkin {
        place: cursor.place(),
        endpoint: fields.setting("endpoint", otlp::url),
        timeout: fields.setting("timeout", |cursor| cursor.milliseconds(0)),
    })
}
