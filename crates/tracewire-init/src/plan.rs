//! What was decided, and who decided it.

mod word;

use std::fmt;
use std::sync::Arc;

use tracewire_export::wiring::log::{self, Level};
use tracewire_text::{printable, shortened};

use crate::settings::Setting;

pub(crate) use word::Word;

/// The longest warning, in characters: values are cut before, lists of them here.
const MOST_WARNING: usize = 1000;
/// The longest value of a decision, in characters.
const MOST_VALUE: usize = 256;

/// What telemetry is set up to do: each setting, its value, and where that came from.
///
/// [`Builder::plan`](crate::Builder::plan) makes it without setting anything up. `Display` shows a
/// line for each setting and then the warnings. Values that may hold a secret are not shown.
///
/// ```
/// use tracewire_init::{Telemetry, TracesExporter};
///
/// # fn main() -> Result<(), tracewire_init::InitError> {
/// let plan = Telemetry::builder().traces([TracesExporter::console()]).plan()?;
/// assert!(plan.to_string().contains("OTEL_TRACES_EXPORTER = console (set in code)"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// How much is said, once that is known.
    pub(crate) level: Option<Level>,
    /// Which exporter of its kind is being decided about, if not the first one.
    pub(crate) exporter: Option<usize>,
    decisions: Vec<Decision>,
    warnings: Vec<String>,
}

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
    /// A member of this variable's list.
    Member(String),
    /// A node of a configuration file.
    #[cfg_attr(not(feature = "config-file"), expect(dead_code, reason = "no file is read"))]
    File(Arc<FilePlace>),
    DefaultInCode,
    Default,
}

/// Where a configuration file says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePlace {
    /// `otel.yaml:14`
    pub(crate) line: String,
    /// `otel.yaml:14:9: tracer_provider.sampler`
    pub(crate) node: String,
}

impl Origin {
    /// What to change, for a message: the variable, or else this name of what is set in code.
    pub(crate) fn name<'a>(&'a self, in_code: &'a str) -> &'a str {
        match self {
            Self::Variable(name) | Self::Member(name) => name,
            Self::File(place) => &place.node,
            Self::Code | Self::DefaultInCode | Self::Default => in_code,
        }
    }
}

impl Origin {
    /// The variable or the node that says so; nothing for what follows from a node that is missing.
    pub(crate) fn given_from_outside(&self) -> Option<&str> {
        match self {
            Self::Variable(name) => Some(name),
            Self::File(place) if place.node != place.line => Some(&place.node),
            _ => None,
        }
    }
}

impl Plan {
    /// What was odd about the settings, a line each; [`init`](crate::init) logs them as warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(String::as_str)
    }

    /// Logs the warnings, and at level debug the decisions.
    pub(crate) fn log(&self) {
        log::set_level(self.level.unwrap_or(Level::Info));
        self.warnings.iter().for_each(|warning| log::warn(warning));
        self.decisions.iter().for_each(|decision| log::debug(&decision.to_string()));
    }

    pub(crate) fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Takes what is given, else the default, and records it.
    pub(crate) fn pick<T: Word>(&mut self, setting: &str, given: Setting<T>, default: T) -> T {
        self.pick_shown(setting, given, default, T::word)
    }

    /// The same with a value that is shown in its own way.
    pub(crate) fn pick_shown<T>(
        &mut self,
        setting: &str,
        given: Setting<T>,
        default: T,
        show: impl FnOnce(&T) -> String,
    ) -> T {
        let (value, origin) = match given {
            Some(given) => (given.value, given.origin),
            None => (default, Origin::Default),
        };
        self.decide(setting, show(&value), origin);
        value
    }

    /// Records what was decided. `value` must not hold a secret.
    pub(crate) fn decide(&mut self, setting: &str, value: impl Into<String>, origin: Origin) {
        let value = shortened(&value.into(), MOST_VALUE);
        let setting = match self.exporter {
            Some(number) => format!("{setting} [exporter {number}]"),
            None => setting.to_owned(),
        };
        self.decisions.push(Decision { setting, value, origin });
    }

    /// Records how many parts of a kind the program gave, if any: `span processors of the program = 2`.
    pub(crate) fn count(&mut self, parts: &str, number: usize) {
        if number > 0 {
            self.decide(&format!("{parts} of the program"), number.to_string(), Origin::Code);
        }
    }

    /// Records what was decided again; the answer says what was decided before.
    #[cfg(feature = "config-file")]
    pub(crate) fn replace(&mut self, new: &Decision) -> Option<String> {
        let Decision { setting, value, origin } = new;
        let Some(old) = self.decisions.iter_mut().find(|old| old.setting == *setting) else {
            let is_default = *origin == Origin::Default;
            self.decisions.push(new.clone());
            return (!is_default).then(|| format!("{setting}: {value}"));
        };
        let was = std::mem::replace(old, new.clone()).value;
        (was != *value).then(|| format!("{setting}: {was} → {value}"))
    }

    /// Keeps a warning, once.
    pub(crate) fn warn(&mut self, warning: String) {
        let warning = shortened(&warning, MOST_WARNING);
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Says of which exporter the decisions that follow are: the next one of this name.
    pub(crate) fn next_exporter(&mut self, seen: &mut Vec<&'static str>, name: &'static str) {
        seen.push(name);
        let number = seen.iter().filter(|earlier| **earlier == name).count();
        self.exporter = (number > 1).then_some(number);
    }

    /// Warns that the variable behind a setting, if one gave it, changes nothing.
    pub(crate) fn has_no_effect<T>(&mut self, given: &Setting<T>, why: &str) {
        match given.as_ref().map(|given| &given.origin) {
            Some(Origin::Variable(name)) => self.warn(format!("{name} has no effect: {why}")),
            Some(Origin::File(place)) => self.warn(format!("{} has no effect: {why}", place.node)),
            _ => {}
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for decision in &self.decisions {
            writeln!(f, "{}", printable(&decision.to_string()))?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {}", printable(warning))?;
        }
        Ok(())
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
            Self::Variable(name) | Self::Member(name) => write!(f, "from {name}"),
            Self::File(place) => write!(f, "from {}", place.line),
            Self::DefaultInCode => f.write_str("default in code"),
            Self::Default => f.write_str("default"),
        }
    }
}
