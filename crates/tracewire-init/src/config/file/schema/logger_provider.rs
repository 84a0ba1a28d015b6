//! `logger_provider`: log records.

use crate::config::file::components::Kind;
use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, boolean};
use crate::config::file::schema::configurator::Configurator;
use crate::config::file::schema::exporter::LogExporter;
use crate::config::file::schema::limits::AttributeLimits;
use crate::config::file::schema::processor::Processor;
use crate::config::file::schema::severity::{Severity, severity};

/// `logger_provider`. Without it there are no log records.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LoggerProvider {
    pub(crate) place: Place,
    pub(crate) processors: Vec<Processor<LogExporter>>,
    pub(crate) limits: Option<AttributeLimits>,
    pub(crate) configurator: Option<Configurator<LoggerConfig>>,
}

/// Which records of a logger are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LoggerConfig {
    /// Default: true.
    pub(crate) enabled: Option<Spanned<bool>>,
    /// Default: all severities.
    pub(crate) minimum_severity: Option<Spanned<Severity>>,
    /// Whether records of unsampled traces are dropped. Default: false.
    pub(crate) trace_based: Option<Spanned<bool>>,
}

impl LoggerProvider {
    pub(super) fn read(cursor: Cursor<'_>) -> Option<Self> {
        const CONFIGURATOR: &str = "logger_configurator/development";
        let fields = cursor.fields(&["processors", "limits", CONFIGURATOR])?;
        let processor =
            |cursor: Cursor<'_>| Processor::read(cursor, Kind::LogProcessor, LogExporter::read);
        let processors = fields.required("processors", |cursor| cursor.items(1, processor));
        let limits = fields.optional("limits", AttributeLimits::read);
        let configurator = fields.optional(CONFIGURATOR, |cursor| {
            Configurator::read(cursor, "loggers", LoggerConfig::read)
        });
        if !cursor.needs(cfg!(feature = "logs"), "logs") {
            return None;
        }
        Some(Self { place: cursor.place(), processors: processors?, limits, configurator })
    }
}

impl LoggerConfig {
    fn read(cursor: Cursor<'_>) -> Option<Self> {
        let fields = cursor.fields(&["enabled", "minimum_severity", "trace_based"])?;
        Some(Self {
            enabled: fields.setting("enabled", boolean),
            minimum_severity: fields.setting("minimum_severity", severity),
            trace_based: fields.setting("trace_based", boolean),
        })
    }
}
