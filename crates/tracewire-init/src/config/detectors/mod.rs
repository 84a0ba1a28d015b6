//! Facts about where the process runs.
//!
//! They are read from the process itself, from variables that platforms set, and from files. Only the
//! detectors of metadata servers ask the network, where they are named. What is not there is left out. Names
//! are those of the semantic conventions for resources.

mod aws;
mod azure;
mod container;
mod files;
mod google_cloud;
mod host;
mod kubernetes;
#[cfg(feature = "cloud-metadata")]
mod metadata;
#[cfg(not(feature = "cloud-metadata"))]
#[path = "../without/cloud_metadata.rs"]
mod metadata;
mod process;
mod service;
mod variables;

use std::time::Duration;

use opentelemetry::KeyValue;
use tracewire_text::glob::Pattern;

#[cfg(feature = "cloud-metadata")]
pub(crate) use self::metadata::of_answers;
pub(crate) use self::variables::Variables;

/// A group of facts about where the process runs, for the resource.
///
/// They read variables and files, and none waits: a file is read only if it is a regular one, and at most
/// 256 KiB of it. The exceptions are the detectors of metadata servers, which ask over the network and together
/// take at most a second unless [set](crate::Resource::metadata_timeout). Of what detectors find,
/// `service.instance.id`, `container.id` and `k8s.*` are stable names in the semantic conventions; the others are
/// in development.
///
/// ```
/// use tracewire_init::{Detector, Resource, Telemetry};
///
/// let resource = Resource::new().detectors([Detector::Host, Detector::Container]);
/// let builder = Telemetry::builder().service_name("shop").resource(resource);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detector {
    /// On Lambda and ECS `cloud.*` and `faas.*` or `aws.ecs.*`, from their variables and ECS's metadata file.
    Aws,
    /// On EC2 `cloud.*` and `host.*`, by EC2's metadata service, version 2; on ECS `cloud.*`, `aws.*` and
    /// `container.*`, by ECS's agent. It asks over the network, and needs the cargo feature `cloud-metadata`.
    AwsMetadata,
    /// On App Service, Functions and Container Apps `cloud.*` and what their variables say.
    Azure,
    /// On virtual machines of Azure `cloud.*` and `host.*`, by their metadata service. It asks over the network,
    /// and needs the cargo feature `cloud-metadata`.
    AzureMetadata,
    /// `container.id`, from control groups or mounts.
    Container,
    /// On Cloud Run, Cloud Functions and App Engine `cloud.*` and `faas.*`, from their variables.
    GoogleCloud,
    /// On Compute Engine, GKE, Cloud Run and App Engine `cloud.*` and what their metadata server knows besides. It
    /// asks over the network, and needs the cargo feature `cloud-metadata`.
    GoogleCloudMetadata,
    /// `host.name`, `host.id` and `host.arch`.
    Host,
    /// In Kubernetes `k8s.*`, from variables and files of the downward API, and from mounts.
    Kubernetes,
    /// `os.type`, `os.name`, `os.version` and `os.description`.
    Os,
    /// `process.pid`, the executable, the command without its arguments, which may hold secrets, the
    /// owner and the runtime.
    Process,
    /// `service.instance.id`: a random UUID, the same for as long as the process lives, unless the platform
    /// has an id for its instances.
    Service,
}

impl Detector {
    const KNOWN: [Self; 12] = [
        Self::Aws,
        Self::AwsMetadata,
        Self::Azure,
        Self::AzureMetadata,
        Self::Container,
        Self::GoogleCloud,
        Self::GoogleCloudMetadata,
        Self::Host,
        Self::Kubernetes,
        Self::Os,
        Self::Process,
        Self::Service,
    ];

    /// Those whose names are all stable in the semantic conventions.
    const STABLE: [Self; 3] = [Self::Container, Self::Kubernetes, Self::Service];

    fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsMetadata => "aws_metadata",
            Self::Azure => "azure",
            Self::AzureMetadata => "azure_metadata",
            Self::Container => "container",
            Self::GoogleCloud => "gcp",
            Self::GoogleCloudMetadata => "gcp_metadata",
            Self::Host => "host",
            Self::Kubernetes => "kubernetes",
            Self::Os => "os",
            Self::Process => "process",
            Self::Service => "service",
        }
    }

    /// Whether it asks a metadata server.
    pub(super) fn uses_network(self) -> bool {
        matches!(self, Self::AwsMetadata | Self::AzureMetadata | Self::GoogleCloudMetadata)
    }

    /// Names with commas between, `all`, `stable` or `none`. Those that use the network are not among `all`: each
    /// cloud has its own, and the others would keep the start waiting.
    pub(crate) fn list(text: &str) -> Result<Vec<Self>, String> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let mut found = Vec::new();
        for word in words {
            match word.to_ascii_lowercase().as_str() {
                "all" => found.extend(Self::KNOWN.iter().filter(|one| !one.uses_network())),
                "stable" => found.extend(Self::STABLE),
                "none" => {}
                word => match Self::KNOWN.iter().find(|detector| detector.name() == word) {
                    Some(detector) => found.push(*detector),
                    None => {
                        return Err(format!(
                            "it must be all, stable, none, or some of {}",
                            names(&Self::KNOWN)
                        ));
                    }
                },
            }
        }
        found.sort_by_key(|detector| detector.name());
        found.dedup();
        Ok(found)
    }
}

/// Names of detected attributes that stay: those that `included` matches, and `excluded` does not.
#[derive(Clone, Debug, Default)]
pub(crate) struct DetectedNames {
    /// Empty is all.
    pub(crate) included: Vec<Pattern>,
    pub(crate) excluded: Vec<Pattern>,
}

impl DetectedNames {
    pub(super) fn keep(&self, name: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(name));
        (self.included.is_empty() || any(&self.included)) && !any(&self.excluded)
    }
}

/// The value of a variable that names these detectors.
pub(super) fn names(detectors: &[Detector]) -> String {
    super::text::list(detectors.iter().map(|detector| detector.name()))
}

/// What these detectors find without the network. `user` is who runs the process, and `variables` are those of its platform.
pub(super) fn attributes(
    detectors: &[Detector],
    user: Option<&str>,
    variables: &Variables,
) -> Vec<KeyValue> {
    let find = |detector: &Detector| match detector {
        Detector::Aws => aws::aws(variables),
        Detector::Azure => azure::azure(variables),
        Detector::Container => container::container(),
        Detector::GoogleCloud => google_cloud::google_cloud(variables),
        Detector::Host => host::host(),
        Detector::Kubernetes => kubernetes::kubernetes(variables),
        Detector::Os => host::os(),
        Detector::Process => process::process(user),
        // The first one goes after all others, those that use the network are asked apart.
        Detector::Service
        | Detector::AwsMetadata
        | Detector::AzureMetadata
        | Detector::GoogleCloudMetadata => Vec::new(),
    };
    let mut found: Vec<_> = detectors.iter().flat_map(find).collect();
    let own = service::instance_id();
    if detectors.contains(&Detector::Service) && found.iter().all(|fact| fact.key != own.key) {
        found.push(own);
    }
    found
}

/// What detectors take from files: of control groups, mounts, ECS's agent and the system's release.
pub(crate) fn of_files([cgroup, mounts, ecs, release]: [&str; 4]) -> Vec<KeyValue> {
    let variables = Variables::default();
    let mut found = container::of_files(cgroup, mounts);
    found.extend(kubernetes::facts(&variables, mounts, cgroup, &|_| None));
    found.extend(aws::ecs(&variables, None, ecs));
    found.extend(host::of_release(release));
    found
}

/// What metadata servers said in time, and what went wrong with others.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) facts: Vec<KeyValue>,
    pub(super) troubles: Vec<String>,
}

