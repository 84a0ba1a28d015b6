//! `OTEL_EXPORTER_OTLP_*`, for all signals and for each.

use tracewire_export::{Compression, OtlpFile, Protocol};
use url::Url;

use super::parse::{boolean, choice, milliseconds};
use super::reader::Reader;
use super::{map, pairs};
use crate::builder::Otlp;
use crate::config::otlp::{Endpoint, header_map};
use crate::settings::{Given, Setting, from_variable};

/// The variables of one signal (`TRACES_`), or of all (nothing).
pub(super) fn otlp(reader: &mut Reader<'_>, signal: &str) -> Otlp {
    let name = |setting: &str| format!("OTEL_EXPORTER_OTLP_{signal}{setting}");
    let endpoint = if signal.is_empty() { Endpoint::Base } else { Endpoint::Whole };
    Otlp {
        endpoint: reader
            .raw(&name("ENDPOINT"))
            .map(|given| Given { value: endpoint(given.value), origin: given.origin }),
        protocol: reader.read(&name("PROTOCOL"), choice(&protocols())),
        insecure: reader.read(&name("INSECURE"), boolean),
        headers: headers(reader, &name("HEADERS")),
        timeout: reader.read(&name("TIMEOUT"), milliseconds(0)),
        compression: reader.read(
            &name("COMPRESSION"),
            choice(&[("none", Compression::None), ("gzip", Compression::Gzip)]),
        ),
        max_request_size: None,
        certificate_authorities: reader.raw(&name("CERTIFICATE")),
        client_certificate: reader.raw(&name("CLIENT_CERTIFICATE")),
        client_key: reader.raw(&name("CLIENT_KEY")),
        http_client: None,
        file: if signal.is_empty() { map(reader.raw(FILE), file) } else { None },
    }
}

const FILE: &str = "TRACEWIRE_OTLP_FILE";

/// `stdout`, or a file by its path or its URL, as a configuration file has it.
fn file(text: String) -> OtlpFile {
    if text.eq_ignore_ascii_case("stdout") {
        return OtlpFile::Stdout;
    }
    let url = Url::parse(&text).ok().filter(|url| url.scheme() == "file");
    OtlpFile::Path(url.and_then(|url| url.to_file_path().ok()).unwrap_or_else(|| text.into()))
}

/// Each protocol by its name.
pub(crate) fn protocols() -> [(&'static str, Protocol); 3] {
    [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc]
        .map(|protocol| (protocol.name(), protocol))
}

/// `key=value,key=value`, percent-encoded. Never shown.
fn headers(reader: &mut Reader<'_>, name: &str) -> Setting<Vec<(String, String)>> {
    let text = reader.text(name)?;
    let Some(pairs) = pairs::read(&text).filter(|pairs| header_map(pairs).is_some()) else {
        reader.warn(format!(
            "{name} is ignored (its value is not shown): it must be key=value pairs with commas \
             between, percent-encoded"
        ));
        return None;
    };
    from_variable(name, pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_path_or_a_url() {
        let path = |path: &str| OtlpFile::Path(path.into());
        for (text, expected) in [
            ("stdout", OtlpFile::Stdout),
            ("StdOut", OtlpFile::Stdout),
            ("/var/log/otlp.jsonl", path("/var/log/otlp.jsonl")),
            ("otlp.jsonl", path("otlp.jsonl")),
            ("a:b", path("a:b")),
        ] {
            assert_eq!(file(text.to_owned()), expected, "{text}");
        }
        #[cfg(unix)]
        assert_eq!(file("file:///var/log/a%20b.jsonl".to_owned()), path("/var/log/a b.jsonl"));
    }
}
