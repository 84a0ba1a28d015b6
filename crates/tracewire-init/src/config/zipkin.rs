//! The exporter `zipkin` for spans.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_http::HttpClient;
use tracewire_export::Proxy;
use tracewire_export::wiring::{Shown, shown};

use super::otlp;
use super::proxy::Proxies;
use crate::builder;
use crate::error::InitError;
use crate::features;
use crate::plan::{Origin, Plan};
use crate::settings::Given;

pub(crate) const ENDPOINT: &str = "OTEL_EXPORTER_ZIPKIN_ENDPOINT";
pub(crate) const TIMEOUT: &str = "OTEL_EXPORTER_ZIPKIN_TIMEOUT";

/// An exporter to a Zipkin server, as decided.
#[cfg_attr(not(feature = "zipkin"), expect(dead_code, reason = "nothing makes an exporter of it"))]
pub(crate) struct Zipkin {
    pub(crate) endpoint: String,
    pub(crate) timeout: Duration,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) client: Option<Arc<dyn HttpClient>>,
}

/// # Errors
///
/// It is not compiled in, or the endpoint cannot be used.
pub(crate) fn decide(
    given: builder::Zipkin,
    proxies: &Proxies,
    plan: &mut Plan,
) -> Result<Zipkin, InitError> {
    if !features::ZIPKIN {
        return Err(InitError::not_compiled_in(
            "TracesExporter",
            &Shown::value("zipkin"),
            "it needs the cargo feature `zipkin`",
        ));
    }
    let default = || "http://localhost:9411/api/v2/spans".to_owned();
    let Given { value: text, origin } =
        given.endpoint.unwrap_or_else(|| Given { value: default(), origin: Origin::Default });
    let url = otlp::usable(text.trim(), origin.name("Zipkin::endpoint"))?;
    plan.decide(ENDPOINT, shown::url(&url), origin);
    plan.count("HTTP client", usize::from(given.http_client.is_some()));
    Ok(Zipkin {
        timeout: plan.pick(TIMEOUT, given.timeout, Duration::from_secs(10)),
        proxy: proxies.choose(&url, plan),
        client: given.http_client.map(|client| client.value),
        endpoint: url.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{from_variable, in_code};

    #[test]
    fn the_endpoint_is_codes_then_the_environments() {
        let endpoint = |given| {
            let zipkin = builder::Zipkin { endpoint: given, ..builder::Zipkin::default() };
            let mut plan = Plan::default();
            let decided = decide(zipkin, &Proxies::default(), &mut plan);
            decided.map(|_| plan.decisions()[0].value.clone())
        };
        if !features::ZIPKIN {
            assert!(endpoint(None).unwrap_err().is_not_compiled_in());
            return;
        }
        let variable = "http://zipkin:9411/api/v2/spans";
        assert_eq!(endpoint(None).unwrap(), "http://localhost:9411/api/v2/spans");
        assert_eq!(endpoint(from_variable(ENDPOINT, variable.to_owned())).unwrap(), variable);
        assert_eq!(endpoint(in_code("http://code/".to_owned())).unwrap(), "http://code/");
        let error = endpoint(from_variable(ENDPOINT, "zipkin:9411".to_owned())).unwrap_err();
        assert!(error.to_string().contains(ENDPOINT) && error.is_configuration(), "{error}");
    }
}
