//! Settings of the resource.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::resource::ResourceDetector;

use crate::config::detectors::{DetectedNames, Detector};
use crate::contained;
use crate::settings::{Given, Setting, in_code, settings};

settings! {
    /// Settings of the resource, which tells who sends telemetry, for
    /// [`Builder::resource`](crate::Builder::resource).
    ///
    /// ```
    /// use opentelemetry::KeyValue;
    /// use tracewire_init::{Detector, Resource};
    ///
    /// let resource = Resource::new()
    ///     .attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
    ///     .detectors([Detector::Host, Detector::Container]);
    /// # drop(resource);
    /// ```
    pub struct Resource {
        service_name: Setting<String>,
        attributes: Vec<Given<KeyValue>>,
        detectors: Setting<Vec<Detector>>,
        metadata_timeout: Setting<Duration>,
        own_detectors: Vec<Box<dyn ResourceDetector>>,
        /// Which of the detected attributes stay.
        detected: Setting<DetectedNames>,
        schema_url: Setting<String>,
    }
}

impl Resource {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute (`OTEL_RESOURCE_ATTRIBUTES`), in place of an earlier one with its key.
    pub fn attribute(mut self, attribute: KeyValue) -> Self {
        self.attributes.extend(in_code(attribute));
        self
    }

    /// Sets which facts about the process are added (`TRACEWIRE_RESOURCE_DETECTORS`); none unless set.
    /// Attributes win over them.
    pub fn detectors(mut self, detectors: impl IntoIterator<Item = Detector>) -> Self {
        self.detectors = in_code(detectors.into_iter().collect());
        self
    }

    /// Sets how long [`init`](crate::Builder::init) waits for the metadata servers of clouds, for all together
    /// (`TRACEWIRE_METADATA_TIMEOUT`); one second unless set.
    ///
    /// They are asked only where [`detectors`](Self::detectors) names [`Detector::AwsMetadata`],
    /// [`Detector::AzureMetadata`] or [`Detector::GoogleCloudMetadata`]. What is not known by then is left out of the
    /// resource, which is warned of once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tracewire_init::{Detector, Resource};
    ///
    /// let resource = Resource::new()
    ///     .detectors([Detector::Service, Detector::AwsMetadata])
    ///     .metadata_timeout(Duration::from_millis(300));
    /// # drop(resource);
    /// ```
    pub fn metadata_timeout(mut self, timeout: Duration) -> Self {
        self.metadata_timeout = in_code(timeout);
        self
    }

    /// Adds a detector of your own, after those that were added before. It runs once, in
    /// [`init`](crate::Builder::init), on the thread that calls that. If it panics, its facts are missing,
    /// which is warned of.
    pub fn detector(mut self, detector: impl ResourceDetector + 'static) -> Self {
        self.own_detectors.push(Box::new(contained::Detector(detector)));
        self
    }

    /// Makes the service's name a setting, where it stands among the attributes: so it wins over
    /// weaker names, and yields to a name of the same source.
    pub(crate) fn settle(&mut self) {
        use crate::plan::Origin;
        let is_name = |given: &Given<KeyValue>| given.value.key.as_str() == "service.name";
        let named = self.attributes.iter().rfind(|given| is_name(given)).cloned();
        self.attributes.retain(|given| !is_name(given));
        if let (None, Some(Given { value, origin })) = (&self.service_name, named) {
            let origin = match origin {
                Origin::Variable(name) => Origin::Member(name),
                other => other,
            };
            self.service_name = Some(Given { value: value.value.to_string(), origin });
        }
    }
}
