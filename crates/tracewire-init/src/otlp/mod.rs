//! The variables of the OTLP exporter.
//!
//! A signal's own variable beats the general one. The rules for endpoints and headers are those of
//! the [OTLP exporter specification].
//!
//! [OTLP exporter specification]: https://opentelemetry.io/docs/specs/otel/protocol/exporter/

mod hints;
mod protocol;

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tracewire_export::wiring::{Shown, shown};
use tracewire_export::{Compression, ExportError, OtlpExporter, Protocol, Tls};
use url::Url;

use crate::env::{self, Env, Found, Origin};
use crate::error::InitError;
use crate::pairs;
use crate::proxy;

/// What code says about OTLP, for all signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) endpoint: Option<String>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) compression: Option<Compression>,
    pub(crate) authorities: Option<String>,
    pub(crate) identity: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    #[cfg(feature = "logs")]
    Logs,
}

impl Signal {
    fn variables(self, setting: &str) -> [String; 2] {
        let signal = match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            #[cfg(feature = "logs")]
            Self::Logs => "LOGS",
        };
        [format!("OTEL_EXPORTER_OTLP_{signal}_{setting}"), format!("OTEL_EXPORTER_OTLP_{setting}")]
    }

    fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Metrics => "v1/metrics",
            #[cfg(feature = "logs")]
            Self::Logs => "v1/logs",
        }
    }
}

/// The exporter of `signal`, as decided.
///
/// # Errors
///
/// The protocol is not compiled in, or the endpoint or a header cannot be used.
pub(crate) fn exporter(
    env: &Env,
    code: &Settings,
    signal: Signal,
) -> Result<OtlpExporter, InitError> {
    let protocol = protocol::decide(env, code.protocol, signal)?;
    let url = endpoint(env, code.endpoint.as_deref(), signal, protocol)?.value;
    let mut otlp = OtlpExporter::new(url.as_str());
    otlp.protocol = protocol;
    let [special, general] = signal.variables("COMPRESSION");
    otlp.compression = env.pick(
        &[&special, &general],
        code.compression,
        env::choice(&[("none", Compression::None), ("gzip", Compression::Gzip)]),
        Compression::None,
    );
    let [special, general] = signal.variables("TIMEOUT");
    otlp.timeout = env.pick(
        &[&special, &general],
        code.timeout,
        env::milliseconds(0),
        Duration::from_secs(10),
    );
    otlp.headers = headers(env, code, signal)?;
    otlp.tls = tls(env, code, signal, &url);
    otlp.proxy = proxy::choose_for(env, &url, protocol);
    Ok(otlp)
}

/// An error of an exporter over OTLP, with the variable or the method that gave the setting.
pub(crate) fn failed(env: &Env, code: &Settings, signal: Signal, error: ExportError) -> InitError {
    let (variable, method, is_code) = match error.setting() {
        Some("certificate_authorities") => {
            ("CERTIFICATE", "certificate_authorities", code.authorities.is_some())
        }
        Some("client_certificate") => {
            ("CLIENT_CERTIFICATE", "client_certificate", code.identity.is_some())
        }
        Some("client_key") => ("CLIENT_KEY", "client_certificate", code.identity.is_some()),
        _ => ("ENDPOINT", "endpoint", code.endpoint.is_some()),
    };
    if is_code {
        return InitError::export(method, error);
    }
    let [special, general] = signal.variables(variable);
    let name = if env.text(&special).is_some() { special } else { general };
    InitError::export(env.source_of(&name), error)
}

