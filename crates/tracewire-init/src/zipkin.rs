//! The variables of the exporter `zipkin`.

use std::time::Duration;

use tracewire_export::ZipkinExporter;
use tracewire_export::wiring::shown;

use crate::env::{self, Env, Origin};
use crate::error::InitError;
use crate::{otlp, proxy};

const ENDPOINT: &str = "OTEL_EXPORTER_ZIPKIN_ENDPOINT";
const TIMEOUT: &str = "OTEL_EXPORTER_ZIPKIN_TIMEOUT";

/// What code says about Zipkin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) endpoint: Option<String>,
}

/// The exporter as decided.
///
/// # Errors
///
/// The endpoint cannot be used.
pub(crate) fn exporter(env: &Env, code: &Settings) -> Result<ZipkinExporter, InitError> {
    let mut exporter = ZipkinExporter::default();
    let (text, variable, origin) = if let Some(text) = &code.endpoint {
        env.overridden(&[ENDPOINT]);
        (text.clone(), "zipkin_endpoint", Origin::Code)
    } else if let Some(text) = env.text(ENDPOINT) {
        (text, ENDPOINT, Origin::Variable(ENDPOINT.to_owned()))
    } else {
        (exporter.endpoint, ENDPOINT, Origin::Default)
    };
    let url = otlp::usable(text.trim(), variable)?;
    env.decide(ENDPOINT, shown::url(&url), origin);
    exporter.timeout = env.pick(&[TIMEOUT], None, env::milliseconds(0), Duration::from_secs(10));
    exporter.proxy = proxy::choose(env, &url);
    exporter.endpoint = url.into();
    Ok(exporter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_codes_then_the_environments() {
        let endpoint = |variables: &[(&str, &str)], code: Option<&str>| {
            let env = Env::of(variables);
            let settings = Settings { endpoint: code.map(str::to_owned) };
            exporter(&env, &settings).map(|_| env.take_decisions()[0].value.clone())
        };
        let variable = (ENDPOINT, "http://zipkin:9411/api/v2/spans");
        assert_eq!(endpoint(&[], None).unwrap(), "http://localhost:9411/api/v2/spans");
        assert_eq!(endpoint(&[variable], None).unwrap(), variable.1);
        assert_eq!(endpoint(&[variable], Some("http://code/")).unwrap(), "http://code/");
        let error = endpoint(&[(ENDPOINT, "zipkin:9411")], None).unwrap_err();
        assert!(error.to_string().contains(ENDPOINT) && error.is_configuration(), "{error}");
    }
}
