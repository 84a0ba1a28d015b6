//! The instruments of one side, created once for a meter.

use crate::conventions as c;
use opentelemetry::metrics::{Histogram, Meter, UpDownCounter};

/// Which end of the exchange this process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

/// What an exchange measures.
#[derive(Debug)]
pub(crate) struct Instruments {
    pub(crate) duration: Histogram<f64>,
    pub(crate) active_requests: Option<UpDownCounter<i64>>,
}

impl Instruments {
    pub(crate) fn new(meter: &Meter, side: Side, boundaries: Vec<f64>, active: bool) -> Self {
        let (duration, duration_description, active_requests, active_description) = match side {
            Side::Server => (
                c::HTTP_SERVER_REQUEST_DURATION,
                "Duration of HTTP server requests.",
                c::HTTP_SERVER_ACTIVE_REQUESTS,
                "Number of active HTTP server requests.",
            ),
            Side::Client => (
                c::HTTP_CLIENT_REQUEST_DURATION,
                "Duration of HTTP client requests.",
                c::HTTP_CLIENT_ACTIVE_REQUESTS,
                "Number of active HTTP requests.",
            ),
        };
        Self {
            duration: meter
                .f64_histogram(duration)
                .with_description(duration_description)
                .with_unit("s")
                .with_boundaries(boundaries)
                .build(),
            active_requests: active.then(|| {
                meter
                    .i64_up_down_counter(active_requests)
                    .with_description(active_description)
                    .with_unit("{request}")
                    .build()
            }),
        }
    }
}
