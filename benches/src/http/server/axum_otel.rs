//! `axum-otel`, for the trace layer of `tower-http`.

use crate::http::{Records, Variant};
use axum_otel::{AxumOtelOnFailure, AxumOtelOnResponse, AxumOtelSpanCreator};
use tower_http_06::trace::TraceLayer;
use tracing::Level;

pub(super) const VARIANT: Variant =
    Variant::server_of_log_spans("axum-otel", Records::Span, |router| {
        router.layer(
            TraceLayer::new_for_http()
                .make_span_with(AxumOtelSpanCreator::new().level(Level::INFO))
                .on_response(AxumOtelOnResponse::new().level(Level::INFO))
                .on_failure(AxumOtelOnFailure::new()),
        )
    });
