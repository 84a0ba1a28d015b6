//! `logger_provider`.

use super::otlp::otlp;
use super::otlp_file::otlp_file;
use super::processors::{batch, console, is_nowhere};
use super::yaml::Yaml;
use crate::LogsExporter;
use crate::builder::{Logs, LogsKind};
use crate::config::otlp::Signal;

pub(super) fn logs(logs: &Logs, yaml: &mut Yaml) {
    let exporters = logs.exporters.as_ref().map(|given| &given.value);
    if is_nowhere(exporters, "logger_provider", yaml) {
        return;
    }
    let default = vec![LogsExporter::otlp()];
    yaml.line(0, "logger_provider:");
    yaml.line(1, "processors:");
    for exporter in exporters.unwrap_or(&default) {
        match &exporter.kind {
            LogsKind::Console => console(yaml),
            LogsKind::OtlpFile(own) => {
                batch(&logs.batching, yaml);
                otlp_file(own, &logs.otlp, yaml);
            }
            _ => {
                batch(&logs.batching, yaml);
                otlp(5, &logs.otlp, Signal::Logs, yaml);
            }
        }
    }
    if logs.attributes.is_some() || logs.value_length.is_some() {
        yaml.line(1, "limits:");
        yaml.number(2, "attribute_value_length_limit", &logs.value_length);
        yaml.number(2, "attribute_count_limit", &logs.attributes);
    }
}
