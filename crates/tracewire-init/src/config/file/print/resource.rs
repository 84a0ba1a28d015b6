//! `resource`.

use super::yaml::{Yaml, quoted};
use crate::builder::Resource;
use crate::config::detectors::Detector;
use crate::plan::Origin;
use crate::settings::Given;

pub(super) fn resource(resource: &Resource, yaml: &mut Yaml) {
    let detectors = resource.detectors.as_ref().map(|given| &*given.value).unwrap_or_default();
    let of_list = |given: &Given<_>| matches!(&given.origin, Origin::Variable(name) if name == "OTEL_RESOURCE_ATTRIBUTES");
    let has_list = resource.attributes.iter().any(of_list);
    let others: Vec<_> = resource.attributes.iter().filter(|given| !of_list(given)).collect();
    if resource.service_name.is_none() && detectors.is_empty() && !has_list && others.is_empty() {
        return;
    }
    yaml.line(0, "resource:");
    if resource.service_name.is_some() || !others.is_empty() {
        yaml.line(1, "attributes:");
    }
    if let Some(Given { value, origin }) = &resource.service_name {
        yaml.line(2, "- name: service.name");
        yaml.line(2, &format!("  value: {}", name_of(value, origin)));
    }
    for given in others {
        yaml.line(2, &format!("- name: {}", quoted(given.value.key.as_str())));
        yaml.line(2, &format!("  value: {}", quoted(&given.value.value.to_string())));
    }
    if has_list {
        yaml.line(1, "attributes_list: \"${OTEL_RESOURCE_ATTRIBUTES}\"");
    }
    if !detectors.is_empty() {
        yaml.line(1, "detection/development:");
        yaml.line(2, "detectors:");
        for (name, of) in [
            ("aws", &[Detector::Aws][..]),
            ("aws_metadata", &[Detector::AwsMetadata]),
            ("azure", &[Detector::Azure]),
            ("azure_metadata", &[Detector::AzureMetadata]),
            ("container", &[Detector::Container]),
            ("gcp", &[Detector::GoogleCloud]),
            ("gcp_metadata", &[Detector::GoogleCloudMetadata]),
            ("kubernetes", &[Detector::Kubernetes]),
            ("service", &[Detector::Service]),
            ("host", &[Detector::Host, Detector::Os]),
            ("process", &[Detector::Process]),
        ] {
            let asked = of.iter().filter(|detector| detectors.contains(detector)).count();
            if asked > 0 {
                let more = if asked < of.len() {
                    " # finds both the host and its operating system"
                } else {
                    ""
                };
                yaml.line(3, &format!("- {name}:{more}"));
            }
        }
    }
}

/// The service's name, which other deployments of the file may still set by its variable.
fn name_of(name: &str, origin: &Origin) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c));
    match origin {
        Origin::Variable(variable) if variable == "OTEL_SERVICE_NAME" && is_plain => {
            format!("\"${{OTEL_SERVICE_NAME:-{name}}}\"")
        }
        _ => quoted(name),
    }
}
