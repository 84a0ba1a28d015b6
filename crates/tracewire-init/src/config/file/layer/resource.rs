//! `resource`.

use opentelemetry::KeyValue;
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
    for Spanned { value: detector, .. } in &detection.detectors {
        match detector {
            Detector::Container => found.push(detectors::Detector::Container),
            Detector::Host => found.extend([detectors::Detector::Host, detectors::Detector::Os]),
            Detector::Process => found.push(detectors::Detector::Process),
            Detector::Platform(detector) => found.push(*detector),
            Detector::Service => {
                let name = service_name(mapper).into_iter();
                let kept = |attribute: &Given<KeyValue>| names.keep(attribute.value.key.as_str());
                resource.attributes.extend(name.filter(kept));
                found.push(detectors::Detector::Service);
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
