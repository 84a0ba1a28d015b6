//! OpenTelemetry's own layer.

use crate::http::{Records, Variant};
use opentelemetry_instrumentation_tower::http::server::Layer;

pub(super) const VARIANT: Variant =
    Variant::server("opentelemetry-instrumentation-tower", Records::SpanAndDuration, |router| {
        router.layer(Layer::new())
    });
