//! One trace as OTLP JSON, which other tools and `tracewire-viewer` read.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde::Serialize;

use crate::store::{Kind, Source, Trace};

/// `TracesData` and, if the trace has log records, `LogsData` in the same object. Readers of one ignore
/// the fields of the other.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Download {
    resource_spans: Vec<ResourceSpans>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_logs: Vec<ResourceLogs>,
}

pub(super) fn download(trace: &Trace) -> Download {
    let resource_spans = by_source::<Span>(trace, Kind::Span).map(|(source, spans)| {
        let scope = scope(source);
        ResourceSpans {
            resource: resource(source),
            scope_spans: vec![ScopeSpans { scope, spans, ..ScopeSpans::default() }],
            ..ResourceSpans::default()
        }
    });
    let resource_logs = by_source::<LogRecord>(trace, Kind::Log).map(|(source, log_records)| {
        let scope = scope(source);
        ResourceLogs {
            resource: resource(source),
            scope_logs: vec![ScopeLogs { scope, log_records, ..ScopeLogs::default() }],
            ..ResourceLogs::default()
        }
    });
    Download { resource_spans: resource_spans.collect(), resource_logs: resource_logs.collect() }
}

/// The readable entries of a kind, in groups.
fn by_source<M: Item>(trace: &Trace, wanted: Kind) -> impl Iterator<Item = (&Arc<Source>, Vec<M>)> {
    let mut groups: Vec<(&Arc<Source>, Vec<M>)> = Vec::new();
    for (_, source, bytes) in trace.body.entries().filter(|(kind, ..)| *kind == wanted) {
        let Ok(mut item) = M::decode(bytes) else { continue };
        item.spell_numbers();
        match groups.iter_mut().find(|(known, _)| Arc::ptr_eq(known, source)) {
            Some((_, items)) => items.push(item),
            None => groups.push((source, vec![item])),
        }
    }
    groups.into_iter()
}

/// What a download is a list of.
trait Item: Message + Default {
    /// Replaces numbers that JSON does not have by their names, as `null` would lose them.
    fn spell_numbers(&mut self);
}

impl Item for Span {
    fn spell_numbers(&mut self) {
        let events = self.events.iter_mut().flat_map(|event| &mut event.attributes);
        let links = self.links.iter_mut().flat_map(|link| &mut link.attributes);
        spell_all(self.attributes.iter_mut().chain(events).chain(links));
    }
}

impl Item for LogRecord {
    fn spell_numbers(&mut self) {
        spell_all(&mut self.attributes);
        if let Some(body) = &mut self.body {
            spell(body);
        }
    }
}

fn spell_all<'a>(attributes: impl IntoIterator<Item = &'a mut KeyValue>) {
    attributes.into_iter().filter_map(|attribute| attribute.value.as_mut()).for_each(spell);
}

/// Goes no deeper than what was decoded, which is limited.
fn spell(value: &mut AnyValue) {
    match &mut value.value {
        Some(Value::DoubleValue(number)) if number.is_nan() => {
            value.value = Some(Value::StringValue("NaN".to_owned()));
        }
        Some(Value::DoubleValue(number)) if number.is_infinite() => {
            let name = if *number > 0.0 { "Infinity" } else { "-Infinity" };
            value.value = Some(Value::StringValue(name.to_owned()));
        }
        Some(Value::ArrayValue(array)) => array.values.iter_mut().for_each(spell),
        Some(Value::KvlistValue(list)) => spell_all(&mut list.values),
        _ => {}
    }
}

fn resource(source: &Source) -> Option<Resource> {
    Resource::decode(source.resource()).ok()
}

fn scope(source: &Source) -> Option<InstrumentationScope> {
    InstrumentationScope::decode(source.scope()).ok()
}
