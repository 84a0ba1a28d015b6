//! The OTLP exporter: its variables, and what is exported as HTTP bodies in protobuf.
//!
//! A signal's own variable beats the general one. The rules for endpoints and headers are those of
//! the [OTLP exporter specification].
//!
//! [OTLP exporter specification]: https://opentelemetry.io/docs/specs/otel/protocol/exporter/

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
#[cfg(feature = "logs")]
use opentelemetry_proto::tonic::{
    self as proto,
    collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse},
    logs::v1::ResourceLogs,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;
use url::Url;

use crate::count::Failure;
use crate::env::{self, Env, Found, Origin};
use crate::error::InitError;
use crate::http_client::{HttpClient, Target, shown};
#[cfg(feature = "logs")]
use crate::logs::Log;
use crate::metrics::DeliverMetrics;
use crate::percent;
use crate::proxy;
use crate::queue::Deliver;
use crate::stop::Stop;

const PROTOBUF: &str = "application/x-protobuf";

/// How OTLP bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As they are.
    None,
    /// With gzip.
    Gzip,
}

/// What code says about OTLP, for all signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) endpoint: Option<String>,
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
    stop: Arc<Stop>,
) -> Result<HttpClient, InitError> {
    protocol(env, signal)?;
    let endpoint = endpoint(env, code.endpoint.as_deref(), signal)?;
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
    let target = Target {
        headers,
        gzip: compression == Compression::Gzip,
        // Zero is no limit.
        timeout: [timeout, export_timeout].into_iter().filter(|limit| !limit.is_zero()).min(),
        #[cfg(feature = "__rustls")]
        tls: tls(env, code, signal, &url)?,
        proxy: proxy::choose(env, &url),
        url,
    };
    HttpClient::new(target, stop)
}

/// `http/protobuf`, or an error for the protocols that exist but are not compiled in.
fn protocol(env: &Env, signal: Signal) -> Result<(), InitError> {
    const WORDS: [(&str, bool); 3] =
        [("http/protobuf", true), ("http/json", false), ("grpc", false)];
    let [special, general] = signal.variables("PROTOCOL");
    let word = |text: &str| {
        env::choice(&WORDS)(text)
            .map(|supported| (text.to_ascii_lowercase(), supported))
            .map_err(|_| "it must be http/protobuf".to_owned())
    };
    match env.read(&[&special, &general], word) {
        Some(Found { value: (name, false), variable }) => {
            Err(InitError::not_compiled_in(&variable, &name, "this build speaks http/protobuf"))
        }
        found => {
            let origin = found.map_or(Origin::Default, |found| Origin::Variable(found.variable));
            env.decide(&special, "http/protobuf", origin);
            Ok(())
        }
    }
}

/// The URL to post to: a signal's own as it is, a general one with the signal's path.
fn endpoint(env: &Env, code: Option<&str>, signal: Signal) -> Result<Found<Url>, InitError> {
    let [special, general] = signal.variables("ENDPOINT");
    let (text, variable, origin, is_base) = if let Some(text) = code {
        (text.to_owned(), "endpoint".to_owned(), Origin::Code, true)
    } else if let Some(text) = env.text(&special) {
        (text, special.clone(), Origin::Variable(special.clone()), false)
    } else if let Some(text) = env.text(&general) {
        (text, general.clone(), Origin::Variable(general), true)
    } else {
        ("http://localhost:4318".to_owned(), general, Origin::Default, true)
    };
    let mut url = usable(text.trim(), &variable)?;
    if is_base {
        let path = format!("{}/{}", url.path().trim_end_matches('/'), signal.path());
        url.set_path(&path);
    }
    env.decide(&special, shown(&url), origin);
    Ok(Found { value: url, variable })
}

/// The user and password of a URL as a header, without which the URL is left.
fn take_credentials(url: &mut Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent::decode(text).unwrap_or_else(|| text.to_owned());
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
    let Ok(url) = Url::parse(text) else {
        // What cannot be parsed cannot be stripped of its credentials either.
        let value = if text.contains('@') { "(not shown)" } else { text };
        return Err(InitError::configuration(variable, value, ALLOWED));
    };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        // Without a scheme, a password may stand where no rule expects it.
        let value = if text.contains('@') { "(not shown)" } else { text };
        return Err(InitError::configuration(variable, value, ALLOWED));
    }
    if url.scheme() == "https" && !cfg!(feature = "__rustls") {
        return Err(InitError::not_compiled_in(
            variable,
            &shown(&url),
            "https needs the cargo feature `tls` or `tls-ring`; without it, http works",
        ));
    }
    Ok(url)
}

