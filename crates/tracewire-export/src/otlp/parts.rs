//! Parts of OTLP's requests, for consumers that keep them one by one.

use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource as ResourceMessage;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;

use super::encode::Write;
use super::field;
use super::wire::Buffer;

/// Appends a span as the bytes of OTLP's `Span`.
pub fn encode_span(span: &SpanData, into: &mut Vec<u8>) {
    span.write(&mut Buffer(into));
}

/// Returns a resource as the bytes of OTLP's `Resource`.
pub fn encode_resource(resource: &Resource) -> Vec<u8> {
    let ResourceAttributesWithSchema { attributes, .. } = resource.into();
    ResourceMessage { attributes: attributes.0, ..Default::default() }.encode_to_vec()
}

/// Returns a scope as the bytes of OTLP's `InstrumentationScope`. `target` stands for its name.
pub fn encode_scope(scope: &InstrumentationScope, target: Option<&str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = Buffer(&mut bytes);
    buffer.text(field::scope::NAME, target.unwrap_or_else(|| scope.name()));
    buffer.text(field::scope::VERSION, scope.version().unwrap_or_default());
    buffer.attributes(field::scope::ATTRIBUTES, scope.attributes());
    bytes
}

/// Returns a log record as the bytes of OTLP's `LogRecord`.
#[cfg(feature = "logs")]
pub fn encode_log_record(record: &opentelemetry_sdk::logs::SdkLogRecord) -> Vec<u8> {
    opentelemetry_proto::tonic::logs::v1::LogRecord::from(record).encode_to_vec()
}
