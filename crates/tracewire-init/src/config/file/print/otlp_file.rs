//! `otlp_file/development`.

use tracewire_export::OtlpFile;
use url::Url;

use super::yaml::{Yaml, quoted};
use crate::builder::Otlp;

/// Writes an exporter of lines, and gives the depth of its settings.
pub(super) fn otlp_file(own: &Otlp, of_signal: &Otlp, yaml: &mut Yaml) -> usize {
    yaml.line(5, "otlp_file/development:");
    let file = own.file.as_ref().or(of_signal.file.as_ref()).map(|given| &given.value);
    let stream = match file {
        Some(OtlpFile::Path(path)) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            Url::from_file_path(path).map_or_else(|()| "stdout".to_owned(), Into::into)
        }
        _ => "stdout".to_owned(),
    };
    yaml.line(6, &format!("output_stream: {}", quoted(&stream)));
    6
}