/// Code's headers, else the variable's: `key=value,key=value`, percent-encoded. Never shown.
fn headers(env: &Env, code: &Settings, signal: Signal) -> Result<HeaderMap, InitError> {
    let [special, general] = signal.variables("HEADERS");
    if !code.headers.is_empty() {
        env.decide(&special, "(not shown)", Origin::Code);
        return header_map(&code.headers).ok_or_else(|| {
            InitError::configuration(
                "header",
                "(not shown)",
                "names and values must be those of an HTTP header",
            )
        });
    }
    for variable in [&special, &general] {
        let Some(text) = env.text(variable) else {
            continue;
        };
        match percent::pairs(&text).and_then(|pairs| header_map(&pairs)) {
            Some(headers) => {
                env.decide(&special, "(not shown)", Origin::Variable(variable.clone()));
                return Ok(headers);
            }
            None => env.warn(format!(
                "{variable} is ignored (its value is not shown): it must be key=value pairs with \
                 commas between, percent-encoded"
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
) -> Result<Option<ureq::tls::TlsConfig>, InitError> {
    if url.scheme() != "https" {
        return Ok(None);
    }
    let file = |setting, method: &str, code: Option<&String>| {
        let [special, general] = signal.variables(setting);
        let (found, origin) = match code {
            Some(path) => {
                (Found { value: path.clone(), variable: method.to_owned() }, Origin::Code)
            }
            None => {
                let found = env.read(&[&special, &general], |path| Ok(path.to_owned()))?;
                let origin = Origin::Variable(found.variable.clone());
                (found, origin)
            }
        };
        env.decide(&special, found.value.clone(), origin);
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

/// Spans over OTLP.
#[derive(Debug)]
pub(crate) struct OtlpSpans {
    client: HttpClient,
    resource: ResourceAttributesWithSchema,
}

impl OtlpSpans {
    pub(crate) fn new(client: HttpClient, resource: &Resource) -> Self {
        Self { client, resource: resource.into() }
    }
}

impl Deliver<SpanData> for OtlpSpans {
    fn deliver(&self, batch: Vec<SpanData>) -> Result<(), Failure> {
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let request = ExportTraceServiceRequest { resource_spans };
        let body = request.encode_to_vec();
        // A slow collector must not keep the batch in memory twice.
        drop(request);
        let answer = self.client.post(PROTOBUF, body).map_err(Failure::all)?;
        match ExportTraceServiceResponse::decode(&*answer).unwrap_or_default().partial_success {
            Some(partial) => rejected(partial.rejected_spans, &partial.error_message),
            None => Ok(()),
        }
    }
}

/// Log records over OTLP.
#[cfg(feature = "logs")]
#[derive(Debug)]
pub(crate) struct OtlpLogs {
    client: HttpClient,
    resource: ResourceAttributesWithSchema,
}

#[cfg(feature = "logs")]
impl OtlpLogs {
    pub(crate) fn new(client: HttpClient, resource: &Resource) -> Self {
        Self { client, resource: resource.into() }
    }
}

#[cfg(feature = "logs")]
impl Deliver<Log> for OtlpLogs {
    fn deliver(&self, batch: Vec<Log>) -> Result<(), Failure> {
        let resource_logs = ResourceLogs {
            resource: Some(proto::resource::v1::Resource {
                attributes: self.resource.attributes.0.clone(),
                ..Default::default()
            }),
            schema_url: self.resource.schema_url.clone().unwrap_or_default(),
            scope_logs: crate::logs::by_scope(batch),
        };
        let request = ExportLogsServiceRequest { resource_logs: vec![resource_logs] };
        let body = request.encode_to_vec();
        drop(request);
        let answer = self.client.post(PROTOBUF, body).map_err(Failure::all)?;
        match ExportLogsServiceResponse::decode(&*answer).unwrap_or_default().partial_success {
            Some(partial) => rejected(partial.rejected_log_records, &partial.error_message),
            None => Ok(()),
        }
    }
}

/// Metrics over OTLP.
#[derive(Debug)]
pub(crate) struct OtlpMetrics {
    client: HttpClient,
}

impl OtlpMetrics {
    pub(crate) fn new(client: HttpClient) -> Self {
        Self { client }
    }
}

impl DeliverMetrics for OtlpMetrics {
    fn deliver(&self, metrics: &ResourceMetrics) -> Result<(), Failure> {
        let request = ExportMetricsServiceRequest::from(metrics);
        let answer = self.client.post(PROTOBUF, request.encode_to_vec()).map_err(Failure::all)?;
        match ExportMetricsServiceResponse::decode(&*answer).unwrap_or_default().partial_success {
            Some(partial) => rejected(partial.rejected_data_points, &partial.error_message),
            None => Ok(()),
        }
    }
}

/// A success that says how much of the batch the collector did not want.
fn rejected(items: i64, message: &str) -> Result<(), Failure> {
    let items = u64::try_from(items).unwrap_or(0);
    if items == 0 {
        // A message alone is advice about data that was accepted.
        return Ok(());
    }
    let reason =
        format!("the collector rejected them: {}", crate::printable::shortened(message, 200));
    Err(Failure { items: Some(items), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(variables: &[(&str, &str)], code: Option<&str>, signal: Signal) -> String {
        endpoint(&Env::of(variables), code, signal).unwrap().value.into()
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
        for bad in ["collector:4318", "http://", "ftp://x/", "/v1/traces", "unix:/run/x", "x"] {
            let env = Env::of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", bad)]);
            let error = endpoint(&env, None, Signal::Traces).unwrap_err();
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
    fn credentials_in_a_bad_endpoint_are_not_shown() {
        for bad in ["http://user:secret@", "ftp://user:secret@host/", "user:secret@host:4318"] {
            let env = Env::of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", bad)]);
            let error = endpoint(&env, None, Signal::Traces).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn protocols_that_are_not_compiled_in_are_errors() {
        for (value, special) in [("grpc", true), ("http/json", false), ("GRPC", false)] {
            let variable = if special {
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
            } else {
                "OTEL_EXPORTER_OTLP_PROTOCOL"
            };
            let error = protocol(&Env::of(&[(variable, value)]), Signal::Traces).unwrap_err();
            assert!(error.is_not_compiled_in());
            let message = error.to_string();
            assert!(message.contains(variable) && message.contains("http/protobuf"), "{message}");
        }
        let env = Env::of(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke signals")]);
        protocol(&env, Signal::Traces).unwrap();
        assert_eq!(env.take_warnings().len(), 1);
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

    #[test]
    fn a_rejected_part_is_counted_and_advice_is_not() {
        assert_eq!(rejected(0, "use gzip"), Ok(()));
        assert_eq!(rejected(-3, ""), Ok(()));
        let reason = "the collector rejected them: too old\\n".to_owned();
        assert_eq!(rejected(3, "too old\n"), Err(Failure { items: Some(3), reason }));
    }
}
