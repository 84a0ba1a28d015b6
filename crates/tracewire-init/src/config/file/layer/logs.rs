//! `logger_provider`.

use super::Mapper;
use crate::builder::{Batching, Logs, LogsExporter};
use crate::config::file::components::ComponentNode;
use crate::config::file::schema::{AttributeLimits, LogExporter, LoggerProvider, Processor};

/// Without the node there is no provider.
pub(super) fn logs(
    provider: Option<&LoggerProvider>,
    general: Option<&AttributeLimits>,
    mapper: &Mapper<'_>,
) -> Logs {
    let Some(provider) = provider else {
        return Logs { exporters: mapper.given_by_file(Vec::new()), ..Logs::default() };
    };
    let own = provider.limits.as_ref();
    let mut logs = Logs {
        attributes: mapper.limit(own, general, |limits| &limits.count),
        value_length: mapper.limit(own, general, |limits| &limits.value_length),
        ..Logs::default()
    };
    let mut exporters = Vec::new();
    for processor in &provider.processors {
        let (exporter, batching) = match processor {
            Processor::Batch(batch) => (&batch.exporter, mapper.batching(batch)),
            // The console has no batches.
            Processor::Simple { exporter: exporter @ LogExporter::Console(_), .. } => {
                (exporter, Batching::default())
            }
            Processor::Simple { exporter, place } => (exporter, mapper.one_by_one(place)),
            Processor::Custom(node) => {
                custom_processor(node, &mut logs, mapper);
                continue;
            }
        };
        exporters.extend(exporter_of(exporter, mapper).map(|made| made.batching(batching)));
    }
    logs.exporters = mapper.given(&provider.place, exporters);
    rules(provider, &mut logs, mapper);
    logs
}

fn exporter_of(exporter: &LogExporter, mapper: &Mapper<'_>) -> Option<LogsExporter> {
    match exporter {
        LogExporter::Otlp(otlp) => Some(LogsExporter::otlp_with(mapper.otlp(otlp))),
        LogExporter::OtlpFile(node) => Some(LogsExporter::otlp_file_with(mapper.otlp_file(node))),
        LogExporter::Console(_) => Some(LogsExporter::console()),
        LogExporter::Custom(node) => custom_exporter(node, mapper),
    }
}

#[cfg(feature = "logs")]
fn custom_exporter(node: &ComponentNode, mapper: &Mapper<'_>) -> Option<LogsExporter> {
    mapper.make(node, |maker| match maker {
        crate::builder::Maker::LogExporter(make) => Some(make),
        _ => None,
    })
}

#[cfg(feature = "logs")]
fn custom_processor(node: &ComponentNode, logs: &mut Logs, mapper: &Mapper<'_>) {
    logs.processors.extend(mapper.make(node, |maker| match maker {
        crate::builder::Maker::LogProcessor(make) => Some(make),
        _ => None,
    }));
}

#[cfg(feature = "logs")]
fn rules(provider: &LoggerProvider, logs: &mut Logs, mapper: &Mapper<'_>) {
    use tracewire_text::glob::Pattern;

    use crate::config::file::schema::LoggerConfig;
    use crate::log_records::{LogRule, LogRules};

    let Some(configurator) = &provider.configurator else { return };
    let rule = |config: &LoggerConfig| LogRule {
        is_enabled: config.enabled.as_ref().is_none_or(|enabled| **enabled),
        minimum_severity: config.minimum_severity.as_ref().map_or(0, |severity| severity.value.0),
        trace_based: config.trace_based.as_ref().is_some_and(|trace_based| **trace_based),
    };
    let scopes = configurator.scopes.iter();
    let by_name = scopes.map(|(name, config)| (Pattern::new(name), rule(config))).collect();
    let otherwise = configurator.default_config.as_ref().map(rule).unwrap_or_default();
    logs.rules = mapper.given(&configurator.place, LogRules::new(by_name, otherwise));
}

// Without log records the reader refuses the provider.
#[cfg(not(feature = "logs"))]
fn custom_exporter(_: &ComponentNode, _: &Mapper<'_>) -> Option<LogsExporter> {
    None
}

#[cfg(not(feature = "logs"))]
fn custom_processor(_: &ComponentNode, _: &mut Logs, _: &Mapper<'_>) {}

#[cfg(not(feature = "logs"))]
fn rules(_: &LoggerProvider, _: &mut Logs, _: &Mapper<'_>) {}