/// Where to send: a signal's own as it is, a general one with the signal's path.
fn endpoint(
    env: &Env,
    code: Option<&str>,
    signal: Signal,
    protocol: Protocol,
) -> Result<Found<Url>, InitError> {
    let [special, general] = signal.variables("ENDPOINT");
    let (text, variable, origin, is_base) = if let Some(text) = code {
        env.overridden(&[&special, &general]);
        (text.to_owned(), "endpoint".to_owned(), Origin::Code, true)
    } else if let Some(text) = env.text(&special) {
        (text, special.clone(), Origin::Variable(special.clone()), false)
    } else if let Some(text) = env.text(&general) {
        let source = env.source_of(&general).to_owned();
        (text, source.clone(), Origin::Variable(source), true)
    } else {
        (protocol::default_endpoint(protocol).to_owned(), general, Origin::Default, true)
    };
    let text = protocol::with_scheme(protocol, env, text.trim(), signal, &variable)?;
    let mut url = usable(&text, &variable)?;
    hints::hint(env, signal, protocol, &url, &variable, is_base);
    if is_base && protocol::has_paths(protocol) {
        let path = format!("{}/{}", url.path().trim_end_matches('/'), signal.path());
        url.set_path(&path);
    }
    env.decide(&special, shown::url(&url), origin);
    Ok(Found { value: url, variable })
}

/// The URL of an endpoint that can be used.
///
/// # Errors
///
/// It cannot; `variable` is what set it.
pub(crate) fn usable(text: &str, variable: &str) -> Result<Url, InitError> {
    tracewire_export::wiring::usable(text).map_err(|error| InitError::export(variable, error))
}

/// Code's headers, else the variable's: `key=value,key=value`, percent-encoded. Never shown.
fn headers(env: &Env, code: &Settings, signal: Signal) -> Result<HeaderMap, InitError> {
    let [special, general] = signal.variables("HEADERS");
    if !code.headers.is_empty() {
        env.overridden(&[&special, &general]);
        env.decide(&special, "(not shown)", Origin::Code);
        return header_map(&code.headers).ok_or_else(|| {
            InitError::configuration(
                "header",
                &Shown::nothing(),
                "names and values must be those of an HTTP header",
            )
        });
    }
    for variable in [&special, &general] {
        let Some(text) = env.text(variable) else {
            continue;
        };
        match pairs::read(&text).and_then(|pairs| header_map(&pairs)) {
            Some(headers) => {
                let source = env.source_of(variable).to_owned();
                env.decide(&special, "(not shown)", Origin::Variable(source));
                return Ok(headers);
            }
            None => env.warn(format!(
                "{} is ignored (its value is not shown): it must be key=value pairs with commas \
                 between, percent-encoded",
                env.source_of(variable)
            )),
        }
    }
    Ok(HeaderMap::new())
}

fn header_map(pairs: &[(String, String)]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Some(headers)
}

