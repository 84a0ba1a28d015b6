//! How bodies travel: HTTP, through proxies, under TLS, again where that helps.

pub(crate) mod http;
pub(crate) mod metadata;
pub(crate) mod proxy;
pub(crate) mod retry;
#[cfg(feature = "otlp-grpc")]
pub(crate) mod runtime;
#[cfg(feature = "__rustls")]
mod rustls_config;
pub(crate) mod tls;
pub(crate) mod ureq_client;
