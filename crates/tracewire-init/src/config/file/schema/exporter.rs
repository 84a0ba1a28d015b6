//! Exporters of spans, log records and metrics.

use std::time::Duration;

use url::Url;

use crate::config::file::components::{ComponentNode, Kind};
use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, Fields};
use crate::config::file::schema::otlp::{self, Otlp};

/// Where the spans of one processor go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SpanExporter {
    Otlp(Box<Otlp>),
    OtlpFile(OtlpFile),
    Console(Place),
    Zipkin(Zipkin),
    Custom(ComponentNode),
}

/// Where the log records of one processor go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LogExporter {
    Otlp(Box<Otlp>),
    OtlpFile(OtlpFile),
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
    OtlpFile(OtlpFile),
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

/// The exporter `otlp_file/development`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OtlpFile {
    pub(crate) place: Place,
    /// Default: stdout.
    pub(crate) output_stream: Option<Spanned<Stream>>,
}

/// Where lines are written.
pub(crate) type Stream = tracewire_export::OtlpFile;

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
        const KNOWN: [&str; 5] = ["otlp_http", "otlp_grpc", OTLP_FILE, "console", "zipkin"];
        cursor.variant(&KNOWN, |name, cursor| match name {
            "otlp_http" => {
                Otlp::http(cursor, &[], "v1/traces").map(|(otlp, _)| Self::Otlp(Box::new(otlp)))
            }
            "otlp_grpc" => Otlp::grpc(cursor, &[]).map(|(otlp, _)| Self::Otlp(Box::new(otlp))),
            "console" => cursor.no_fields().map(|()| Self::Console(cursor.place())),
            "zipkin" => zipkin(cursor).map(Self::Zipkin),
            OTLP_FILE => otlp_file(cursor, &[]).map(|(file, _)| Self::OtlpFile(file)),
            name => cursor.component(Kind::SpanExporter, name, &KNOWN).map(Self::Custom),
        })
    }
}

impl LogExporter {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        const KNOWN: [&str; 4] = ["otlp_http", "otlp_grpc", OTLP_FILE, "console"];
        cursor.variant(&KNOWN, |name, cursor| match name {
            "otlp_http" => {
                Otlp::http(cursor, &[], "v1/logs").map(|(otlp, _)| Self::Otlp(Box::new(otlp)))
            }
            "otlp_grpc" => Otlp::grpc(cursor, &[]).map(|(otlp, _)| Self::Otlp(Box::new(otlp))),
            "console" => cursor.no_fields().map(|()| Self::Console(cursor.place())),
            OTLP_FILE => otlp_file(cursor, &[]).map(|(file, _)| Self::OtlpFile(file)),
            name => cursor.component(Kind::LogExporter, name, &KNOWN).map(Self::Custom),
        })
    }
}

impl MetricExporter {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        const KNOWN: [&str; 4] = ["otlp_http", "otlp_grpc", OTLP_FILE, "console"];
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
            OTLP_FILE => {
                let (file, fields) = otlp_file(cursor, &more)?;
                Some(of(MetricTarget::OtlpFile(file), &fields))
            }
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

fn otlp_file<'a>(cursor: Cursor<'a>, more: &[&str]) -> Option<(OtlpFile, Fields<'a>)> {
    let known = [&["output_stream"][..], more].concat();
    let fields = cursor.fields_or_null(&known)?;
    let output_stream = fields.setting("output_stream", stream);
    if !cursor.needs(cfg!(feature = "otlp-json"), "otlp-json") {
        return None;
    }
    Some((OtlpFile { place: cursor.place(), output_stream }, fields))
}

/// `stdout`, or the URL of a file.
fn stream(cursor: Cursor<'_>) -> Option<Spanned<Stream>> {
    let text = cursor.text()?;
    if *text == "stdout" {
        return Some(cursor.spanned(Stream::Stdout));
    }
    let url = Url::parse(&text).ok().filter(|url| url.scheme() == "file");
    match url.and_then(|url| url.to_file_path().ok()) {
        Some(path) => Some(cursor.spanned(Stream::Path(path))),
        None => {
            cursor.unexpected("stdout, or the URL of a file such as file:///var/log/otlp.jsonl");
            None
        }
    }
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
