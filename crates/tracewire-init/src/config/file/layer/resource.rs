//! `resource`.

use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use tracewire_text::glob::Pattern;

use super::Mapper;
use crate::builder::{Maker, Resource};
use crate::config::detectors::{self, DetectedNames};
use crate::config::file::position::Spanned;
use crate::config::file::schema::{self, Detection, Detector};
use crate::settings::{Given, Setting, from_variable};

const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// Attributes stand from the weakest to the strongest: detected, of the list, of the file.
pub(super) fn resource(given: Option<&schema::Resource>, mapper: &Mapper<'_>) -> Resource {
    let mut resource =
        Resource { detectors: mapper.given_by_file(Vec::new()), ..Resource::default() };
    let Some(given) = given else { return resource };
    if let Some(detection) = &given.detection {
        detect(detection, &mut resource, mapper);
    }
    for (key, value) in &given.attributes_list {
        let attribute = KeyValue::new(key.clone(), value.clone());
        resource.attributes.extend(mapper.given(&given.place, attribute));
    }
    for schema::Attribute { name, value } in &given.attributes {
        let attribute = KeyValue::new(name.value.clone(), value.clone());
        resource.attributes.extend(mapper.given(&name.place, attribute));
    }
    resource.schema_url = mapper.setting(&given.schema_url, |url| url);
    resource
}

fn detect(detection: &Detection, resource: &mut Resource, mapper: &Mapper<'_>) {
    let patterns = |names: &[Spanned<String>]| -> Vec<Pattern> {
        names.iter().map(|name| Pattern::new(name)).collect()
    };
    let names = DetectedNames {
        included: patterns(&detection.attributes.included),
        excluded: patterns(&detection.attributes.excluded),
    };
    let mut found = Vec::new();
    for Spanned { value: detector, place } in &detection.detectors {
        match detector {
            Detector::Container => found.push(detectors::Detector::Container),
            Detector::Host => found.extend([detectors::Detector::Host, detectors::Detector::Os]),
            Detector::Process => found.push(detectors::Detector::Process),
            Detector::Service => {
                let attributes = [service_name(mapper), mapper.given(place, instance_id())];
                let kept = |attribute: &Given<KeyValue>| names.keep(attribute.value.key.as_str());
                resource.attributes.extend(attributes.into_iter().flatten().filter(kept));
            }
            Detector::Custom(node) => {
                let made = mapper.make(node, |maker| match maker {
                    Maker::ResourceDetector(make) => Some(make),
                    _ => None,
                });
                resource.own_detectors.extend(made);
            }
        }
    }
    resource.detectors = mapper.given(&detection.place, found);
    resource.detected = mapper.given(&detection.place, names);
}

/// The only variable that is read beside a file, by the detector `service`.
fn service_name(mapper: &Mapper<'_>) -> Setting<KeyValue> {
    let name = (mapper.variables)(SERVICE_NAME)?.into_string().ok()?;
    let name = name.trim();
    if name.is_empty() {
        return None;
    }
    from_variable(SERVICE_NAME, KeyValue::new("service.name", name.to_owned()))
}

/// A random UUID (RFC 9562, version 4).
fn instance_id() -> KeyValue {
    let mut bytes = RandomIdGenerator::default().new_trace_id().to_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let number = u128::from_be_bytes(bytes);
    let id = format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        number >> 96,
        (number >> 80) & 0xffff,
        (number >> 64) & 0xffff,
        (number >> 48) & 0xffff,
        number & 0xffff_ffff_ffff,
    );
    KeyValue::new("service.instance.id", id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_id_is_a_random_uuid() {
        let id = instance_id().value.to_string();
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
        assert_ne!(id, instance_id().value.to_string());
    }
}
