//! Typed reading of variables, by the specification's rules.
//!
//! Empty is unset. A value that cannot be read is warned of once, with what is allowed and, unless
//! it may be a secret, the value; it is then treated as unset. A list loses only its unknown words.

use std::collections::BTreeSet;

use tracewire_export::wiring::Shown;

use super::env::{Env, Text};
use crate::plan::Plan;
use crate::settings::{Setting, from_variable};

/// Reads variables, and remembers which ones were asked for: these are the known names.
pub(crate) struct Reader<'a> {
    env: &'a Env,
    pub(crate) plan: &'a mut Plan,
    asked: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(env: &'a Env, plan: &'a mut Plan) -> Self {
        Self { env, plan, asked: BTreeSet::new() }
    }

    /// The variable's text; `None` if it is unset, empty, or no text.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.asked.insert(name.to_owned());
        match self.env.text(name) {
            Text::Is(text) => Some(text),
            Text::Unset => None,
            Text::NotUtf8 => {
                // Which variables hold secrets is not known here, so none is shown.
                self.warn(format!("{name} is ignored: its value (not shown) must be UTF-8"));
                None
            }
        }
    }

    /// The text of a variable that need not be known; empty for what is no text.
    pub(crate) fn peek(&self, name: &str) -> Option<String> {
        match self.env.text(name) {
            Text::Is(text) => Some(text),
            Text::Unset => None,
            Text::NotUtf8 => Some(String::new()),
        }
    }

    /// The variable's text without blanks around it, as a setting.
    pub(crate) fn raw(&mut self, name: &str) -> Setting<String> {
        self.text(name).and_then(|text| from_variable(name, text.trim().to_owned()))
    }

    /// The variable's value, if it can be read.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Setting<T> {
        let text = self.text(name)?;
        match parse(text.trim()) {
            Ok(value) => from_variable(name, value),
            Err(allowed) => {
                self.warn(format!("{name}={} is ignored: {allowed}", Shown::value(&text)));
                None
            }
        }
    }

    /// The first readable value among these variables.
    pub(crate) fn read_first<T>(
        &mut self,
        names: [&str; 2],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Setting<T> {
        self.read(names[0], &parse).or_else(|| self.read(names[1], &parse))
    }

    pub(crate) fn warn(&mut self, warning: String) {
        self.plan.warn(warning);
    }

    /// Counts names as known that other crates of this project read.
    pub(crate) fn knows(&mut self, names: &[&str]) {
        self.asked.extend(names.iter().map(|&name| name.to_owned()));
    }

    /// Whether a variable of this name is known.
    pub(crate) fn asked(&self) -> &BTreeSet<String> {
        &self.asked
    }

    pub(crate) fn names(&self, prefixes: &[&str]) -> Vec<String> {
        self.env.names(prefixes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::{boolean, integer, milliseconds};
    use super::*;

    fn warnings_of<T>(value: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<String> {
        let (env, mut plan) = (Env::of(&[("X", value)]), Plan::default());
        assert!(Reader::new(&env, &mut plan).read("X", parse).is_none());
        plan.warnings().map(str::to_owned).collect()
    }

    #[test]
    fn empty_and_blank_are_unset() {
        for value in ["", " ", "\t"] {
            assert_eq!(warnings_of(value, boolean), Vec::<String>::new());
        }
        assert_eq!(Reader::new(&Env::of(&[]), &mut Plan::default()).text("X"), None);
    }

    #[test]
    fn malformed_values_are_warned_of_once_and_ignored() {
        assert_eq!(
            warnings_of("yes", boolean),
            [r#"X="yes" is ignored: it must be one of true, false"#]
        );
        for value in ["-1", "abc", "2147483648", "1.5", "0", "99999999999999999999"] {
            assert_eq!(
                warnings_of(value, integer(1)),
                [format!("X={value:?} is ignored: it must be a whole number from 1 to 2147483647")]
            );
        }
        assert_eq!(
            warnings_of("-5", milliseconds(0)),
            [
                r#"X="-5" is ignored: it must be a whole number from 0 to 2147483647, in milliseconds"#
            ]
        );
        let (env, mut plan) = (Env::of(&[("X", "nope")]), Plan::default());
        let mut reader = Reader::new(&env, &mut plan);
        let _ = reader.read("X", boolean);
        let _ = reader.read("X", boolean);
        assert_eq!(plan.warnings().count(), 1);
    }

    #[test]
    fn words_are_read_in_any_case() {
        let (env, mut plan) = (Env::of(&[("A", "TRUE"), ("B", " False ")]), Plan::default());
        let mut reader = Reader::new(&env, &mut plan);
        assert!(reader.read("A", boolean).unwrap().value);
        assert!(!reader.read("B", boolean).unwrap().value);
    }

    #[test]
    fn the_first_readable_variable_wins() {
        let env = Env::of(&[("SPECIAL", "abc"), ("GENERAL", "7")]);
        let mut plan = Plan::default();
        let found = Reader::new(&env, &mut plan).read_first(["SPECIAL", "GENERAL"], integer(0));
        assert_eq!(found, from_variable("GENERAL", 7));
        assert_eq!(plan.warnings().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_names_its_variable_and_what_is_allowed() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;
        for variable in ["OTEL_EXPORTER_OTLP_HEADERS", "HTTP_PROXY", "OTEL_EXPORTER_OTLP_ENDPOINT"]
        {
            let env = Env::of_os([(variable, OsString::from_vec(b"\xffhunter2QQ".to_vec()))]);
            let mut plan = Plan::default();
            assert_eq!(Reader::new(&env, &mut plan).text(variable), None);
            assert_eq!(
                plan.warnings().collect::<Vec<_>>(),
                [format!("{variable} is ignored: its value (not shown) must be UTF-8")]
            );
        }
    }
}
