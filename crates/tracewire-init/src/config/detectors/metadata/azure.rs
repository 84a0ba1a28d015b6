//! Azure: the virtual machine, by its instance metadata service.

use opentelemetry::KeyValue;

use super::server::{Server, fact, text};
use crate::config::detectors::variables::Variables;

/// Where every virtual machine finds the service.
pub(super) const SERVER: &str = "http://169.254.169.254";
const PATH: &str = "/metadata/instance/compute?api-version=2021-02-01&format=json";

/// Asks about the virtual machine. App Service, Functions and Container Apps have nobody to ask.
pub(super) fn ask(
    server: &Server,
    variables: &Variables,
    base: &str,
    found: &mut dyn FnMut(KeyValue),
) -> Result<(), String> {
    if variables.first(["CONTAINER_APP_NAME", "WEBSITE_SITE_NAME"]).is_some() {
        return Ok(());
    }
    let machine = server.object(&format!("{base}{PATH}"), &[("Metadata", "true")])?;
    let Some(id) = fact("host.id", &machine, &["vmId"]) else {
        return Err("Azure's metadata service names no virtual machine".to_owned());
    };
    // The nodes of AKS are in a group of their own, with this name unless another one was chosen.
    let group = text(&machine, &["resourceGroupName"]).unwrap_or_default();
    let is_pod = variables.get("KUBERNETES_SERVICE_HOST").is_some();
    let platform = if is_pod && group.starts_with("MC_") { "azure.aks" } else { "azure.vm" };
    let name = fact("host.name", &machine, &["osProfile", "computerName"]);
    found(KeyValue::new("cloud.provider", "azure"));
    found(KeyValue::new("cloud.platform", platform));
    found(id);
    [
        fact("cloud.account.id", &machine, &["subscriptionId"]),
        fact("cloud.region", &machine, &["location"]),
        fact("cloud.availability_zone", &machine, &["zone"]),
        fact("cloud.resource_id", &machine, &["resourceId"]),
        name.or_else(|| fact("host.name", &machine, &["name"])),
        fact("host.type", &machine, &["vmSize"]),
        fact("host.image.id", &machine, &["storageProfile", "imageReference", "id"]),
    ]
    .into_iter()
    .flatten()
    .for_each(found);
    Ok(())
}
