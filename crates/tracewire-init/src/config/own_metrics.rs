//! Metrics about the process, its runtime and its telemetry, which exist where they are asked for.

use crate::features;
use crate::plan::Plan;
use crate::settings::{Given, Setting};

pub(crate) const VARIABLE: &str = "TRACEWIRE_METRICS";

/// A group of metrics that is off unless asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OwnMetrics {
    /// `process.*`.
    Process,
    /// `tokio.*`.
    Runtime,
    /// `otel.sdk.*`.
    Telemetry,
}

impl OwnMetrics {
    /// All of them, by their names in the variable and in a configuration file.
    pub(crate) const WORDS: [(&str, Self); 3] =
        [("process", Self::Process), ("runtime", Self::Runtime), ("self", Self::Telemetry)];

    fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, group)| *group == self).map_or("", |(name, _)| name)
    }

    /// The cargo feature that it needs, unless this build has it.
    pub(crate) fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::Process if !features::PROCESS_METRICS => Some("process-metrics"),
            Self::Runtime if !features::RUNTIME_METRICS => Some("runtime-metrics"),
            _ => None,
        }
    }

    /// Names with commas between, or `all`, or `none`.
    pub(crate) fn list(text: &str) -> Result<Vec<Self>, String> {
        let mut found = Vec::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word.to_ascii_lowercase().as_str() {
                "all" => found.extend(Self::WORDS.map(|(_, group)| group)),
                "none" => {}
                word => match Self::WORDS.iter().find(|(name, _)| *name == word) {
                    Some((_, group)) => found.push(*group),
                    None => {
                        let names =
                            super::text::list(Self::WORDS.into_iter().map(|(name, _)| name));
                        return Err(format!("it must be of {names}, all, none"));
                    }
                },
            }
        }
        Ok(found)
    }

    /// Whether it is exported. Metrics never stop a service from starting, so what is not compiled in is
    /// warned of.
    pub(super) fn decide(self, given: Setting<bool>, plan: &mut Plan) -> bool {
        let Some(Given { value, origin }) = given else { return false };
        let setting = format!("{VARIABLE} {}", self.name());
        plan.decide(&setting, if value { "on" } else { "off" }, origin);
        match self.missing_feature() {
            Some(feature) if value => {
                let name = self.name();
                plan.warn(format!(
                    "there are no {name} metrics: they need the cargo feature `{feature}`"
                ));
                false
            }
            _ => value,
        }
    }
}

/// What the variable or the file, if it names any, says of one group.
pub(crate) fn is_named(given: &Setting<Vec<OwnMetrics>>, group: OwnMetrics) -> Setting<bool> {
    let Given { value, origin } = given.as_ref()?;
    Some(Given { value: value.contains(&group), origin: origin.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_groups_in_any_case_or_all_or_none() {
        use OwnMetrics::{Process, Runtime, Telemetry};
        for (text, expected) in [
            ("process", vec![Process]),
            (" Runtime , SELF,", vec![Runtime, Telemetry]),
            ("all", vec![Process, Runtime, Telemetry]),
            ("none", vec![]),
            (",,", vec![]),
        ] {
            assert_eq!(OwnMetrics::list(text), Ok(expected), "{text}");
        }
        let allowed = "it must be of process,runtime,self, all, none".to_owned();
        for text in ["true", "tokio", "process,cpu"] {
            assert_eq!(OwnMetrics::list(text), Err(allowed.clone()), "{text}");
        }
    }

    #[test]
    fn what_the_variable_does_not_name_is_off_and_what_is_not_compiled_in_is_warned_of() {
        let given = crate::settings::from_variable(VARIABLE, vec![OwnMetrics::Process]);
        let mut plan = Plan::default();
        let mut decided = |group: OwnMetrics| group.decide(is_named(&given, group), &mut plan);
        assert_eq!(decided(OwnMetrics::Process), features::PROCESS_METRICS);
        assert!(!decided(OwnMetrics::Runtime) && !decided(OwnMetrics::Telemetry));
        assert_eq!(plan.warnings().count(), usize::from(!features::PROCESS_METRICS));
        assert_eq!(
            plan.decisions()[0].to_string(),
            "TRACEWIRE_METRICS process = on (from TRACEWIRE_METRICS)"
        );
    }
}
