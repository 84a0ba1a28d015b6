//! The OTLP exporter: its variables, and what is exported as requests in protobuf or JSON.
//!
//! A signal's own variable beats the general one. The rules for endpoints and headers are those of
//! the [OTLP exporter specification].
//!
//! [OTLP exporter specification]: https://opentelemetry.io/docs/specs/otel/protocol/exporter/

mod client;
mod divide;
mod encode;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod hints;
#[cfg(feature = "otlp-json")]
mod json;
#[cfg(feature = "otlp-json")]
mod numbers;
mod protocol;
mod sinks;

pub(crate) use self::client::Client;
#[cfg(feature = "logs")]
pub(crate) use self::encode::{Buffer, Write};
#[cfg(feature = "otlp-grpc")]
pub(crate) use self::grpc::Runtimes;
#[cfg(all(feature = "logs", feature = "otlp-json"))]
pub(crate) use self::json::{WriteJson, json};
pub use self::protocol::Protocol;
#[cfg(feature = "logs")]
pub(crate) use self::sinks::OtlpLogs;
pub(crate) use self::sinks::{OtlpMetrics, OtlpSpans};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tracewire_text::percent;
use url::Url;

use crate::env::{self, Env, Found, Origin};
use crate::error::InitError;
use crate::http_client::{HttpClient, Target, shown};
use crate::pairs;
use crate::proxy;
use crate::shown::{Shown, has_real_host};
use crate::stop::Stop;

/// How OTLP bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As they are.
    None,
    /// With gzip.
    Gzip,
}

/// The runtime that gRPC needs: none without gRPC.
#[cfg(not(feature = "otlp-grpc"))]
#[derive(Debug, Default)]
pub(crate) struct Runtimes {}

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

/// The client for `signal`. `export_timeout` is the limit of the processor or reader that uses it.
pub(crate) fn client(
    env: &Env,
    code: &Settings,
    signal: Signal,
    export_timeout: Duration,
    runtime: &Runtimes,
    stop: Arc<Stop>,
) -> Result<Client, InitError> {
    let protocol = Protocol::decide(env, code.protocol, signal)?;
    let endpoint = endpoint(env, code.endpoint.as_deref(), signal, protocol)?;
    let [special, general] = signal.variables("COMPRESSION");
    let compression = env.pick(
        &[&special, &general],
        code.compression,
        env::choice(&[("none", Compression::None), ("gzip", Compression::Gzip)]),
        Compression::None,
    );
    let [special, general] = signal.variables("TIMEOUT");
    let timeout = env.pick(
        &[&special, &general],
        code.timeout,
        env::milliseconds(0),
        Duration::from_secs(10),
    );
    let mut headers = headers(env, code, signal)?;
    let mut url = endpoint.value;
    if let Some(credentials) = take_credentials(&mut url) {
        headers.entry(AUTHORIZATION).or_insert(credentials);
    }
    let gzip = compression == Compression::Gzip;
    // Zero is no limit.
    let timeout = [timeout, export_timeout].into_iter().filter(|limit| !limit.is_zero()).min();
    #[cfg(feature = "__rustls")]
    let tls = tls(env, code, signal, &url)?;
    #[cfg(feature = "otlp-grpc")]
    if protocol == Protocol::Grpc {
        return Ok(Client::Grpc(grpc::GrpcClient::new(
            grpc::Target {
                proxy: proxy::choose_plain(env, &url),
                url,
                headers,
                gzip,
                timeout,
                #[cfg(feature = "__rustls")]
                tls: tls.map(|tls| tls.rustls),
            },
            runtime.get()?,
            stop,
        )?));
    }
    #[cfg(not(feature = "otlp-grpc"))]
    let Runtimes {} = runtime;
    let target = Target {
        headers,
        gzip,
        timeout,
        #[cfg(feature = "__rustls")]
        tls: tls.map(|tls| tls.http),
        proxy: proxy::choose(env, &url),
        url,
    };
    let client = HttpClient::new(target, stop)?;
    Ok(match protocol {
        #[cfg(feature = "otlp-json")]
        Protocol::HttpJson => Client::Json(client),
        _ => Client::Protobuf(client),
    })
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
        (protocol.endpoint().to_owned(), general, Origin::Default, true)
    };
    let text = protocol.with_scheme(env, text.trim(), signal, &variable)?;
    let mut url = usable(&text, &variable)?;
    hints::hint(env, signal, protocol, &url, &variable, is_base);
    if is_base && protocol.has_paths() {
        let path = format!("{}/{}", url.path().trim_end_matches('/'), signal.path());
        url.set_path(&path);
    }
    env.decide(&special, shown(&url), origin);
    Ok(Found { value: url, variable })
}

/// The user and password of a URL as a header, without which the URL is left.
fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    fn decoded(text: &str) -> Cow<'_, str> {
        percent::decode(text).unwrap_or(text.into())
    }
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let pair =
        format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
    let mut header = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair)))
        .expect("base64 is text");
    header.set_sensitive(true);
    // Both fail only for URLs that cannot have credentials.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(header)
}

pub(crate) fn usable(text: &str, variable: &str) -> Result<Url, InitError> {
    const ALLOWED: &str = "it must be a URL such as http://localhost:4318";
    let unusable = || InitError::configuration(variable, &Shown::endpoint(text), ALLOWED);
    let url = Url::parse(text).map_err(|_| unusable())?;
    if !matches!(url.scheme(), "http" | "https") || !has_real_host(&url) {
        return Err(unusable());
    }
    if url.scheme() == "https" && !cfg!(feature = "__rustls") {
        return Err(InitError::not_compiled_in(
            variable,
            &Shown::url(&url),
            "https needs the cargo feature `tls` or `tls-ring`; without it, http works",
        ));
    }
    Ok(url)
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

#[cfg(feature = "__rustls")]
fn tls(
    env: &Env,
    code: &Settings,
    signal: Signal,
    url: &Url,
) -> Result<Option<crate::tls::Configs>, InitError> {
    if url.scheme() != "https" {
        for setting in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
            for name in signal.variables(setting) {
                if env.text(&name).is_some() {
                    env.warn(format!("{name} has no effect: the endpoint is not https"));
                }
            }
        }
        return Ok(None);
    }
    let file = |setting, method: &str, code: Option<&String>| {
        let [special, general] = signal.variables(setting);
        let (found, origin) = match code {
            Some(path) => {
                env.overridden(&[&special, &general]);
                (Found { value: path.clone(), variable: method.to_owned() }, Origin::Code)
            }
            None => {
                let found = env.read(&[&special, &general], |path| Ok(path.to_owned()))?;
                let origin = Origin::Variable(found.variable.clone());
                (found, origin)
            }
        };
        env.decide(&special, Shown::path(&found.value).text(), origin);
        Some(found)
    };
    let (certificate, key) = code.identity.as_ref().map(|(c, k)| (c, k)).unzip();
    crate::tls::config(&crate::tls::Files {
        authorities: file("CERTIFICATE", "certificate_authorities", code.authorities.as_ref()),
        certificate: file("CLIENT_CERTIFICATE", "client_certificate", certificate),
        key: file("CLIENT_KEY", "client_certificate", key),
    })
    .map(Some)
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
