//! Lines of YAML.

use std::fmt::Write as _;
use std::time::Duration;

use crate::settings::Setting;

/// Lines of YAML.
#[derive(Default)]
pub(super) struct Yaml(pub(super) String);

impl Yaml {
    pub(super) fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.0, "{:1$}{text}", "", 2 * depth);
    }

    /// `key: value`, if the setting is given.
    pub(super) fn value<T>(
        &mut self,
        depth: usize,
        key: &str,
        given: &Setting<T>,
        show: impl FnOnce(&T) -> String,
    ) {
        if let Some(given) = given {
            self.line(depth, &format!("{key}: {}", show(&given.value)));
        }
    }

    pub(super) fn duration(&mut self, depth: usize, key: &str, given: &Setting<Duration>) {
        self.value(depth, key, given, |duration| duration.as_millis().to_string());
    }

    pub(super) fn number<T: ToString>(&mut self, depth: usize, key: &str, given: &Setting<T>) {
        self.value(depth, key, given, ToString::to_string);
    }

    pub(super) fn list(&mut self, depth: usize, key: &str, values: &[String]) {
        if !values.is_empty() {
            let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
            self.line(depth, &format!("{key}: [{}]", values.join(", ")));
        }
    }
}

/// Text in quotes. A dollar sign would begin a reference.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text.replace('$', "$$")).to_string()
}
