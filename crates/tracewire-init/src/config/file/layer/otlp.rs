//! `otlp_http` and `otlp_grpc`.

use tracewire_export::{Compression, OtlpFile, Protocol};

use super::Mapper;
use crate::builder::Otlp;
use crate::config::file::schema;
use crate::config::otlp::Endpoint;

impl Mapper<'_> {
    pub(super) fn otlp(&self, otlp: &schema::Otlp) -> Otlp {
        let path = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
        Otlp {
            endpoint: self.setting(&otlp.endpoint, |url| Endpoint::Whole(url.into())),
            protocol: self.given(&otlp.place, protocol(otlp.protocol)),
            headers: match otlp.headers.is_empty() {
                true => None,
                false => self.given(&otlp.place, headers(&otlp.headers)),
            },
            timeout: self.setting(&otlp.timeout, |timeout| timeout),
            compression: self.setting(&otlp.compression, |compression| match compression {
                schema::Compression::None => Compression::None,
                schema::Compression::Gzip => Compression::Gzip,
            }),
            max_request_size: self.setting(&otlp.max_request_size, |bytes| bytes),
            certificate_authorities: self.setting(&otlp.tls.ca_file, path),
            client_certificate: self.setting(&otlp.tls.cert_file, path),
            client_key: self.setting(&otlp.tls.key_file, path),
            ..Otlp::default()
        }
    }
}

impl Mapper<'_> {
    /// Where the exporter `otlp_file/development` writes.
    pub(super) fn otlp_file(&self, node: &schema::OtlpFile) -> Otlp {
        let file = match &node.output_stream {
            None => self.given(&node.place, OtlpFile::Stdout),
            given => self.setting(given, |stream| stream),
        };
        Otlp { file, ..Otlp::default() }
    }
}

fn protocol(protocol: schema::Protocol) -> Protocol {
    match protocol {
        schema::Protocol::HttpProtobuf => Protocol::HttpProtobuf,
        schema::Protocol::HttpJson => Protocol::HttpJson,
        schema::Protocol::Grpc => Protocol::Grpc,
    }
}

/// The reader made them of text.
fn headers(headers: &::http::HeaderMap) -> Vec<(String, String)> {
    let pair = |(name, value): (&::http::HeaderName, &::http::HeaderValue)| {
        Some((name.as_str().to_owned(), String::from_utf8(value.as_bytes().to_vec()).ok()?))
    };
    headers.iter().filter_map(pair).collect()
}
