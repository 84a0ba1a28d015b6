//! How a signal is sent over OTLP.
//!
//! The rules for endpoints and headers are those of the [OTLP exporter specification].
//!
//! [OTLP exporter specification]: https://opentelemetry.io/docs/specs/otel/protocol/exporter/

mod hints;
mod protocol;

use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tracewire_export::wiring::{Shown, shown};
use tracewire_export::{Compression, ExportError, OtlpExporter, OtlpFile, Protocol, Tls};
use url::Url;

use super::proxy::Proxies;
use crate::builder;
use crate::error::InitError;
use crate::plan::{Origin, Plan};
use crate::settings::{Given, Merge, Setting};

/// An exporter over OTLP, as decided.
pub(crate) struct Otlp {
    pub(crate) exporter: OtlpExporter,
    pub(crate) names: Names,
}

/// Which variables or methods gave the settings that may fail when the exporter is made.
pub(crate) struct Names {
    endpoint: String,
    certificate_authorities: String,
    client_certificate: String,
    client_key: String,
}

/// Where to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A URL to which the path of a signal is added.
    Base(String),
    /// A URL that is used as it is.
    Whole(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    /// The signal's own variable of a setting.
    pub(super) fn variable(self, setting: &str) -> String {
        let signal = match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        };
        format!("OTEL_EXPORTER_OTLP_{signal}_{setting}")
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Metrics => "v1/metrics",
            Self::Logs => "v1/logs",
        }
    }
}

impl Names {
    /// An error of making the exporter, with what gave the setting.
    pub(crate) fn failed(&self, error: ExportError) -> InitError {
        let name = match error.setting() {
            Some("certificate_authorities") => &self.certificate_authorities,
            Some("client_certificate") => &self.client_certificate,
            Some("client_key") => &self.client_key,
            _ => &self.endpoint,
        };
        InitError::export(name, error)
    }
}

/// The exporter of `signal` with settings of its `own`, completed by those of its `signal`.
///
/// # Errors
///
/// The protocol is not compiled in, or the endpoint or a header cannot be used.
pub(crate) fn decide(
    mut own: builder::Otlp,
    of_signal: &builder::Otlp,
    signal: Signal,
    proxies: &Proxies,
    plan: &mut Plan,
) -> Result<Otlp, InitError> {
    let mut of_signal = of_signal.clone();
    // Headers are credentials, more often than not, and not for every address.
    match (&own.endpoint, &of_signal.endpoint) {
        (Some(file), Some(code)) if file.yields_to(code) => own.headers = None,
        (Some(_), _) => of_signal.headers = None,
        (None, _) => {}
    }
    own.complete(of_signal, plan);
    let protocol = protocol::decide(own.protocol.take(), signal, plan)?;
    let (url, endpoint) = endpoint(&own, signal, protocol, plan)?;
    let mut exporter = OtlpExporter::new(url.as_str());
    exporter.protocol = protocol;
    exporter.compression =
        plan.pick(&signal.variable("COMPRESSION"), own.compression, Compression::None);
    if own.max_request_size.is_some() {
        exporter.max_request_size = plan.pick("max_request_size", own.max_request_size, 0);
    }
    exporter.timeout = plan.pick(&signal.variable("TIMEOUT"), own.timeout, Duration::from_secs(10));
    exporter.headers = headers(own.headers, signal, plan)?;
    let mut names = Names {
        endpoint,
        certificate_authorities: String::new(),
        client_certificate: String::new(),
        client_key: String::new(),
    };
    let files = [
        ("CERTIFICATE", own.certificate_authorities, "Otlp::certificate_authorities"),
        ("CLIENT_CERTIFICATE", own.client_certificate, "Otlp::client_certificate"),
        ("CLIENT_KEY", own.client_key, "Otlp::client_certificate"),
    ];
    let [authorities, certificate, key] = files.map(|(setting, given, method)| {
        let variable = signal.variable(setting);
        let name = given.as_ref().map_or(&*variable, |given| given.origin.name(method)).to_owned();
        (file(&url, &variable, given, plan), name)
    });
    let mut tls = Tls::default();
    (tls.certificate_authorities, names.certificate_authorities) = authorities;
    (tls.client_certificate, names.client_certificate) = certificate;
    (tls.client_key, names.client_key) = key;
    exporter.tls = tls;
    exporter.proxy = proxies.choose_for(&url, protocol, plan);
    plan.count("HTTP client", usize::from(own.http_client.is_some()));
    exporter.client = own.http_client.map(|client| client.value);
    Ok(Otlp { exporter, names })
}

