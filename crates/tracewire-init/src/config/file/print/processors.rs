//! `processors`, of spans and of log records.

use super::yaml::Yaml;
use crate::builder::Batching;

/// A comment in place of a provider that nothing is exported from.
pub(super) fn is_nowhere<T>(exporters: Option<&Vec<T>>, node: &str, yaml: &mut Yaml) -> bool {
    let is_nowhere = exporters.is_some_and(Vec::is_empty);
    if is_nowhere {
        yaml.line(0, &format!("# no {node}, because its exporter is none"));
    }
    is_nowhere
}

pub(super) fn console(yaml: &mut Yaml) {
    yaml.line(2, "- simple:");
    yaml.line(4, "exporter:");
    yaml.line(5, "console:");
}

pub(super) fn batch(batching: &Batching, yaml: &mut Yaml) {
    yaml.line(2, "- batch:");
    yaml.duration(4, "schedule_delay", &batching.delay);
    yaml.duration(4, "export_timeout", &batching.timeout);
    yaml.number(4, "max_queue_size", &batching.queue_size);
    yaml.number(4, "max_export_batch_size", &batching.batch_size);
    yaml.line(4, "exporter:");
}
