//! The resource: who is sending this telemetry.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;

use crate::env::{Env, Origin};
use crate::pairs;
use tracewire_export::wiring::Shown;

const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// What code says about the resource.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) service_name: Option<String>,
    /// Weaker than the environment.
    pub(crate) default_name: Option<String>,
    pub(crate) attributes: Vec<KeyValue>,
}

/// SDK facts, then what the detectors found, then the environment's attributes, then what code gave; later ones win.
///
/// The service name is code's, else `OTEL_SERVICE_NAME`, else the one among the attributes, else
/// code's default, else `unknown_service:` and the executable's name.
pub(crate) fn resource(env: &Env, code: Settings) -> Resource {
    let from_env =
        env.read(&[RESOURCE_ATTRIBUTES], attributes).map_or_else(Vec::new, |found| found.value);
    let named_in_attributes =
        from_env.iter().any(|attribute| attribute.key.as_str() == "service.name");
    let (name, origin) = if let Some(name) = code.service_name {
        env.overridden(&[SERVICE_NAME]);
        (Some(name), Origin::Code)
    } else if let Some(name) = env.text(SERVICE_NAME) {
        (Some(name), Origin::Variable(env.source_of(SERVICE_NAME).to_owned()))
    } else if named_in_attributes {
        (None, Origin::Variable(RESOURCE_ATTRIBUTES.to_owned()))
    } else if let Some(name) = code.default_name {
        (Some(name), Origin::Variable("default_service_name".to_owned()))
    } else {
        (Some(unknown_service()), Origin::Default)
    };
    let resource = Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes([
            KeyValue::new("telemetry.distro.name", "tracewire"),
            KeyValue::new("telemetry.distro.version", env!("CARGO_PKG_VERSION")),
        ])
        .with_attributes(crate::detectors::attributes())
        .with_attributes(from_env);
    // A name from the environment yields to one among the attributes that code gave.
    let resource = match (name, &origin) {
        (Some(name), Origin::Code) => {
            resource.with_attributes(code.attributes).with_service_name(name)
        }
        (Some(name), _) => resource.with_service_name(name).with_attributes(code.attributes),
        (None, _) => resource.with_attributes(code.attributes),
    }
    .build();
    let name = resource.get(&"service.name".into()).map(|name| name.to_string());
    let name = name.unwrap_or_default();
    let shown =
        if origin == Origin::Default { name } else { Shown::value(&name).text().to_owned() };
    env.decide("service.name", shown, origin);
    resource
}

/// `key=value,key=value`, percent-encoded; one fault discards all of it, as the rule says.
fn attributes(text: &str) -> Result<Vec<KeyValue>, String> {
    if let Some(pairs) = pairs::read(text) {
        return Ok(pairs.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect());
    }
    // Values are not shown, so the number says which one it is.
    let bad = text.split(',').position(|member| pairs::read(member).is_none());
    Err(format!(
        "it must be key=value pairs with commas between, in percent-encoded UTF-8; member {} is not",
        bad.unwrap_or_default() + 1
    ))
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
    use std::collections::BTreeMap;

    fn attributes_of(
        variables: &[(&str, &str)],
        code: Settings,
    ) -> (BTreeMap<String, String>, Vec<String>) {
        let env = Env::of(variables);
        let resource = resource(&env, code);
        let attributes = resource
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .filter(|(key, _)| !key.starts_with("telemetry.") && !is_detected(key))
            .collect();
        (attributes, env.take_warnings())
    }

    fn is_detected(key: &str) -> bool {
        crate::detectors::attributes().iter().any(|fact| fact.key.as_str() == key)
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn the_sdk_and_this_project_name_themselves() {
        let resource = resource(&Env::of(&[]), Settings::default());
        let mut keys: Vec<_> = resource.iter().map(|(key, _)| key.to_string()).collect();
        keys.retain(|key| !is_detected(key));
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
        let (attributes, _) = attributes_of(&[], Settings::default());
        assert!(attributes["service.name"].starts_with("unknown_service:tracewire_init"));
    }

    #[test]
    fn names_have_their_order() {
        let attribute = (RESOURCE_ATTRIBUTES, "service.name=attribute,a=1%2C2");
        let variable = (SERVICE_NAME, "variable");
        let (found, _) = attributes_of(&[attribute], Settings::default());
        assert_eq!(found, map(&[("a", "1,2"), ("service.name", "attribute")]));
        let (found, _) = attributes_of(&[attribute, variable], Settings::default());
        assert_eq!(found, map(&[("a", "1,2"), ("service.name", "variable")]));
        let code = Settings {
            service_name: Some("code".to_owned()),
            default_name: Some("default".to_owned()),
            attributes: vec![KeyValue::new("a", "b"), KeyValue::new("service.name", "x")],
        };
        let (found, _) = attributes_of(&[attribute, variable], code);
        assert_eq!(found, map(&[("a", "b"), ("service.name", "code")]));
        let code = Settings {
            attributes: vec![KeyValue::new("service.name", "x")],
            ..Settings::default()
        };
        let (found, _) = attributes_of(&[variable], code);
        assert_eq!(found, map(&[("service.name", "x")]));
    }

    #[test]
    fn one_bad_pair_discards_the_whole_variable() {
        for (bad, member) in
            [("a=1,b", 2), ("a=%zz", 1), ("=1", 1), ("a=%ff", 1), ("a=1,,b=2=%4", 3)]
        {
            let (found, warnings) = attributes_of(
                &[(RESOURCE_ATTRIBUTES, bad), (SERVICE_NAME, "s")],
                Settings::default(),
            );
            assert_eq!(found, map(&[("service.name", "s")]), "{bad}");
            assert_eq!(warnings.len(), 1, "{bad}");
            let named = warnings[0].contains(&format!("{RESOURCE_ATTRIBUTES}=(not shown)"));
            assert!(named && warnings[0].ends_with(&format!("member {member} is not")), "{bad}");
        }
    }
}
