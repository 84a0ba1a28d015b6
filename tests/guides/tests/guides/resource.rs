//! docs/resource.md

mod detected {
    use tracewire::setup::{Detector, Resource};
    use tracewire::{InitError, Telemetry};

    pub(super) fn init() -> Result<Telemetry, InitError> {
        let resource =
            Resource::new().detectors([Detector::Service, Detector::Kubernetes, Detector::Aws]);
        Telemetry::builder().resource(resource).init()
    }
}

use tracewire::setup::{Detector, Resource};
use tracewire::{InitError, Telemetry};

#[test]
fn the_detectors_are_those_that_were_named() {
    let _: fn() -> Result<Telemetry, InitError> = detected::init;
    let detectors = [Detector::Service, Detector::Kubernetes, Detector::Aws];
    let resource = Resource::new().detectors(detectors);
    let plan = Telemetry::builder().resource(resource).plan().unwrap().to_string();
    assert!(plan.contains("service,kubernetes,aws"), "{plan}");
}
