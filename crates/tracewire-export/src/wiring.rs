//! For crates that set telemetry up, such as `tracewire-init`. It may change in any release.

/// What these crates say themselves.
pub use crate::diagnostics::{
    log,
    output::Output,
    quiet::quietly,
    shown::{self, Shown},
};
#[cfg(feature = "logs")]
pub use crate::otlp::parts::encode_log_record;
pub use crate::{
    error::write_with_causes,
    metric_exporter::Deliveries,
    otlp::{
        parts::{encode_resource, encode_scope, encode_span},
        usable,
    },
    pipeline::{
        courier::{Begun, Courier},
        deadline::after,
    },
    transport::{
        metadata::{MetadataAnswer, MetadataClient},
        proxy::is_loopback,
    },
};
