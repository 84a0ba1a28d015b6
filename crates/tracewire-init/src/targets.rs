//! Whose events and spans are those of telemetry itself.

/// Whether a target is part of the way that telemetry leaves by.
///
/// What these crates say on an export's own thread is suppressed there; this is for what they say
/// on other threads, as an HTTP/2 connection does.
pub(crate) fn is_telemetry(target: &str) -> bool {
    let root = target.split("::").next().unwrap_or_default();
    root == "tracewire"
        || matches!(root, "tracewire_export" | "tracewire_init")
        || root.starts_with("opentelemetry")
        || matches!(root, "ureq" | "ureq_proto" | "h2" | "tonic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telemetry_is_known_by_its_targets() {
        for target in ["tracewire", "opentelemetry_sdk", "opentelemetry-otlp", "h2::codec", "ureq"]
        {
            assert!(is_telemetry(target), "{target}");
        }
        for target in ["shop", "shop::tracewire", "tracewire_tower::server", "hyper", "h2o", ""] {
            assert!(!is_telemetry(target), "{target}");
        }
    }
}