/// Asks those of these detectors that use the network, all at once and within `timeout`. Their servers know better
/// than variables and files: what they say takes the place of what was `found`.
pub(super) fn ask(
    detectors: &[Detector],
    variables: &Variables,
    timeout: Duration,
    found: &mut Vec<KeyValue>,
) -> Vec<String> {
    let Answers { facts, troubles } = metadata::ask(detectors, variables, timeout);
    facts.into_iter().for_each(|fact| replace(found, fact));
    troubles
}

/// Adds a fact, in place of the one with its key.
fn replace(found: &mut Vec<KeyValue>, fact: KeyValue) {
    match found.iter_mut().find(|old| old.key == fact.key) {
        Some(old) => *old = fact,
        None => found.push(fact),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_fact_is_empty_and_no_key_stands_twice() {
        let found = attributes(&Detector::KNOWN, Some("me"), &Variables::default());
        let mut keys: Vec<_> = found.iter().map(|fact| fact.key.as_str()).collect();
        keys.sort_unstable();
        let number = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), number);
        assert!(found.iter().all(|fact| !fact.value.as_str().is_empty()), "{found:?}");
        assert!(found.contains(&KeyValue::new("process.pid", i64::from(std::process::id()))));
    }

    #[test]
    fn an_instance_that_the_platform_names_keeps_that_name() {
        let id = |detectors: &[Detector], variables: &[(&'static str, &str)]| {
            let found = attributes(detectors, None, &Variables::of(variables));
            let ids = found.into_iter().filter(|fact| fact.key.as_str() == "service.instance.id");
            ids.map(|fact| fact.value.to_string()).collect::<Vec<_>>()
        };
        let app = [("CONTAINER_APP_NAME", "a"), ("CONTAINER_APP_REPLICA_NAME", "a--1-x")];
        assert_eq!(id(&[Detector::Azure, Detector::Service], &app), ["a--1-x"]);
        let own = id(&[Detector::Service], &app);
        assert_eq!(own[0].len(), 36);
        assert_eq!(id(&[Detector::Azure, Detector::Service], &[]), own);
        assert_eq!(id(&[Detector::Azure], &[]), [""; 0]);
    }

    proptest! {
        #[test]
        fn no_variable_makes_an_odd_fact(
            pairs in proptest::collection::vec(
                (0..Variables::NAMES.len(), "[a-z0-9:/+ \n\u{0}\u{1b}\u{202e}é%=,]{0,8}|-?[0-9]{1,25}|[a-z]{1020,1030}"),
                0..12,
            ),
        ) {
            let pairs: Vec<_> =
                pairs.iter().map(|(name, value)| (Variables::NAMES[*name], &**value)).collect();
            let detectors = [Detector::Aws, Detector::Azure, Detector::GoogleCloud, Detector::Kubernetes];
            for fact in attributes(&detectors, None, &Variables::of(&pairs)) {
                let value = fact.value.to_string();
                let is_odd = value.is_empty() || value.chars().any(tracewire_text::is_unsafe);
                // The id of a site is made of three values.
                prop_assert!(!is_odd && value.len() < 4 * 1024, "{:?} {:?}", fact, pairs);
            }
        }
    }

    #[test]
    fn words_name_detectors() {
        use Detector::{
            Aws, Azure, Container, GoogleCloud, GoogleCloudMetadata, Host, Kubernetes, Os, Process,
            Service,
        };
        for (text, expected) in [
            ("none", vec![]),
            ("Host , process,host", vec![Host, Process]),
            (
                "all",
                vec![Aws, Azure, Container, GoogleCloud, Host, Kubernetes, Os, Process, Service],
            ),
            ("gcp_metadata,GCP", vec![GoogleCloud, GoogleCloudMetadata]),
            ("stable", vec![Container, Kubernetes, Service]),
            ("host,Stable", vec![Container, Host, Kubernetes, Service]),
        ] {
            assert_eq!(Detector::list(text), Ok(expected), "{text}");
        }
        let error = Detector::list("host,cloud").unwrap_err();
        assert_eq!(
            error,
            "it must be all, stable, none, or some of aws,aws_metadata,azure,azure_metadata,container,gcp,gcp_metadata,\
             host,kubernetes,os,process,service"
        );
    }
}
