//! `otlp_http` and `otlp_grpc`.

use tracewire_export::{Compression, Protocol};
use url::Url;

use super::yaml::{Yaml, quoted};
use crate::builder::Otlp;
use crate::config::otlp::{Endpoint, Signal};
use crate::plan::Origin;
use crate::settings::Given;

/// Writes an exporter over OTLP, and gives the depth of its settings.
pub(super) fn otlp(depth: usize, otlp: &Otlp, signal: Signal, yaml: &mut Yaml) -> usize {
    let protocol = otlp.protocol.as_ref().map_or(Protocol::HttpProtobuf, |given| given.value);
    let is_grpc = protocol == Protocol::Grpc;
    yaml.line(depth, if is_grpc { "otlp_grpc:" } else { "otlp_http:" });
    let depth = depth + 1;
    if protocol == Protocol::HttpJson {
        yaml.line(depth, "encoding: json");
    }
    if let Some(Given { value, origin }) = &otlp.endpoint {
        let (text, path) = match value {
            Endpoint::Base(text) if !is_grpc => (text, format!("/{}", signal.path())),
            Endpoint::Base(text) | Endpoint::Whole(text) => (text, String::new()),
        };
        if !path.is_empty() && text.contains(['?', '#']) {
            let variable = signal.variable("ENDPOINT");
            yaml.line(depth, "# set this variable: no path can follow a query");
            yaml.line(depth, &format!("endpoint: \"${{{variable}}}\""));
        } else {
            yaml.line(depth, &format!("endpoint: {}", url_of(text, &path, origin)));
        }
    }
    if let Some(Given { value, origin }) = &otlp.headers {
        headers(depth, value, origin, yaml);
    }
    yaml.value(depth, "compression", &otlp.compression, |compression| {
        if *compression == Compression::Gzip { "gzip" } else { "none" }.to_owned()
    });
    yaml.duration(depth, "timeout", &otlp.timeout);
    let insecure = otlp.insecure.as_ref().filter(|_| is_grpc);
    let files = [
        ("ca_file", &otlp.certificate_authorities),
        ("cert_file", &otlp.client_certificate),
        ("key_file", &otlp.client_key),
    ];
    if insecure.is_some() || files.iter().any(|(_, file)| file.is_some()) {
        yaml.line(depth, "tls:");
        for (key, file) in files {
            yaml.value(depth + 1, key, file, |path| quoted(path));
        }
        if let Some(insecure) = insecure {
            yaml.line(depth + 1, &format!("insecure: {}", insecure.value));
        }
    }
    depth
}

/// A URL, or a reference to its variable if it may hold a secret.
pub(super) fn url_of(text: &str, path: &str, origin: &Origin) -> String {
    let text = text.trim();
    let path = if text.ends_with('/') { path.trim_start_matches('/') } else { path };
    let is_plain = Url::parse(text).is_ok_and(|url| {
        url.username().is_empty() && url.password().is_none() && url.query().is_none()
    });
    match origin {
        Origin::Variable(name) if !is_plain => format!("\"${{{name}}}{path}\""),
        _ => quoted(&format!("{text}{path}")),
    }
}

/// Never their values: a reference to the variable that has them, or to one for each.
fn headers(depth: usize, headers: &[(String, String)], origin: &Origin, yaml: &mut Yaml) {
    if let Origin::Variable(name) = origin
        && name.ends_with("_HEADERS")
    {
        yaml.line(depth, &format!("headers_list: \"${{{name}}}\""));
        return;
    }
    yaml.line(depth, &format!("# set these variables: their values came {origin}"));
    yaml.line(depth, "headers:");
    for (name, _) in headers {
        let variable = name.to_ascii_uppercase().replace('-', "_");
        yaml.line(depth + 1, &format!("- name: {}", quoted(name)));
        yaml.line(depth + 1, &format!("  value: \"${{HEADER_{variable}}}\""));
    }
}
