//! The resource: who is sending this telemetry.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{ResourceBuilder, ResourceDetector, TelemetryResourceDetector};
use tracewire_export::wiring::Shown;

use super::Network;
use super::detectors::{self, DetectedNames, Detector};
use crate::builder;
use crate::features;
use crate::plan::{Origin, Plan};
use crate::settings::{Given, Setting};
use crate::variables::Surroundings;

/// How long metadata servers are waited for, all together.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// SDK facts, then what the detectors found, then attributes, weaker layers first; later ones win.
pub(crate) fn resource(
    given: builder::Resource,
    surroundings: &Surroundings,
    network: Network,
    plan: &mut Plan,
) -> Resource {
    let detectors =
        plan.pick_shown("TRACEWIRE_RESOURCE_DETECTORS", given.detectors, Vec::new(), |detectors| {
            detectors::names(detectors)
        });
    plan.count("resource detectors", given.own_detectors.len());
    let Given { value: name, origin } = given
        .service_name
        .unwrap_or_else(|| Given { value: unknown_service(), origin: Origin::Default });
    let shown = match origin {
        Origin::Default => name.clone(),
        _ => Shown::value(&name).text().to_owned(),
    };
    plan.decide("service.name", shown, origin);
    let names = given.detected.map(|names| names.value).unwrap_or_default();
    let Surroundings { user, platform, .. } = surroundings;
    let mut found = detectors::attributes(&detectors, user.as_deref(), platform);
    if let Some(timeout) = metadata_timeout(given.metadata_timeout, &detectors, plan)
        && network == Network::Asked
    {
        let troubles = detectors::ask(&detectors, platform, timeout, &mut found);
        troubles.into_iter().for_each(|trouble| plan.warn(trouble));
    }
    found.retain(|attribute| names.keep(attribute.key.as_str()));
    let resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes([
            KeyValue::new("telemetry.distro.name", "tracewire"),
            KeyValue::new("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
        ])
        .with_attributes(found);
    let own = given.own_detectors.iter();
    let resource = own.fold(resource, |resource, detector| detect(resource, &**detector, &names));
    let resource = resource
        .with_attributes(given.attributes.into_iter().map(|attribute| attribute.value))
        .with_service_name(name);
    match given.schema_url {
        Some(url) => resource.with_schema_url([], url.value).build(),
        None => resource.build(),
    }
}

/// How long metadata servers are waited for; `None` if none is to be asked.
fn metadata_timeout(
    given: Setting<Duration>,
    detectors: &[Detector],
    plan: &mut Plan,
) -> Option<Duration> {
    const SETTING: &str = "TRACEWIRE_METADATA_TIMEOUT";
    if !detectors.iter().any(|detector| detector.uses_network()) {
        plan.has_no_effect(&given, "no resource detector asks a metadata server");
        return None;
    }
    if !features::CLOUD_METADATA {
        plan.warn(
            "no metadata server is asked: that needs the cargo feature `cloud-metadata`".to_owned(),
        );
        return None;
    }
    Some(plan.pick_shown(SETTING, given, METADATA_TIMEOUT, |timeout| format!("{timeout:?}")))
}

/// Adds what a detector of the program finds of what `names` keeps.
fn detect(
    resource: ResourceBuilder,
    detector: &dyn ResourceDetector,
    names: &DetectedNames,
) -> ResourceBuilder {
    let found = detector.detect();
    let attributes: Vec<_> = found
        .iter()
        .filter(|(key, _)| names.keep(key.as_str()))
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect();
    match found.schema_url() {
        Some(url) => resource.with_schema_url(attributes, url.to_owned()),
        None => resource.with_attributes(attributes),
    }
}

fn unknown_service() -> String {
    let executable = std::env::current_exe().ok();
    match executable.as_deref().and_then(|path| path.file_name()?.to_str()) {
        Some(name) => format!("unknown_service:{name}"),
        None => "unknown_service".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Layer, Merge, in_code};
    use crate::variables::{self, Env, Reader};
    use std::collections::BTreeMap;

    const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
    const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

    fn decided(
        variables: &[(&str, &str)],
        mut code: builder::Resource,
        mut defaults: builder::Resource,
    ) -> (Resource, Plan) {
        let (env, mut plan) = (Env::of(variables), Plan::default());
        let layer = variables::read(&mut Reader::new(&env, &mut plan), &Layer::default());
        let mut environment = layer.unwrap().resource;
        code.settle();
        environment.settle();
        defaults.settle();
        code.complete(environment, &mut plan);
        code.complete(defaults, &mut plan);
        (resource(code, &Surroundings::default(), Network::Untouched, &mut plan), plan)
    }

    fn attributes_of(
        variables: &[(&str, &str)],
        code: builder::Resource,
    ) -> (BTreeMap<String, String>, Vec<String>) {
        let (resource, plan) = decided(variables, code, builder::Resource::new());
        let attributes = resource
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .filter(|(key, _)| !key.starts_with("telemetry."))
            .collect();
        (attributes, plan.warnings().map(str::to_owned).collect())
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn the_sdk_and_this_project_name_themselves() {
        let none = builder::Resource::new;
        let (resource, _) = decided(&[], none(), none());
        let mut keys: Vec<_> = resource.iter().map(|(key, _)| key.to_string()).collect();
        keys.sort();
        assert_eq!(
            keys,
            [
                "service.name",
                "telemetry.distro.name",
                "telemetry.distro.version",
                "telemetry.sdk.language",
                "telemetry.sdk.name",
                "telemetry.sdk.version"
            ]
        );
    }

    #[test]
    fn without_a_name_the_executable_gives_one() {
        let (attributes, _) = attributes_of(&[], builder::Resource::new());
        assert!(attributes["service.name"].starts_with("unknown_service:tracewire_init"));
    }

    #[test]
    fn names_have_their_order() {
        let attribute = (RESOURCE_ATTRIBUTES, "service.name=attribute,a=1%2C2");
        let variable = (SERVICE_NAME, "variable");
        let (found, _) = attributes_of(&[attribute], builder::Resource::new());
        assert_eq!(found, map(&[("a", "1,2"), ("service.name", "attribute")]));
        let (found, _) = attributes_of(&[attribute, variable], builder::Resource::new());
        assert_eq!(found, map(&[("a", "1,2"), ("service.name", "variable")]));
        let named = |name: &str| {
            let attribute = KeyValue::new("service.name", name.to_owned());
            builder::Resource::new().attribute(attribute)
        };
        let mut code = named("x").attribute(KeyValue::new("a", "b"));
        code.service_name = in_code("code".to_owned());
        let (found, _) = attributes_of(&[attribute, variable], code);
        assert_eq!(found, map(&[("a", "b"), ("service.name", "code")]));
        let (found, _) = attributes_of(&[variable], named("x"));
        assert_eq!(found, map(&[("service.name", "x")]));
        for (variables, expected) in
            [(&[][..], "default"), (&[attribute], "attribute"), (&[variable], "variable")]
        {
            let none = builder::Resource::new();
            let (resource, _) = decided(variables, none, named("default"));
            assert_eq!(resource.get(&"service.name".into()).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn attributes_win_over_detectors_and_detectors_of_code_over_ours() {
        struct Arm;
        impl opentelemetry_sdk::resource::ResourceDetector for Arm {
            fn detect(&self) -> Resource {
                let facts = [KeyValue::new("host.arch", "mine"), KeyValue::new("os.type", "mine")];
                Resource::builder_empty().with_attributes(facts).build()
            }
        }
        let code = builder::Resource::new()
            .detectors([detectors::Detector::Host, detectors::Detector::Os])
            .detector(Arm)
            .attribute(KeyValue::new("os.type", "attribute"));
        let (found, _) = attributes_of(&[(SERVICE_NAME, "s")], code);
        assert_eq!((&*found["host.arch"], &*found["os.type"]), ("mine", "attribute"));
        let variables = [("TRACEWIRE_RESOURCE_DETECTORS", "host,process")];
        let (found, _) = attributes_of(&variables, builder::Resource::new());
        assert!(found.contains_key("process.pid") && found.contains_key("host.arch"), "{found:?}");
    }

    #[test]
    fn one_bad_pair_discards_the_whole_variable() {
        for (bad, member) in
            [("a=1,b", 2), ("a=%zz", 1), ("=1", 1), ("a=%ff", 1), ("a=1,,b=2=%4", 3)]
        {
            let (found, warnings) = attributes_of(
                &[(RESOURCE_ATTRIBUTES, bad), (SERVICE_NAME, "s")],
                builder::Resource::new(),
            );
            assert_eq!(found, map(&[("service.name", "s")]), "{bad}");
            assert_eq!(warnings.len(), 1, "{bad}");
            let named = warnings[0].contains(&format!("{RESOURCE_ATTRIBUTES}=(not shown)"));
            assert!(named && warnings[0].ends_with(&format!("member {member} is not")), "{bad}");
        }
    }
}
