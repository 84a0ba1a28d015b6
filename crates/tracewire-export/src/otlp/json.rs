//! Spans and log records as requests in JSON.

use super::{names::Names, numbers::Numbers};
use crate::pipeline::body::{Encoding, Source};
use opentelemetry_proto::tonic::{
    common::v1::InstrumentationScope, resource::v1::Resource, trace::v1::Span,
};
use opentelemetry_sdk::trace::SpanData;
use serde::Serialize;
use std::sync::Arc;

/// `ExportTraceServiceRequest` or `ExportLogsServiceRequest`: only the names differ.
#[derive(Debug)]
pub(super) struct Json {
    names: Names,
    resource: Resource,
    schema_url: String,
}

impl Json {
    pub(super) fn new(names: Names, resource: &Resource, schema_url: &str) -> Self {
        Self { names, resource: resource.clone(), schema_url: schema_url.to_owned() }
    }
}

/// An item as JSON.
pub(crate) trait WriteJson {
    fn write_json(&self, body: &mut Vec<u8>);
}

impl<T: WriteJson> WriteJson for Arc<T> {
    fn write_json(&self, body: &mut Vec<u8>) {
        T::write_json(self, body);
    }
}

impl WriteJson for SpanData {
    fn write_json(&self, body: &mut Vec<u8>) {
        json(body, &Span::from(self.clone()));
    }
}

impl<T: WriteJson> Encoding<T> for Json {
    type Scope = ();

    fn begin(&self, body: &mut Vec<u8>) {
        let [resources, scopes, _] = self.names;
        text(body, &format!("{{\"{resources}\":[{{\"resource\":"));
        json(body, &self.resource);
        text(body, &format!(",\"{scopes}\":["));
    }

    fn begin_scope(&self, body: &mut Vec<u8>, (scope, target): Source<'_>) {
        comma(body);
        text(body, "{\"scope\":");
        let target = target.map(|target| target.to_owned().into());
        json(body, &InstrumentationScope::from((scope, target)));
        text(body, &format!(",\"{}\":[", self.names[2]));
    }

    fn item(&self, body: &mut Vec<u8>, item: &T) {
        comma(body);
        item.write_json(body);
    }

    fn end_scope(&self, body: &mut Vec<u8>, (scope, _): Source<'_>, (): ()) {
        text(body, "],\"schemaUrl\":");
        json(body, scope.schema_url().unwrap_or_default());
        text(body, "}");
    }

    fn end(&self, body: &mut Vec<u8>) {
        text(body, "],\"schemaUrl\":");
        json(body, &self.schema_url);
        text(body, "}]}");
    }

    fn ending(&self, (scope, _): Source<'_>) -> usize {
        // A character takes at most six bytes, as in \u001f.
        6 * (scope.schema_url().unwrap_or_default().len() + self.schema_url.len())
    }
}

/// What stands between two elements of a list.
fn comma(body: &mut Vec<u8>) {
    if body.last() != Some(&b'[') {
        body.push(b',');
    }
}

fn text(body: &mut Vec<u8>, text: &str) {
    body.extend_from_slice(text.as_bytes());
}

pub(crate) fn json<T: Serialize + ?Sized>(body: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(body, &Numbers(value))
        .expect("a message is JSON, and a Vec takes every write");
}

#[cfg(test)]
mod tests {
    use super::{super::names::SPANS, *};
    use crate::{
        pipeline::body::{MOST_BODY_BYTES, fill},
        sample::Sample,
    };
    use opentelemetry::InstrumentationScope;
    use opentelemetry_proto::{
        tonic::collector::trace::v1::ExportTraceServiceRequest,
        transform::{
            common::tonic::ResourceAttributesWithSchema,
            trace::tonic::group_spans_by_resource_and_scope,
        },
    };
    use std::collections::VecDeque;

    #[test]
    fn a_request_is_what_the_messages_make_of_it() {
        let parts = ResourceAttributesWithSchema {
            schema_url: Some("https://resource.example".to_owned()),
            ..Default::default()
        };
        let spans = ["one", "two", "two"].into_iter().zip(1..).map(|(scope, id)| {
            let mut span = Sample::new(id).attribute("key", "\"value\"").error("no luck").span();
            span.instrumentation_scope =
                InstrumentationScope::builder(scope).with_schema_url("https://s.example").build();
            span
        });
        let mut batch: VecDeque<_> = spans.collect();
        let resource_spans =
            group_spans_by_resource_and_scope(batch.iter().cloned().collect(), &parts);
        let format = Json::new(SPANS, &Resource::default(), "https://resource.example");
        let found = serde_json::from_slice::<ExportTraceServiceRequest>(&fill(
            MOST_BODY_BYTES,
            &format,
            &mut batch,
        ));
        let mut found = found.unwrap();
        let mut expected = ExportTraceServiceRequest { resource_spans };
        // The messages come out of a map.
        for request in [&mut found, &mut expected] {
            let scopes = &mut request.resource_spans[0].scope_spans;
            scopes.sort_by_key(|scope| scope.scope.clone().map(|scope| scope.name));
        }
        assert_eq!(found, expected);
        assert!(batch.is_empty());
    }

    #[test]
    fn escapes_do_not_make_a_body_larger() {
        let span = |id| Sample::new(id).attribute("key", "\u{1}".repeat(60_000)).span();
        let mut batch: VecDeque<_> = (1..=17).map(span).collect();
        let format = Json::new(SPANS, &Resource::default(), "");
        let mut spans = 0;
        while !batch.is_empty() {
            let before = batch.len();
            let body = fill(MOST_BODY_BYTES, &format, &mut batch);
            assert!(body.len() <= MOST_BODY_BYTES, "{}", body.len());
            let request: ExportTraceServiceRequest = serde_json::from_slice(&body).unwrap();
            let found = request.resource_spans[0].scope_spans[0].spans.len();
            assert_eq!(found, before - batch.len());
            spans += found;
        }
        assert_eq!(spans, 17);
    }
}
