//! Azure: App Service, Functions and Container Apps, from variables.

use opentelemetry::KeyValue;

use super::variables::Variables;

/// What App Service, Functions or Container Apps say of themselves.
pub(super) fn azure(variables: &Variables) -> Vec<KeyValue> {
    let is_set = |name| variables.get(name).is_some();
    let (platform, facts) = if is_set("CONTAINER_APP_NAME") {
        let facts = vec![
            variables.attribute("service.version", "CONTAINER_APP_REVISION"),
            variables.attribute("service.instance.id", "CONTAINER_APP_REPLICA_NAME"),
        ];
        ("azure.container_apps", facts)
    } else if is_set("FUNCTIONS_EXTENSION_VERSION") {
        let facts = vec![
            variables.attribute("cloud.region", "REGION_NAME"),
            variables.attribute("deployment.environment.name", "WEBSITE_SLOT_NAME"),
            variables.attribute("faas.name", "WEBSITE_SITE_NAME"),
            variables.attribute("faas.instance", "WEBSITE_INSTANCE_ID"),
            variables.mebibytes("faas.max_memory", "WEBSITE_MEMORY_LIMIT_MB"),
        ];
        ("azure.functions", facts)
    } else if is_set("WEBSITE_SITE_NAME") {
        let facts = vec![
            variables.attribute("cloud.region", "REGION_NAME"),
            site(variables).map(|id| KeyValue::new("cloud.resource_id", id)),
            variables.attribute("deployment.environment.name", "WEBSITE_SLOT_NAME"),
            variables.attribute("service.instance.id", "WEBSITE_INSTANCE_ID"),
        ];
        ("azure.app_service", facts)
    } else {
        return Vec::new();
    };
    let mut found =
        vec![KeyValue::new("cloud.provider", "azure"), KeyValue::new("cloud.platform", platform)];
    found.extend(facts.into_iter().flatten());
    found
}

/// The resource id of an App Service. The owner is `{subscription}+{…}`.
fn site(variables: &Variables) -> Option<String> {
    let (subscription, _) = variables.get("WEBSITE_OWNER_NAME")?.split_once('+')?;
    let group = variables.get("WEBSITE_RESOURCE_GROUP")?;
    let name = variables.get("WEBSITE_SITE_NAME")?;
    Some(format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Web/sites/{name}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&'static str, &str)]) -> Vec<String> {
        let facts = azure(&Variables::of(variables));
        facts.iter().map(|fact| format!("{}={}", fact.key, fact.value)).collect()
    }

    #[test]
    fn each_platform_is_known_by_its_variables() {
        assert_eq!(found(&[("REGION_NAME", "West Europe")]), [""; 0]);
        let site = [
            ("WEBSITE_SITE_NAME", "prices"),
            ("WEBSITE_OWNER_NAME", "0000-11+shop-WestEuropewebspace"),
            ("WEBSITE_RESOURCE_GROUP", "shop"),
            ("WEBSITE_SLOT_NAME", "Production"),
            ("WEBSITE_INSTANCE_ID", "d7a4"),
            ("WEBSITE_MEMORY_LIMIT_MB", "1536"),
            ("REGION_NAME", "West Europe"),
        ];
        let id = "/subscriptions/0000-11/resourceGroups/shop/providers/Microsoft.Web/sites/prices";
        assert_eq!(
            found(&site),
            [
                "cloud.provider=azure",
                "cloud.platform=azure.app_service",
                "cloud.region=West Europe",
                &format!("cloud.resource_id={id}"),
                "deployment.environment.name=Production",
                "service.instance.id=d7a4",
            ]
        );
        let function = [&site[..], &[("FUNCTIONS_EXTENSION_VERSION", "~4")]].concat();
        assert_eq!(
            found(&function),
            [
                "cloud.provider=azure",
                "cloud.platform=azure.functions",
                "cloud.region=West Europe",
                "deployment.environment.name=Production",
                "faas.name=prices",
                "faas.instance=d7a4",
                "faas.max_memory=1610612736",
            ]
        );
        let app = [
            ("CONTAINER_APP_NAME", "prices"),
            ("CONTAINER_APP_REVISION", "prices--7"),
            ("CONTAINER_APP_REPLICA_NAME", "prices--7-abc"),
        ];
        assert_eq!(
            found(&app),
            [
                "cloud.provider=azure",
                "cloud.platform=azure.container_apps",
                "service.version=prices--7",
                "service.instance.id=prices--7-abc",
            ]
        );
        // Without an owner the resource is not known.
        assert!(!found(&site[..1]).iter().any(|fact| fact.contains("resource_id")));
    }
}
