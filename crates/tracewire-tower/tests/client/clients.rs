//! A layer that records for one test.

use contract::propagator;
use tracewire_testing::Capture;
use tracewire_tower::ClientLayer;

/// A layer that records there.
pub(crate) fn layer(capture: &Capture) -> ClientLayer {
    ClientLayer::new()
        .tracer_provider(capture.tracer_provider())
        .meter_provider(capture.meter_provider())
        .propagator(propagator())
}
