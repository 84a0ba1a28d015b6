//! Which cargo features this build has: what needs one exists always, and is an error without it.

pub(crate) const CLOUD_METADATA: bool = cfg!(feature = "cloud-metadata");
pub(crate) const DATADOG_AGENT: bool = cfg!(feature = "datadog-agent");
pub(crate) const ELASTIC_APM: bool = cfg!(feature = "elastic-apm");
pub(crate) const LIVE: bool = cfg!(feature = "live");
pub(crate) const LOGS: bool = cfg!(feature = "logs");
pub(crate) const OTLP_JSON: bool = cfg!(feature = "otlp-json");
pub(crate) const PROCESS_METRICS: bool = cfg!(feature = "process-metrics");
pub(crate) const PROMETHEUS: bool = cfg!(feature = "prometheus");
pub(crate) const RUNTIME_METRICS: bool = cfg!(feature = "runtime-metrics");
pub(crate) const TRACING: bool = cfg!(feature = "tracing");
pub(crate) const UPTRACE: bool = cfg!(feature = "uptrace");
pub(crate) const ZIPKIN: bool = cfg!(feature = "zipkin");
