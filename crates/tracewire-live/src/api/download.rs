//! One trace as OTLP JSON, which other tools and `tracewire-viewer` read.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
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
fn by_source<M: Message + Default>(
    trace: &Trace,
    wanted: Kind,
) -> impl Iterator<Item = (&Arc<Source>, Vec<M>)> {
    let mut groups: Vec<(&Arc<Source>, Vec<M>)> = Vec::new();
    for (_, source, bytes) in trace.body.entries().filter(|(kind, ..)| *kind == wanted) {
        let Ok(item) = M::decode(bytes) else { continue };
        match groups.iter_mut().find(|(known, _)| Arc::ptr_eq(known, source)) {
            Some((_, items)) => items.push(item),
            None => groups.push((source, vec![item])),
        }
    }
    groups.into_iter()
}

fn resource(source: &Source) -> Option<Resource> {
    Resource::decode(source.resource()).ok()
}

fn scope(source: &Source) -> Option<InstrumentationScope> {
    InstrumentationScope::decode(source.scope()).ok()
}