/// The exporter of lines with settings of its `own`, completed by those of its signal.
pub(crate) fn decide_file(
    mut own: builder::Otlp,
    of_signal: &builder::Otlp,
    plan: &mut Plan,
) -> Otlp {
    own.complete(of_signal.clone(), plan);
    let name = own.file.as_ref().map_or(FILE, |given| given.origin.name("Otlp::file")).to_owned();
    let file = plan.pick_shown(FILE, own.file, OtlpFile::Stdout, |file| match file {
        OtlpFile::Path(path) => Shown::path(&path.to_string_lossy()).text().to_owned(),
        _ => "stdout".to_owned(),
    });
    let mut exporter = OtlpExporter::new("");
    exporter.file = Some(file);
    if own.max_request_size.is_some() {
        exporter.max_request_size = plan.pick("max_request_size", own.max_request_size, 0);
    }
    let names = Names {
        endpoint: name,
        certificate_authorities: String::new(),
        client_certificate: String::new(),
        client_key: String::new(),
    };
    Otlp { exporter, names }
}

const FILE: &str = "TRACEWIRE_OTLP_FILE";

/// Warns of a signal's own endpoint where the signal has no exporter over OTLP. The one for all
/// signals may serve another.
pub(crate) fn warn_of_unused_endpoint(
    given: &builder::Otlp,
    signal: Signal,
    why: &str,
    plan: &mut Plan,
) {
    let own = Origin::Variable(signal.variable("ENDPOINT"));
    if given.endpoint.as_ref().is_some_and(|given| given.origin == own) {
        plan.has_no_effect(&given.endpoint, why);
    }
}

/// Where to send, and what says so.
fn endpoint(
    given: &builder::Otlp,
    signal: Signal,
    protocol: Protocol,
    plan: &mut Plan,
) -> Result<(Url, String), InitError> {
    let setting = signal.variable("ENDPOINT");
    let default = || Endpoint::Base(protocol::default_endpoint(protocol).to_owned());
    let Given { value, origin } = given
        .endpoint
        .clone()
        .unwrap_or_else(|| Given { value: default(), origin: Origin::Default });
    let (text, is_base) = match value {
        Endpoint::Base(text) => (text, true),
        Endpoint::Whole(text) => (text, false),
    };
    let name = origin.name("Otlp::endpoint").to_owned();
    let text = protocol::with_scheme(protocol, text.trim(), given, signal, &name, plan)?;
    let mut url = usable(&text, &name)?;
    hints::hint(given, signal, protocol, &url, &name, is_base, plan);
    if is_base && protocol::has_paths(protocol) {
        let path = format!("{}/{}", url.path().trim_end_matches('/'), signal.path());
        url.set_path(&path);
    }
    plan.decide(&setting, shown::url(&url), origin);
    Ok((url, name))
}

/// The URL of an endpoint that can be used.
///
/// # Errors
///
/// It cannot; `name` is what set it.
pub(crate) fn usable(text: &str, name: &str) -> Result<Url, InitError> {
    tracewire_export::wiring::usable(text).map_err(|error| InitError::export(name, error))
}

/// Never shown.
fn headers(
    given: Setting<Vec<(String, String)>>,
    signal: Signal,
    plan: &mut Plan,
) -> Result<HeaderMap, InitError> {
    let Some(Given { value, origin }) = given else { return Ok(HeaderMap::new()) };
    let headers = header_map(&value).ok_or_else(|| {
        InitError::configuration(
            origin.name("Otlp::header"),
            &Shown::nothing(),
            "names and values must be valid in HTTP headers",
        )
    })?;
    plan.decide(&signal.variable("HEADERS"), "(not shown)", origin);
    Ok(headers)
}

pub(crate) fn header_map(pairs: &[(String, String)]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Some(headers)
}

/// A PEM file, which only https has use for.
fn file(url: &Url, setting: &str, given: Setting<String>, plan: &mut Plan) -> Option<String> {
    if url.scheme() != "https" {
        plan.has_no_effect(&given, "the endpoint is not https");
        return None;
    }
    let Given { value, origin } = given?;
    plan.decide(setting, Shown::path(&value).text(), origin);
    Some(value)
}

#[cfg(test)]
mod tests;
