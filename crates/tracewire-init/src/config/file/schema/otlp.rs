//! `otlp_http` and `otlp_grpc`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::config::file::position::{Place, Spanned};
use crate::config::file::read::{Cursor, Fields, boolean, text};
use crate::variables::pairs;
use tracewire_export::wiring::shown::has_real_host;

/// One OTLP exporter. Each has its own settings; nothing is shared between signals.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Otlp {
    pub(crate) place: Place,
    pub(crate) protocol: Protocol,
    /// Over HTTP the whole URL, to which no path is added. Default: `http://localhost:4318/v1/…`, for
    /// gRPC `http://localhost:4317`.
    pub(crate) endpoint: Option<Spanned<Url>>,
    pub(crate) tls: Tls,
    /// Those of `headers`, and those of `headers_list` that are not among them. All are sensitive.
    pub(crate) headers: HeaderMap,
    /// Default: no compression.
    pub(crate) compression: Option<Spanned<Compression>>,
    /// For one export, retries included; zero is no limit. Default: 10 s.
    pub(crate) timeout: Option<Spanned<Duration>>,
    /// Bytes of a request before compression; zero is no limit. Default: 1 MiB, which is also the most.
    pub(crate) max_request_size: Option<Spanned<usize>>,
}

/// What is sent over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    HttpProtobuf,
    HttpJson,
    Grpc,
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
}

/// `tls`: PEM files with absolute paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tls {
    /// The only authorities to trust. Default: the platform's.
    pub(crate) ca_file: Option<Spanned<PathBuf>>,
    /// Both or none.
    pub(crate) key_file: Option<Spanned<PathBuf>>,
    pub(crate) cert_file: Option<Spanned<PathBuf>>,
}

const COMMON: [&str; 8] = [
    "endpoint",
    "tls",
    "headers",
    "headers_list",
    "compression",
    "max_request_size",
    "max_response_size",
    "timeout",
];

impl Otlp {
    /// Reads `otlp_http` with `more` keys, which the fields are for. Collectors expect data at `path`.
    pub(super) fn http<'a>(
        cursor: Cursor<'a>,
        more: &[&str],
        path: &str,
    ) -> Option<(Self, Fields<'a>)> {
        let fields = cursor.fields_or_null(&[&COMMON[..], &["encoding"], more].concat())?;
        let encoding = fields.setting("encoding", encoding);
        let protocol = encoding.map_or(Protocol::HttpProtobuf, |encoding| *encoding);
        let endpoint = fields.setting("endpoint", |cursor| {
            let endpoint = url(cursor)?;
            if matches!(endpoint.path(), "" | "/") {
                cursor.warning(format_args!(
                    "the URL is used as it is, and has no path; collectors expect /{path} at its end"
                ));
            }
            Some(endpoint)
        });
        let (tls, _) = fields.optional("tls", |cursor| tls(cursor, &[])).unwrap_or_default();
        Some((Self::of(cursor, &fields, protocol, endpoint, tls), fields))
    }

    /// Reads `otlp_grpc`.
    pub(super) fn grpc<'a>(cursor: Cursor<'a>, more: &[&str]) -> Option<(Self, Fields<'a>)> {
        let fields = cursor.fields_or_null(&[&COMMON[..], more].concat())?;
        let (tls, insecure) =
            fields.optional("tls", |cursor| tls(cursor, &["insecure"])).unwrap_or_default();
        let endpoint = fields.setting("endpoint", |cursor| grpc_url(cursor, insecure));
        let otlp = Self::of(cursor, &fields, Protocol::Grpc, endpoint, tls);
        cursor.needs(cfg!(feature = "otlp-grpc"), "otlp-grpc").then_some((otlp, fields))
    }

    fn of(
        cursor: Cursor<'_>,
        fields: &Fields<'_>,
        protocol: Protocol,
        endpoint: Option<Spanned<Url>>,
        tls: Tls,
    ) -> Self {
        fields.setting("max_response_size", max_response_size);
        Self {
            place: cursor.place(),
            protocol,
            endpoint,
            tls,
            headers: headers(fields),
            compression: fields.setting("compression", |cursor| {
                cursor.choice(&[("none", Compression::None), ("gzip", Compression::Gzip)])
            }),
            timeout: fields.setting("timeout", |cursor| cursor.milliseconds(0)),
            max_request_size: fields.setting("max_request_size", |cursor| cursor.size(0)),
        }
    }
}

