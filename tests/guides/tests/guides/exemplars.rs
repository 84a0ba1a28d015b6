//! docs/exemplars.md

fn record() {
    use tracewire::span::{Histogram, KeyValue, histogram};

    static CHECKOUT: Histogram =
        histogram!("shop.checkout.duration").unit("s").boundaries(&[0.1, 0.5, 1.0, 5.0]);

    CHECKOUT.record(0.25, &[KeyValue::new("payment", "card")]);
}

fn layer() -> Result<tracewire::ServerLayer, tracewire::InitError> {
    use tracewire::{ServerLayer, Telemetry};

    let telemetry = Telemetry::builder().build()?;
    let mut layer = ServerLayer::new();
    if let (Some(meters), Some(exemplars)) = (telemetry.meter_provider(), telemetry.exemplars()) {
        layer = layer.meter_provider(meters.clone()).exemplars(exemplars.clone());
    }
    Ok(layer)
}

use tracewire_testing::Capture;

#[test]
fn a_histogram_of_ones_own_measures() {
    let capture = Capture::new();
    capture.in_scope(record);
    let metrics = capture.metrics();
    assert_eq!(metrics.one("shop.checkout.duration").only().bounds, [0.1, 0.5, 1.0, 5.0]);
}

#[test]
fn a_layer_takes_providers_and_exemplars_that_are_not_global() {
    assert!(layer().is_ok());
}
