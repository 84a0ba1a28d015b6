//! The model of a configuration file: what each node of the schema means here.
//!
//! A reader refuses a node that this crate cannot do, unless its value equals what happens anyway. What
//! is not set is `None`; fields say what happens then.

use super::position::Spanned;
use super::read::{Cursor, boolean};

mod composite;
mod configurator;
mod distribution;
mod exporter;
mod instrumentation;
mod limits;
mod logger_provider;
mod meter_provider;
mod otlp;
mod patterns;
mod processor;
mod prometheus;
mod propagator;
mod resource;
mod sampler;
mod severity;
mod tracer_provider;
mod version;
mod view;

pub(crate) use self::{
    composite::{Composable, Parent, Rule, SpanKind},
    distribution::{LogLines, Tracewire},
    exporter::{
        Histograms, LogExporter, MetricExporter, MetricTarget, OtlpFile, SpanExporter, Temporality,
    },
    instrumentation::{HttpSide, Instrumentation},
    limits::AttributeLimits,
    logger_provider::LoggerProvider,
    meter_provider::{CardinalityLimits, MeterProvider, Periodic, PullExporter, Reader},
    otlp::{Compression, Otlp, Protocol},
    processor::{Batch, Processor},
    propagator::{Format, Propagators},
    resource::{Attribute, Detection, Detector, Resource},
    sampler::{ParentBased, Sampler},
    severity::Severity,
    tracer_provider::TracerProvider,
    version::Version,
    view::{Aggregation, InstrumentType, View, ViewStream},
};

#[cfg(feature = "logs")]
pub(crate) use self::logger_provider::LoggerConfig;

/// A whole file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Configuration {
    pub(crate) file_format: Spanned<Version>,
    /// As `OTEL_SDK_DISABLED`: no telemetry, but propagators still work. Default: false.
    pub(crate) disabled: Option<Spanned<bool>>,
    /// How much this crate logs. Default: `info`.
    pub(crate) log_level: Option<Spanned<Severity>>,
    pub(crate) attribute_limits: Option<AttributeLimits>,
    pub(crate) resource: Option<Resource>,
    /// Without it nothing is propagated.
    pub(crate) propagator: Option<Propagators>,
    /// Without it there are no spans; and so on.
    pub(crate) tracer_provider: Option<TracerProvider>,
    pub(crate) meter_provider: Option<MeterProvider>,
    pub(crate) logger_provider: Option<LoggerProvider>,
    pub(crate) instrumentation: Option<Instrumentation>,
    pub(crate) tracewire: Option<Tracewire>,
}

impl Configuration {
    /// Reads the root. An unknown key there is allowed, and warned of.
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        const KNOWN: [&str; 11] = [
            "file_format",
            "disabled",
            "log_level",
            "attribute_limits",
            "resource",
            "propagator",
            "tracer_provider",
            "meter_provider",
            "logger_provider",
            "instrumentation/development",
            "distribution",
        ];
        let fields = cursor.open_fields(&KNOWN, |name, cursor| {
            let hint = cursor.hint(name, &KNOWN);
            cursor.warning(format_args!("this key is not known and has no effect{hint}"));
        })?;
        // Read first and used last, so that a file without its version shows its other problems too.
        let file_format = fields.required("file_format", Version::read);
        Some(Self {
            disabled: fields.setting("disabled", boolean),
            log_level: fields.setting("log_level", severity::severity),
            attribute_limits: fields.optional("attribute_limits", AttributeLimits::read),
            resource: fields.optional("resource", Resource::read),
            propagator: fields.optional("propagator", Propagators::read),
            tracer_provider: fields.optional("tracer_provider", TracerProvider::read),
            meter_provider: fields.optional("meter_provider", MeterProvider::read),
            logger_provider: fields.optional("logger_provider", LoggerProvider::read),
            instrumentation: fields.optional("instrumentation/development", Instrumentation::read),
            tracewire: fields.optional("distribution", distribution::distribution),
            file_format: file_format?,
        })
    }
}
