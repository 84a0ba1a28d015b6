//! Traces that were downloaded.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use opentelemetry_proto::tonic::logs::v1::{LogsData, ResourceLogs};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, TracesData};
use serde::Deserialize;
use serde_json::Deserializer;

use crate::export::NotTaken;
use crate::intake::{Intake, encoded};
use crate::json::readable;
use crate::signal::Signal;

/// The largest file.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// `TracesData`, `LogsData`, or both in one object as the page's download has them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    resource_spans: Vec<ResourceSpans>,
    #[serde(default)]
    resource_logs: Vec<ResourceLogs>,
}

/// Reads OTLP JSON: one document as the page's download has it, or one a line as the collector's file
/// exporter writes them. Returns the id of the first trace, in hexadecimal digits.
///
/// # Errors
///
/// Fails with a message for the user if the file cannot be read, is larger than 256 MiB, or has no
/// span.
pub(crate) fn open(path: &Path, intake: &Intake) -> Result<Option<String>, String> {
    let name = path.display();
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut text))
        .map_err(|error| format!("cannot read {name}: {error}"))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("cannot read {name}: it is larger than {} MiB", MOST_BYTES >> 20));
    }
    read(&name.to_string(), &text, intake)
}

/// Reads the text of a file, as [`open`].
pub(crate) fn read(name: &str, text: &[u8], intake: &Intake) -> Result<Option<String>, String> {
    let mut first = None;
    for document in Deserializer::from_slice(&readable(text)).into_iter::<Document>() {
        let Document { resource_spans, resource_logs } =
            document.map_err(|error| format!("{name} is not OTLP JSON: {error}"))?;
        let failed = |error: NotTaken| format!("cannot read {name}: {error}");
        let traces = encoded(&TracesData { resource_spans });
        let taken = intake.take(Signal::Traces, &traces).map_err(failed)?;
        first = first.or(taken.first_trace);
        let logs = encoded(&LogsData { resource_logs });
        intake.take(Signal::Logs, &logs).map_err(failed)?;
    }
    if first.is_none() {
        return Err(format!("{name} has no spans"));
    }
    Ok(first.map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect()))
}
