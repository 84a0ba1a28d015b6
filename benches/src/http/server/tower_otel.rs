//! `tower-otel`.

use crate::http::{Records, Variant};
use opentelemetry::global;
use tower_otel::{metrics, trace};
use tracing::Level;

pub(super) const VARIANT: Variant =
    Variant::server_of_log_spans("tower-otel", Records::SpanAndDuration, |router| {
        router
            .layer(metrics::HttpLayer::server(&global::meter("tower-otel")))
            .layer(trace::HttpLayer::server(Level::INFO))
    });
