//! Where OTLP is written, in place of being sent.

use std::path::PathBuf;

/// Where OTLP is written as lines of JSON.
///
/// Each batch is one line; one of more than 1 MiB is several. A Collector's receiver `otlpjsonfile` reads
/// them back.
///
/// A file is opened for each line and appended to, so it may be moved away, cut or deleted at any time, and
/// several signals and processes of one host may share it. Where two processes write at once, an empty line may
/// stand between two others. It is not rotated. A pipe is refused.
///
/// ```
/// use tracewire_export::{OtlpExporter, OtlpFile};
///
/// let mut otlp = OtlpExporter::new("");
/// otlp.file = Some(OtlpFile::Path("/var/log/shop/traces.jsonl".into()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtlpFile {
    /// The stdout of this process, by a thread of its own.
    #[default]
    Stdout,
    /// A file, which is made if it does not exist; its folder has to.
    Path(PathBuf),
}
