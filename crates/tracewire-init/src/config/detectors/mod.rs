//! Facts about where the process runs.
//!
//! They are read from the process itself, from variables that platforms set, and from files; nothing asks
//! the network. What is not there is left out. Names are those of the semantic conventions for resources.

mod aws;
mod azure;
mod container;
mod files;
mod google_cloud;
mod host;
mod kubernetes;
mod process;
mod service;
mod variables;

use opentelemetry::KeyValue;
use tracewire_text::glob::Pattern;

pub(crate) use self::variables::Variables;

/// A group of facts about where the process runs, for the resource.
///
/// No detector uses the network, and none waits: a file is read only if it is a regular one, and at most
/// 256 KiB of it. Of what they find, `service.instance.id`, `container.id` and `k8s.*` are stable names in the
/// semantic conventions; the others are in development.
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
    /// On App Service, Functions and Container Apps `cloud.*` and what their variables say.
    Azure,
    /// `container.id`, from control groups or mounts.
    Container,
    /// On Cloud Run, Cloud Functions and App Engine `cloud.*` and `faas.*`, from their variables.
    GoogleCloud,
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
    const ALL: [Self; 9] = [
        Self::Aws,
        Self::Azure,
        Self::Container,
        Self::GoogleCloud,
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
            Self::Azure => "azure",
            Self::Container => "container",
            Self::GoogleCloud => "gcp",
            Self::Host => "host",
            Self::Kubernetes => "kubernetes",
            Self::Os => "os",
            Self::Process => "process",
            Self::Service => "service",
        }
    }

    /// Names with commas between, `all`, `stable` or `none`.
    pub(crate) fn list(text: &str) -> Result<Vec<Self>, String> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let mut found = Vec::new();
        for word in words {
            match word.to_ascii_lowercase().as_str() {
                "all" => found.extend(Self::ALL),
                "stable" => found.extend(Self::STABLE),
                "none" => {}
                word => match Self::ALL.iter().find(|detector| detector.name() == word) {
                    Some(detector) => found.push(*detector),
                    None => {
                        return Err(format!(
                            "it must be all, stable, none, or some of {}",
                            names(&Self::ALL)
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

/// What these detectors find. `user` is who runs the process, and `variables` are those of its platform.
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
        Detector::Service => Vec::new(),
    };
    let mut found: Vec<_> = detectors.iter().flat_map(find).collect();
    let own = service::instance_id();
    if detectors.contains(&Detector::Service) && found.iter().all(|fact| fact.key != own.key) {
        found.push(own);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fact_is_empty_and_no_key_stands_twice() {
        let found = attributes(&Detector::ALL, Some("me"), &Variables::default());
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

    #[test]
    fn words_name_detectors() {
        use Detector::{Container, Host, Kubernetes, Process, Service};
        for (text, expected) in [
            ("none", vec![]),
            ("Host , process,host", vec![Host, Process]),
            ("all", Detector::ALL.to_vec()),
            ("stable", vec![Container, Kubernetes, Service]),
            ("host,Stable", vec![Container, Host, Kubernetes, Service]),
        ] {
            assert_eq!(Detector::list(text), Ok(expected), "{text}");
        }
        let error = Detector::list("host,cloud").unwrap_err();
        assert_eq!(
            error,
            "it must be all, stable, none, or some of aws,azure,container,gcp,host,kubernetes,os,process,service"
        );
    }
}
