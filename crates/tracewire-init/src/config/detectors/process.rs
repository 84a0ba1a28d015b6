//! The process itself.

use opentelemetry::KeyValue;

/// `user` is who runs the process.
pub(super) fn process(user: Option<&str>) -> Vec<KeyValue> {
    let mut found = vec![
        KeyValue::new("process.pid", i64::from(std::process::id())),
        KeyValue::new("process.runtime.name", "rustc"),
    ];
    if let Ok(path) = std::env::current_exe() {
        if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
            found.push(KeyValue::new("process.executable.name", name.to_owned()));
        }
        if let Some(path) = path.to_str() {
            found.push(KeyValue::new("process.executable.path", path.to_owned()));
        }
    }
    if let Some(command) = std::env::args_os().next().and_then(|first| first.into_string().ok()) {
        found.push(KeyValue::new("process.command", command));
    }
    if let Some(user) = user {
        found.push(KeyValue::new("process.owner", user.to_owned()));
    }
    found
}
