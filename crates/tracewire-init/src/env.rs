//! Typed reading of environment variables, by the specification's rules.
//!
//! Empty is unset. A value that cannot be read is warned of once, with what is allowed and, unless
//! it may be a secret, the value; it is then treated as unset. A list loses only its unknown words.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use tracewire_text::shortened;

use tracewire_export::wiring::Shown;

/// The longest warning, in characters: values are cut before, lists of them here.
const MOST_WARNING: usize = 1000;
/// The longest value of a decision, in characters.
const MOST_VALUE: usize = 256;

/// Where settings come from, and a record of what was found.
pub(crate) struct Env {
    source: Source,
    names: Names,
    // What vendors' variables and defaults in code say, by the standard name.
    stand_ins: HashMap<&'static str, StandIn>,
    warnings: RefCell<Vec<String>>,
    decisions: RefCell<Vec<Decision>>,
}

#[derive(Debug)]
struct StandIn {
    value: String,
    from: &'static str,
}

/// Gives a variable's value by its name.
type Source = Box<dyn Fn(&str) -> Option<OsString>>;

/// Gives the names of all variables.
type Names = Box<dyn Fn() -> Vec<String>>;

/// One setting as it was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) setting: String,
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Code,
    Variable(String),
    Default,
}

/// A value and the variable that gave it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) variable: String,
}

impl Env {
    /// The environment of this process.
    pub(crate) fn process() -> Self {
        let names =
            || std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        Self::new(|name: &str| std::env::var_os(name), names)
    }

    fn new(
        source: impl Fn(&str) -> Option<OsString> + 'static,
        names: impl Fn() -> Vec<String> + 'static,
    ) -> Self {
        Self {
            source: Box::new(source),
            names: Box::new(names),
            stand_ins: HashMap::new(),
            warnings: RefCell::default(),
            decisions: RefCell::default(),
        }
    }

    /// An environment of these variables alone.
    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)]) -> Self {
        Self::of_os(variables.iter().map(|&(name, value)| (name, value.into())))
    }

    /// The same with values that need not be text.
    #[cfg(test)]
    pub(crate) fn of_os<'a>(variables: impl IntoIterator<Item = (&'a str, OsString)>) -> Self {
        let variables: HashMap<String, OsString> =
            variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let names: Vec<String> = variables.keys().cloned().collect();
        Self::new(move |name: &str| variables.get(name).cloned(), move || names.clone())
    }

    /// The variable's text; `None` if it is unset or empty.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        if let Some(stand_in) = self.stand_ins.get(name) {
            return Some(stand_in.value.clone());
        }
        let value = (self.source)(name)?;
        match value.into_string() {
            Ok(text) if text.trim().is_empty() => None,
            Ok(text) => Some(text),
            Err(_) => {
                // Which variables hold secrets is not known here, so none is shown.
                self.warn(format!("{name} is ignored: its value (not shown) must be UTF-8"));
                None
            }
        }
    }

    /// The names of variables that are set and begin with one of these, in order.
    pub(crate) fn names(&self, prefixes: &[&str]) -> Vec<String> {
        let is_ours = |name: &String| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let mut names: Vec<_> = (self.names)().into_iter().filter(is_ours).collect();
        names.sort();
        names.retain(|name| (self.source)(name).is_some_and(|value| !value.is_empty()));
        names
    }

    /// Makes `value`, which `from` asks for (another variable, or a default in code), that of the
    /// variable `name`.
    pub(crate) fn stand_in(&mut self, name: &'static str, value: String, from: &'static str) {
        self.stand_ins.insert(name, StandIn { value, from });
    }

    /// The variable that somebody set to give `name` its value.
    pub(crate) fn source_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.stand_ins.get(name).map_or(name, |stand_in| stand_in.from)
    }

    /// The first readable value among `names`, in this order.
    pub(crate) fn read<T>(
        &self,
        names: &[&str],
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Found<T>> {
        names.iter().find_map(|&name| {
            let text = self.text(name)?;
            match parse(text.trim()) {
                Ok(value) => Some(Found { value, variable: self.source_of(name).to_owned() }),
                Err(allowed) => {
                    let name = self.source_of(name);
                    self.warn(format!("{name}={} is ignored: {allowed}", Shown::value(&text)));
                    None
                }
            }
        })
    }

    /// Code wins over the environment, the environment over the default.
    pub(crate) fn pick<T: fmt::Debug>(
        &self,
        names: &[&str],
        code: Option<T>,
        parse: impl Fn(&str) -> Result<T, String>,
        default: T,
    ) -> T {
        let (value, origin) = match code {
            Some(value) => {
                self.overridden(names);
                (value, Origin::Code)
            }
            None => match self.read(names, parse) {
                Some(found) => (found.value, Origin::Variable(found.variable)),
                None => (default, Origin::Default),
            },
        };
        self.decide(names[0], format!("{value:?}"), origin);
        value
    }

    /// Warns of those of these variables that are set, because code has decided.
    pub(crate) fn overridden(&self, names: &[&str]) {
        for name in names.iter().filter(|name| self.text(name).is_some()) {
            self.warn(format!("{} is ignored: the program sets it in code", self.source_of(name)));
        }
    }

    /// Records what was decided. `value` must not hold a secret.
    pub(crate) fn decide(&self, setting: &str, value: impl Into<String>, origin: Origin) {
        let value = shortened(&value.into(), MOST_VALUE);
        let decision = Decision { setting: setting.to_owned(), value, origin };
        self.decisions.borrow_mut().push(decision);
    }

    /// Keeps a warning, once, to be said when all settings are read.
    pub(crate) fn warn(&self, warning: String) {
        let warning = shortened(&warning, MOST_WARNING);
        let mut warnings = self.warnings.borrow_mut();
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// The warnings so far, which are then forgotten.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// The decisions so far, which are then forgotten.
    pub(crate) fn take_decisions(&self) -> Vec<Decision> {
        self.decisions.take()
    }
}

impl fmt::Debug for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").finish_non_exhaustive()
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} ({})", self.setting, self.value, self.origin)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("set in code"),
            Self::Variable(name) => write!(f, "from {name}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// `true` or `false`, in any case.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    choice(&[("true", true), ("false", false)])(text)
}