fn tls(env: &Env, code: &Settings, signal: Signal, url: &Url) -> Tls {
    let mut tls = Tls::default();
    if url.scheme() != "https" {
        for setting in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
            for name in signal.variables(setting) {
                if env.text(&name).is_some() {
                    env.warn(format!("{name} has no effect: the endpoint is not https"));
                }
            }
        }
        return tls;
    }
    let file = |setting, code: Option<&String>| {
        let [special, general] = signal.variables(setting);
        let (path, origin) = match code {
            Some(path) => {
                env.overridden(&[&special, &general]);
                (path.clone(), Origin::Code)
            }
            None => {
                let found = env.read(&[&special, &general], |path| Ok(path.to_owned()))?;
                (found.value, Origin::Variable(found.variable))
            }
        };
        env.decide(&special, Shown::path(&path).text(), origin);
        Some(path)
    };
    let (certificate, key) = code.identity.as_ref().map(|(c, k)| (c, k)).unzip();
    tls.certificate_authorities = file("CERTIFICATE", code.authorities.as_ref());
    tls.client_certificate = file("CLIENT_CERTIFICATE", certificate);
    tls.client_key = file("CLIENT_KEY", key);
    tls
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(variables: &[(&str, &str)], code: Option<&str>, signal: Signal) -> String {
        endpoint(&Env::of(variables), code, signal, Protocol::HttpProtobuf).unwrap().value.into()
    }

    #[test]
    fn endpoints_follow_the_specifications_examples() {
        const GENERAL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
        use Signal::{Metrics, Traces};
        for (variables, signal, expected) in [
            (&[][..], Traces, "http://localhost:4318/v1/traces"),
            (&[], Metrics, "http://localhost:4318/v1/metrics"),
            (&[(GENERAL, "http://c:4318")], Traces, "http://c:4318/v1/traces"),
            (&[(GENERAL, "http://c:4318/my/")], Traces, "http://c:4318/my/v1/traces"),
            (&[(GENERAL, "http://c:4318/my")], Metrics, "http://c:4318/my/v1/metrics"),
            (&[(TRACES, "http://c:4318")], Traces, "http://c:4318/"),
            (&[(TRACES, "http://c:4318/a/b?x=1")], Traces, "http://c:4318/a/b?x=1"),
            (&[(TRACES, "http://t:1"), (GENERAL, "http://c:2")], Metrics, "http://c:2/v1/metrics"),
            (&[(TRACES, ""), (GENERAL, "http://c:2")], Traces, "http://c:2/v1/traces"),
        ] {
            assert_eq!(url(variables, None, signal), expected);
        }
        let variables = [(TRACES, "http://t:1"), (GENERAL, "http://c:2")];
        assert_eq!(url(&variables, Some("http://code:3"), Traces), "http://code:3/v1/traces");
    }

    #[test]
    fn unusable_endpoints_are_errors_that_name_variable_and_value() {
        for bad in ["collector:4318", "http://", "ftp://x/", "/v1/traces", "x"] {
            let env = Env::of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", bad)]);
            let error = endpoint(&env, None, Signal::Traces, Protocol::HttpProtobuf).unwrap_err();
            assert!(error.is_configuration(), "{bad}");
            assert_eq!(
                error.to_string(),
                format!(
                    "OTEL_EXPORTER_OTLP_ENDPOINT={bad:?}: it must be a URL such as http://localhost:4318"
                )
            );
        }
    }

    #[test]
    fn no_secret_of_an_unusable_endpoint_is_shown() {
        for bad in [
            "http://user:secret@",
            "ftp://user:secret@host/",
            "user:secret@host:4318",
            "ftp://h/?token=secret",
            "h:4318/?token=secret",
            "http://h:99999/?token=secret",
            "http://h:99999/secret",
            "http://u:secret@h:x",
            "http://u:secret",
            "//u:secret",
            "http://u:se?cret@h",
            "ftp://h/#secret",
            "http://[secret",
            "unix:/secret",
            "Bearer secret",
        ] {
            let env = Env::of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", bad)]);
            let error = endpoint(&env, None, Signal::Traces, Protocol::HttpProtobuf).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn headers_are_decoded_and_secret() {
        let env = Env::of(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20c2VjcmV0, x-b=2"),
            ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "x-c=3"),
        ]);
        let found = headers(&env, &Settings::default(), Signal::Traces).unwrap();
        assert_eq!(found["authorization"], "Basic c2VjcmV0");
        assert_eq!(found["x-b"], "2");
        assert_eq!(found.len(), 2);
        assert!(!format!("{found:?}").contains("c2VjcmV0"));
        let found = headers(&env, &Settings::default(), Signal::Metrics).unwrap();
        assert_eq!((found.len(), &found["x-c"]), (1, &HeaderValue::from_static("3")));
        let decisions = env.take_decisions();
        assert!(decisions.iter().all(|decision| decision.value == "(not shown)"));
    }

    #[test]
    fn malformed_headers_are_warned_of_without_their_value() {
        for bad in ["secret", "a=%0asecret", "a b=secret", "a=%zzsecret"] {
            let env = Env::of(&[("OTEL_EXPORTER_OTLP_HEADERS", bad)]);
            assert!(headers(&env, &Settings::default(), Signal::Traces).unwrap().is_empty());
            let warnings = env.take_warnings();
            assert_eq!(warnings.len(), 1);
            assert!(!warnings[0].contains("secret"));
        }
    }
}
