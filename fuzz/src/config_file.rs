//! What must hold of every configuration file.

use std::cell::Cell;
use tracewire_init::ConfigFile;

/// Stands in every variable, and in no message where a header or a key is wrong.
const MARK: &str = "M4RKED";

/// Any bytes: reading them ends, looks up no more variables than a file may have values, and its messages
/// are few, short, and each with a line of the file.
pub fn any(data: &[u8]) {
    let looked_up = Cell::new(0_usize);
    let read = ConfigFile::parse("f.yaml", data, |_| {
        looked_up.set(looked_up.get() + 1);
        Some("1".into())
    });
    // A value of 64 KiB may have a reference in every four of its bytes.
    assert!(looked_up.get() <= data.len() / 4);
    match read {
        Ok(file) => {
            assert!(file.warnings().len() <= 20);
            assert!(format!("{file:?}").len() < 64 * 1024 * 1024);
        }
        Err(error) => {
            let lines: Vec<String> = error.lines().collect();
            assert!((1..=20).contains(&lines.len()) && error.count() >= lines.len());
            for line in lines {
                assert!(line.len() < 16 * 1024 && !line.contains('\n'), "{line}");
                assert!(!line.contains(char::is_control), "{line}");
            }
        }
    }
}

/// The input is the body of an exporter; its headers and TLS settings come from variables that never
/// show.
pub fn secrets(data: &[u8]) {
    let Ok(body) = std::str::from_utf8(data) else { return };
    let body = body.replace('\n', "\n            ");
    for key in ["headers", "headers_list", "tls"] {
        let text = format!(
            "file_format: '1.1'\ntracer_provider:\n  processors:\n    - simple:\n        exporter:\n          \
             otlp_http:\n            {key}: {body}\n",
        );
        let secret = |_: &str| Some(MARK.into());
        let shown = match ConfigFile::parse("f.yaml", text.as_bytes(), secret) {
            Ok(file) => file.warnings().join("\n"),
            Err(error) => error.to_string(),
        };
        // Further keys may follow in the input, whose values are no secrets.
        if !body.contains(['\n', '\r']) {
            assert!(!shown.contains(MARK), "{text}\n{shown}");
        }
    }
}
