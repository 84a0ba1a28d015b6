//! `distribution.tracewire`.

use tracewire_export::ConsoleFormat;
use tracewire_propagation::HttpSettings;

use super::yaml::Yaml;
use crate::builder::{LogFormat, Metrics};
use crate::config::own_metrics::OwnMetrics;
use crate::settings::Layer;

pub(super) fn distribution(layer: &Layer, http: &HttpSettings, yaml: &mut Yaml) {
    let (console, log) = (&layer.console.format, &layer.log_lines.format);
    let HttpSettings { excluded_paths, excluded_urls, service_peers, .. } = http;
    let (exceptions, timeout) = (&layer.logs.exceptions, &layer.resource.metadata_timeout);
    let metrics = own_metrics(&layer.metrics);
    let has_any = [
        console.is_some(),
        log.is_some(),
        metrics.is_some(),
        exceptions.is_some(),
        timeout.is_some(),
    ]
    .contains(&true);
    let lists = [excluded_paths, excluded_urls, service_peers];
    if !has_any && lists.iter().all(|list| list.is_empty()) {
        return;
    }
    yaml.line(0, "distribution:");
    yaml.line(1, "tracewire:");
    yaml.value(2, "console", console, |format| match format {
        ConsoleFormat::Json => "json".to_owned(),
        _ => "tree".to_owned(),
    });
    yaml.value(2, "log", log, |format| match format {
        None => "none".to_owned(),
        Some(LogFormat::Text) => "text".to_owned(),
        Some(LogFormat::Json) => "json".to_owned(),
    });
    if let Some(groups) = metrics {
        yaml.line(2, &format!("metrics: [{}]", groups.join(", ")));
    }
    yaml.list(2, "excluded_paths", excluded_paths);
    yaml.list(2, "excluded_urls", excluded_urls);
    yaml.list(2, "service_peers", service_peers);
    yaml.value(2, "exceptions", exceptions, |exceptions| exceptions.name().to_owned());
    yaml.value(2, "metadata_timeout", timeout, |timeout| timeout.as_millis().to_string());
}

/// The groups that are on, if anything says which.
fn own_metrics(metrics: &Metrics) -> Option<Vec<&'static str>> {
    let of = |group| match group {
        OwnMetrics::Process => &metrics.process_metrics,
        OwnMetrics::Runtime => &metrics.runtime_metrics,
        OwnMetrics::Telemetry => &metrics.self_metrics,
    };
    let given = OwnMetrics::WORDS.map(|(name, group)| (name, of(group)));
    let is_on = given.iter().filter(|(_, given)| given.as_ref().is_some_and(|given| given.value));
    let is_given = given.iter().any(|(_, given)| given.is_some());
    is_given.then(|| is_on.map(|(name, _)| *name).collect())
}
