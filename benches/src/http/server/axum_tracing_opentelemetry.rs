//! `axum-tracing-opentelemetry`.

use crate::http::{Records, Variant};
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;

pub(super) const VARIANT: Variant =
    Variant::server_of_log_spans("axum-tracing-opentelemetry", Records::Span, |router| {
        router.layer(OtelAxumLayer::default().try_extract_client_ip(true))
    });
