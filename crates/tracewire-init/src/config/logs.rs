//! Where log records go.

use tracewire_export::Batch;
use tracewire_export::wiring::Shown;

use super::batching::{self, batch};
use super::otlp::{self, Otlp, Signal};
use super::proxy::Proxies;
use super::text;
use crate::builder::{self, Exceptions, LogsExporter, LogsKind};
use crate::error::InitError;
use crate::features;
use crate::log_records::{AddExporter, AddProcessor, LogRules};
use crate::plan::Plan;
use crate::settings::Merge;

/// Log records, as decided.
#[cfg_attr(not(feature = "logs"), expect(dead_code, reason = "nothing makes a provider of it"))]
pub(crate) struct Logs {
    pub(crate) exporters: Vec<Exporter>,
    pub(crate) attributes: usize,
    /// In characters; `None` is no limit.
    pub(crate) value_length: Option<usize>,
    pub(crate) processors: Vec<AddProcessor>,
    pub(crate) exceptions: Exceptions,
    /// Which records are kept; `None` is all.
    pub(crate) rules: Option<LogRules>,
}

/// Without exporters: what the specification says.
#[cfg(feature = "live")]
impl Default for Logs {
    fn default() -> Self {
        Self {
            exporters: Vec::new(),
            attributes: 128,
            value_length: None,
            processors: Vec::new(),
            exceptions: Exceptions::SpanEvents,
            rules: None,
        }
    }
}

/// One exporter with everything that it needs.
#[cfg_attr(not(feature = "logs"), expect(dead_code, reason = "nothing makes a provider of it"))]
pub(crate) enum Exporter {
    Otlp(Box<Otlp>, Batch),
    Console,
    Custom(AddExporter, Batch),
}

/// # Errors
///
/// A setting cannot work, or exporters are given without the cargo feature `logs`.
pub(crate) fn decide(
    mut given: builder::Logs,
    proxies: &Proxies,
    plan: &mut Plan,
) -> Result<Option<Logs>, InitError> {
    const EXPORTERS: &str = "OTEL_LOGS_EXPORTER";
    const EXCEPTIONS: &str = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN";
    if !features::LOGS {
        return match given.exporters.filter(|given| !given.value.is_empty()) {
            None => Ok(None),
            Some(given) => Err(InitError::not_compiled_in(
                "Logs::exporters",
                &Shown::value(&text::list(given.value.iter().map(LogsExporter::name))),
                "log records need the cargo feature `logs`",
            )),
        };
    }
    let default = vec![LogsExporter::otlp()];
    let exporters = plan.pick_shown(EXPORTERS, given.exporters.take(), default, |exporters| {
        text::list(exporters.iter().map(LogsExporter::name))
    });
    let exceptions = plan.pick_shown(
        EXCEPTIONS,
        given.exceptions.take(),
        Exceptions::SpanEvents,
        |exceptions| exceptions.name().to_owned(),
    );
    if exporters.is_empty() && given.processors.is_empty() {
        if exceptions != Exceptions::SpanEvents {
            plan.warn(format!(
                "{EXCEPTIONS}={} is ignored: log records have no exporter",
                exceptions.name()
            ));
        }
        return Ok(None);
    }
    plan.count("log record processors", given.processors.len());
    let exporters = exporters_of(exporters, &given, proxies, plan)?;
    Ok(Some(Logs {
        exporters,
        attributes: plan.pick("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", given.attributes, 128),
        value_length: text::value_length(
            "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            given.value_length,
            plan,
        ),
        processors: given.processors,
        exceptions,
        rules: given.rules.map(|rules| rules.value),
    }))
}

fn exporters_of(
    exporters: Vec<LogsExporter>,
    given: &builder::Logs,
    proxies: &Proxies,
    plan: &mut Plan,
) -> Result<Vec<Exporter>, InitError> {
    // Exporters without batches of their own share what is decided, and the plan says it once.
    let batches = |exporter: &&LogsExporter| exporter.name() != "console";
    let mut batched = exporters.iter().filter(batches).peekable();
    let has_none = batched.peek().is_none();
    let shared = match has_none || batched.any(|exporter| exporter.batching.is_empty()) {
        true => Some(batch(given.batching.clone(), &batching::LOGS, plan)?),
        false => None,
    };
    let (mut decided, mut seen) = (Vec::new(), Vec::new());
    for exporter in exporters {
        plan.next_exporter(&mut seen, exporter.name());
        let LogsExporter { kind, batching: mut own } = exporter;
        let batch = match shared {
            Some(shared) if own.is_empty() => shared,
            // Only the console, which has no batches.
            None if own.is_empty() => Batch::logs(),
            _ => {
                own.complete(given.batching.clone(), plan);
                batch(own, &batching::LOGS, plan)?
            }
        };
        decided.push(match kind {
            LogsKind::Otlp(own) => {
                let otlp = otlp::decide(*own, &given.otlp, Signal::Logs, proxies, plan)?;
                Exporter::Otlp(Box::new(otlp), batch)
            }
            LogsKind::OtlpFile(own) => {
                Exporter::Otlp(Box::new(otlp::decide_file(*own, &given.otlp, plan)), batch)
            }
            LogsKind::Console => Exporter::Console,
            LogsKind::Custom(add) => Exporter::Custom(add, batch),
        });
    }
    plan.exporter = None;
    Ok(decided)
}
