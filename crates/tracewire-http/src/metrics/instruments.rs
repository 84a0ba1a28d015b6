//! The instruments of one side, created once for a meter.

use super::{DurationHistogram, Keeping};
use crate::{conventions as c, values::Side};
use opentelemetry::metrics::{Histogram, Meter, UpDownCounter};

/// The bucket boundaries of body sizes, in bytes: every fourth power of two, up to 64 MiB.
const SIZE_BOUNDARIES: [f64; 12] = [
    0.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// What an exchange measures.
#[derive(Debug)]
pub(crate) struct Instruments {
    pub(crate) duration: DurationHistogram,
    /// Where instruments can be bound.
    #[cfg(feature = "bound-instruments")]
    pub(crate) bound_durations: Option<super::BoundDurations>,
    pub(crate) active_requests: Option<UpDownCounter<i64>>,
    pub(crate) body_sizes: Option<BodySizes>,
    pub(crate) rpc_duration: Option<DurationHistogram>,
}

/// The sizes of bodies, in bytes as they were transferred.
#[derive(Debug)]
pub(crate) struct BodySizes {
    // Not whole numbers: their sum would overflow, which no sum of these does.
    pub(crate) request: Histogram<f64>,
    pub(crate) response: Histogram<f64>,
}

/// Which instruments there are beside the duration, and what they can do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Optional {
    pub(crate) active_requests: bool,
    pub(crate) body_sizes: bool,
    pub(crate) rpc: bool,
    /// Whether durations go through bound instruments.
    #[cfg_attr(not(feature = "bound-instruments"), allow(dead_code))]
    pub(crate) bound: bool,
}

impl Instruments {
    pub(crate) fn new(meter: &Meter, side: Side, keeping: Keeping<'_>, optional: Optional) -> Self {
        let names = match side {
            Side::Server => &SERVER,
            Side::Client => &CLIENT,
        };
        let duration = |name| DurationHistogram::new(meter, name, keeping);
        let active_requests = || {
            let (name, description) = names.active_requests;
            meter
                .i64_up_down_counter(name)
                .with_description(description)
                .with_unit("{request}")
                .build()
        };
        let size = |(name, description)| {
            meter
                .f64_histogram(name)
                .with_description(description)
                .with_unit("By")
                .with_boundaries(SIZE_BOUNDARIES.to_vec())
                .build()
        };
        Self {
            duration: duration(names.duration),
            #[cfg(feature = "bound-instruments")]
            bound_durations: optional.bound.then(Default::default),
            rpc_duration: optional.rpc.then(|| duration(names.rpc_duration)),
            active_requests: optional.active_requests.then(active_requests),
            body_sizes: optional.body_sizes.then(|| BodySizes {
                request: size(names.request_body_size),
                response: size(names.response_body_size),
            }),
        }
    }
}

/// Name and description of each instrument of one side.
struct Names {
    duration: (&'static str, &'static str),
    active_requests: (&'static str, &'static str),
    request_body_size: (&'static str, &'static str),
    response_body_size: (&'static str, &'static str),
    rpc_duration: (&'static str, &'static str),
}

const SERVER: Names = Names {
    duration: (c::HTTP_SERVER_REQUEST_DURATION, "Duration of HTTP server requests."),
    active_requests: (c::HTTP_SERVER_ACTIVE_REQUESTS, "Number of active HTTP server requests."),
    request_body_size: (c::HTTP_SERVER_REQUEST_BODY_SIZE, "Size of HTTP server request bodies."),
    response_body_size: (c::HTTP_SERVER_RESPONSE_BODY_SIZE, "Size of HTTP server response bodies."),
    rpc_duration: (
        c::RPC_SERVER_CALL_DURATION,
        "Measures the duration of an incoming Remote Procedure Call (RPC).",
    ),
};

const CLIENT: Names = Names {
    duration: (c::HTTP_CLIENT_REQUEST_DURATION, "Duration of HTTP client requests."),
    active_requests: (c::HTTP_CLIENT_ACTIVE_REQUESTS, "Number of active HTTP requests."),
    request_body_size: (c::HTTP_CLIENT_REQUEST_BODY_SIZE, "Size of HTTP client request bodies."),
    response_body_size: (c::HTTP_CLIENT_RESPONSE_BODY_SIZE, "Size of HTTP client response bodies."),
    rpc_duration: (
        c::RPC_CLIENT_CALL_DURATION,
        "Measures the duration of an outgoing Remote Procedure Call (RPC).",
    ),
};
