//! Google Cloud: the instance, the node of a cluster or the service, by the metadata server.

use opentelemetry::KeyValue;
use tracewire_export::wiring::MetadataAnswer;

use super::server::{Server, base};
use crate::config::detectors::google_cloud::platform;
use crate::config::detectors::variables::{Variables, plain};

/// `metadata.google.internal`, without a lookup that may take its time.
const SERVER: &str = "169.254.169.254";
/// What a request must have, and what an answer has.
const FLAVOR: &str = "Metadata-Flavor";
const GOOGLE: &str = "Google";

/// Asks about what the process runs on: an instance of Compute Engine, a node of GKE, or a service.
pub(super) fn ask(
    server: &Server,
    variables: &Variables,
    found: &mut dyn FnMut(KeyValue),
) -> Result<(), String> {
    let google = Google::new(server, variables)?;
    let Some(project) = google.text("project/project-id")? else {
        return Err("Google's metadata server names no project".to_owned());
    };
    found(KeyValue::new("cloud.provider", "gcp"));
    let mut say = |key: &'static str, value: Option<String>| {
        let value = value.filter(|value| !value.is_empty());
        value.map(|value| KeyValue::new(key, value)).into_iter().for_each(&mut *found);
    };
    say("cloud.account.id", Some(project));
    if let Some(platform) = platform(variables) {
        say("cloud.platform", Some(platform.to_owned()));
        say("cloud.region", google.last("instance/region")?);
        say("faas.instance", google.text("instance/id")?);
        return Ok(());
    }
    let zone = google.last("instance/zone")?;
    // A zone is a region with a letter.
    let region = zone.as_deref().and_then(|zone| zone.rsplit_once('-'));
    say("cloud.region", region.map(|(region, _)| region.trim_end().to_owned()));
    say("cloud.availability_zone", zone);
    say("host.id", google.text("instance/id")?);
    let cluster = match variables.get("KUBERNETES_SERVICE_HOST") {
        Some(_) => google.text("instance/attributes/cluster-name")?,
        None => None,
    };
    if let Some(cluster) = cluster {
        let chosen = variables.get("K8S_CLUSTER_NAME").map(str::to_owned);
        say("cloud.platform", Some("gcp_kubernetes_engine".to_owned()));
        say("k8s.cluster.name", chosen.or(Some(cluster)));
        return Ok(());
    }
    say("cloud.platform", Some("gcp_compute_engine".to_owned()));
    let name = google.text("instance/name")?;
    say("host.name", name.clone());
    say("gcp.gce.instance.name", name);
    say("gcp.gce.instance.hostname", google.text("instance/hostname")?);
    say("host.type", google.last("instance/machine-type")?);
    say("host.image.id", google.text("instance/image")?);
    Ok(())
}

/// The server, with where it is.
struct Google<'a> {
    server: &'a Server,
    base: String,
}

impl<'a> Google<'a> {
    fn new(server: &'a Server, variables: &Variables) -> Result<Self, String> {
        const HOST: &str = "GCE_METADATA_HOST";
        let host = variables.get(HOST).unwrap_or(SERVER);
        // With a scheme before it, the scheme would be the host.
        let base = base(HOST, &format!("http://{host}")).ok().filter(|_| !host.contains('/'));
        let base = base.ok_or_else(|| format!("{HOST} must be a host, or a host and a port"))?;
        Ok(Self { server, base: format!("{base}/computeMetadata/v1") })
    }

    /// What the server says at a path; `None` if there is no such thing here.
    fn text(&self, path: &str) -> Result<Option<String>, String> {
        let is_google = |answer: &MetadataAnswer| {
            answer.headers.get(FLAVOR).is_some_and(|flavor| flavor == GOOGLE)
        };
        let url = format!("{}/{path}", self.base);
        let text = self.server.get(&url, &[(FLAVOR, GOOGLE)], is_google)?;
        Ok(text.as_deref().and_then(plain))
    }

    /// The last part of a name such as `projects/1/zones/europe-west1-b`.
    fn last(&self, path: &str) -> Result<Option<String>, String> {
        let text = self.text(path)?;
        Ok(text.and_then(|text| plain(text.rsplit('/').next()?)))
    }
}