/// No more than 64 KiB of a response are ever read, so a larger limit holds already.
fn max_response_size(cursor: Cursor<'_>) -> Option<()> {
    const READ: usize = 64 * 1024;
    let size = cursor.size(1)?;
    if *size < READ {
        cursor.unsupported(format_args!("remove it or set it to {READ} or more"));
    }
    Some(())
}

/// A URL that this build can reach.
pub(super) fn url(cursor: Cursor<'_>) -> Option<Spanned<Url>> {
    let text = cursor.text()?;
    checked(cursor, &text)
}

/// A URL, or a host and a port; then `tls.insecure` chooses the scheme.
fn grpc_url(cursor: Cursor<'_>, insecure: bool) -> Option<Spanned<Url>> {
    let text = cursor.text()?;
    if text.contains("://") {
        return checked(cursor, &text);
    }
    let scheme = if insecure { "http" } else { "https" };
    checked(cursor, &format!("{scheme}://{}", text.value))
}

fn checked(cursor: Cursor<'_>, text: &str) -> Option<Spanned<Url>> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url.filter(has_real_host) else {
        cursor.unexpected("a URL that begins with http:// or https://, and has a host");
        return None;
    };
    let can_reach = url.scheme() == "http"
        || cursor.needs(cfg!(any(feature = "tls", feature = "tls-ring")), "tls");
    can_reach.then(|| cursor.spanned(url))
}

/// Which format over HTTP; the name is the schema's.
fn encoding(cursor: Cursor<'_>) -> Option<Spanned<Protocol>> {
    let words = [("protobuf", Protocol::HttpProtobuf), ("json", Protocol::HttpJson)];
    let found = cursor.choice(&words)?;
    let needs_feature = *found == Protocol::HttpJson;
    let is_there = !needs_feature || cursor.needs(cfg!(feature = "otlp-json"), "otlp-json");
    is_there.then_some(found)
}

/// The files, and `insecure`.
fn tls(cursor: Cursor<'_>, more: &[&str]) -> Option<(Tls, bool)> {
    let cursor = cursor.secret();
    let known = [&["ca_file", "key_file", "cert_file"][..], more].concat();
    let fields = cursor.fields_or_null(&known)?;
    let insecure = fields.setting("insecure", boolean).is_some_and(|insecure| *insecure);
    let file = |key| fields.setting(key, absolute_path);
    let [ca_file, key_file, cert_file] = ["ca_file", "key_file", "cert_file"].map(file);
    if key_file.is_some() != cert_file.is_some() {
        cursor.problem("a client needs both `key_file` and `cert_file`, or none");
    }
    Some((Tls { ca_file, key_file, cert_file }, insecure))
}

fn absolute_path(cursor: Cursor<'_>) -> Option<Spanned<PathBuf>> {
    let text = cursor.text()?;
    let path = Path::new(&text.value);
    if !path.is_absolute() {
        cursor.unexpected("an absolute path of a PEM file");
        return None;
    }
    Some(cursor.spanned(path.to_owned()))
}

/// Those of `headers` win over those of `headers_list`.
fn headers(fields: &Fields<'_>) -> HeaderMap {
    let mut headers = fields
        .setting("headers_list", |cursor| {
            let cursor = cursor.secret();
            let text = cursor.text()?;
            let read = pairs::read(&text).and_then(|pairs| {
                pairs.iter().map(|(name, value)| sensitive(name, value)).collect::<Option<_>>()
            });
            if read.is_none() {
                cursor
                    .unexpected("headers as key=value pairs with commas between, percent-encoded");
            }
            read
        })
        .unwrap_or_default();
    for (name, value) in fields.optional("headers", listed_headers).into_iter().flatten() {
        HeaderMap::insert(&mut headers, name, value);
    }
    headers
}

/// `- name: …` and `value: …`. One whose value is null is left out.
fn listed_headers(cursor: Cursor<'_>) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let cursor = cursor.secret();
    if cursor.is_mapping() {
        cursor.unexpected("a list; write `- name: authorization` and below it `value: …`");
        return None;
    }
    let items = cursor.items(1, |cursor| {
        let fields = cursor.fields(&["name", "value"])?;
        let name = fields.required("name", text);
        let value = fields.required("value", |cursor| {
            if cursor.is_null() { Some(None) } else { cursor.text().map(Some) }
        });
        let (name, Some(value)) = (name?, value?) else { return Some(None) };
        let header = sensitive(&name, &value);
        if header.is_none() {
            cursor.problem("the name or the value is not that of an HTTP header");
        }
        header.map(Some)
    })?;
    Some(items.into_iter().flatten().collect())
}

fn sensitive(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}
