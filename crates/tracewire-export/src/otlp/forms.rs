//! What every request of a signal begins with, in each form it may take.

#[cfg(feature = "otlp-json")]
use super::json::Json;
use super::{encode::Protobuf, names::Names};
use opentelemetry_proto::{
    tonic::resource::v1::Resource as ResourceMessage,
    transform::common::tonic::ResourceAttributesWithSchema,
};
use opentelemetry_sdk::Resource;

/// What every request of a signal has, in each form it may take.
#[derive(Debug)]
pub(super) struct Forms {
    pub(super) protobuf: Protobuf,
    #[cfg(feature = "otlp-json")]
    pub(super) json: Json,
}

impl Forms {
    pub(super) fn new(resource: &Resource, _names: Names) -> Self {
        let ResourceAttributesWithSchema { attributes, schema_url } = resource.into();
        let message = ResourceMessage { attributes: attributes.0, ..Default::default() };
        let schema_url = schema_url.unwrap_or_default();
        Self {
            protobuf: Protobuf::new(&message, &schema_url),
            #[cfg(feature = "otlp-json")]
            json: Json::new(_names, &message, &schema_url),
        }
    }
}
