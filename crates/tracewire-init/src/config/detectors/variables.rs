//! Variables that platforms set, and what they say.

use std::collections::BTreeMap;

use opentelemetry::KeyValue;

#[cfg(feature = "cloud-metadata")]
use crate::plan::Plan;
#[cfg(feature = "cloud-metadata")]
use crate::variables::Env;
use crate::variables::Reader;

/// The variables that detectors look at. Platforms set most of them; those of Kubernetes are the usual names
/// of what its downward API puts there.
const NAMES: &[&str] = &[
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_REGION",
    "CLOUD_RUN_EXECUTION",
    "CLOUD_RUN_JOB",
    "CLOUD_RUN_TASK_INDEX",
    "CONTAINER_APP_NAME",
    "CONTAINER_APP_REPLICA_NAME",
    "CONTAINER_APP_REVISION",
    "ECS_CONTAINER_METADATA_FILE",
    "ECS_CONTAINER_METADATA_URI_V4",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTION_TARGET",
    "GAE_INSTANCE",
    "GAE_SERVICE",
    "GAE_VERSION",
    "GCE_METADATA_HOST",
    "GOOGLE_CLOUD_PROJECT",
    "K8S_CLUSTER_NAME",
    "K8S_CONTAINER_NAME",
    "K8S_NAMESPACE_NAME",
    "K8S_NODE_NAME",
    "K8S_POD_NAME",
    "K8S_POD_UID",
    "KUBERNETES_SERVICE_HOST",
    "K_REVISION",
    "K_SERVICE",
    "NODE_NAME",
    "POD_NAME",
    "POD_NAMESPACE",
    "POD_UID",
    "REGION_NAME",
    "WEBSITE_INSTANCE_ID",
    "WEBSITE_MEMORY_LIMIT_MB",
    "WEBSITE_OWNER_NAME",
    "WEBSITE_RESOURCE_GROUP",
    "WEBSITE_SITE_NAME",
    "WEBSITE_SLOT_NAME",
];

/// The longest value that is believed, in bytes: ARNs and resource ids of Azure have a few hundred.
const LONGEST: usize = 1024;

/// What platforms say in variables, as far as it may become an attribute.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables(BTreeMap<&'static str, String>);

impl Variables {
    /// Reads all of them.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let read = |name: &&'static str| Some((*name, plain(&reader.text(name)?)?));
        Self(NAMES.iter().filter_map(read).collect())
    }

    /// Those among these pairs.
    #[cfg(feature = "cloud-metadata")]
    pub(super) fn of_env(pairs: &[(&str, &str)]) -> Self {
        Self::read(&mut Reader::new(&Env::of(pairs), &mut Plan::default()))
    }

    #[cfg(test)]
    pub(super) const NAMES: &[&'static str] = NAMES;

    #[cfg(test)]
    pub(super) fn of(pairs: &[(&'static str, &str)]) -> Self {
        let checked = |(name, value): &(&'static str, &str)| {
            assert!(NAMES.contains(name), "{name} is not in the list");
            Some((*name, plain(value)?))
        };
        Self(pairs.iter().filter_map(checked).collect())
    }

    /// The value of the first of these that is set.
    pub(super) fn first<const N: usize>(&self, names: [&str; N]) -> Option<&str> {
        names.into_iter().find_map(|name| self.get(name))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// An attribute with the value of a variable.
    pub(super) fn attribute(&self, key: &'static str, name: &str) -> Option<KeyValue> {
        Some(KeyValue::new(key, self.get(name)?.to_owned()))
    }

    /// An attribute with a number of MiB in bytes.
    pub(super) fn mebibytes(&self, key: &'static str, name: &str) -> Option<KeyValue> {
        let mebibytes: i64 = self.get(name)?.parse().ok()?;
        Some(KeyValue::new(key, mebibytes.checked_mul(1 << 20).filter(|bytes| *bytes > 0)?))
    }
}

/// A value without white space around it. `None` if it is empty, too long, or has what no name has.
pub(super) fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain =
        (1..=LONGEST).contains(&text.len()) && !text.chars().any(tracewire_text::is_unsafe);
    is_plain.then(|| text.to_owned())
}