/// A whole number from `least` to 2³¹−1.
pub(crate) fn integer(least: u32) -> impl Fn(&str) -> Result<u32, String> {
    const MOST: u32 = i32::MAX as u32;
    move |text| {
        text.parse()
            .ok()
            .filter(|number| (least..=MOST).contains(number))
            .ok_or_else(|| format!("it must be a whole number from {least} to {MOST}"))
    }
}

/// A duration in whole milliseconds, at least `least` of them.
pub(crate) fn milliseconds(least: u32) -> impl Fn(&str) -> Result<Duration, String> {
    move |text| {
        integer(least)(text)
            .map(|number| Duration::from_millis(number.into()))
            .map_err(|allowed| format!("{allowed}, in milliseconds"))
    }
}

/// One of these words, in any case.
pub(crate) fn choice<T: Clone>(words: &[(&str, T)]) -> impl Fn(&str) -> Result<T, String> {
    move |text| {
        words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text))
            .map(|(_, value)| value.clone())
            .ok_or_else(|| format!("it must be one of {}", names(words)))
    }
}

/// The words of a [`choice`], for a message.
pub(crate) fn names<T>(words: &[(&str, T)]) -> String {
    words.iter().map(|&(word, _)| word).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings_of<T>(value: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<String> {
        let env = Env::of(&[("X", value)]);
        assert!(env.read(&["X"], parse).is_none());
        env.take_warnings()
    }

    #[test]
    fn empty_and_blank_are_unset() {
        for value in ["", " ", "\t"] {
            assert_eq!(warnings_of(value, boolean), Vec::<String>::new());
        }
        assert_eq!(Env::of(&[]).text("X"), None);
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
        let env = Env::of(&[("X", "nope")]);
        let _ = env.read(&["X"], boolean);
        let _ = env.read(&["X"], boolean);
        assert_eq!(env.take_warnings().len(), 1);
    }

    #[test]
    fn words_are_read_in_any_case() {
        let env = Env::of(&[("A", "TRUE"), ("B", " False ")]);
        assert!(env.read(&["A"], boolean).unwrap().value);
        assert!(!env.read(&["B"], boolean).unwrap().value);
    }

    #[test]
    fn the_first_readable_variable_wins() {
        let env = Env::of(&[("SPECIAL", "abc"), ("GENERAL", "7")]);
        let found = env.read(&["SPECIAL", "GENERAL"], integer(0)).unwrap();
        assert_eq!(found, Found { value: 7, variable: "GENERAL".to_owned() });
        assert_eq!(env.take_warnings().len(), 1);
    }

    #[test]
    fn code_wins_over_environment_and_environment_over_default() {
        let env = Env::of(&[("X", "2")]);
        assert_eq!(env.pick(&["X"], Some(1), integer(0), 3), 1);
        assert_eq!(env.pick(&["X"], None, integer(0), 3), 2);
        assert_eq!(env.pick(&["Y"], None, integer(0), 3), 3);
        let decisions: Vec<_> = env.take_decisions().iter().map(ToString::to_string).collect();
        assert_eq!(decisions, ["X = 1 (set in code)", "X = 2 (from X)", "Y = 3 (default)"]);
    }
}
