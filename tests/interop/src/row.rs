//! A system, what is checked of it, and what came of that.

use crate::lab::Lab;
use std::{
    any::Any,
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// One real system.
pub(crate) struct System {
    /// What the table calls it, and words on the command line choose it by.
    pub(crate) name: &'static str,
    /// Starts it and checks; an error means that it could not be installed or started.
    pub(crate) check: fn(&Lab, &mut Checks) -> Result<(), String>,
}

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) system: &'static str,
    pub(crate) version: String,
    pub(crate) checked: String,
    pub(crate) outcome: Result<(), String>,
}

/// Collects what is checked of one system.
#[derive(Debug)]
pub(crate) struct Checks {
    system: &'static str,
    version: String,
    rows: Vec<Row>,
}

impl System {
    /// Runs every check. Whatever goes wrong becomes a failed row.
    pub(crate) fn run(&self, lab: &Lab) -> Vec<Row> {
        let mut checks = Checks { system: self.name, version: String::new(), rows: Vec::new() };
        let ran = catch_unwind(AssertUnwindSafe(|| (self.check)(lab, &mut checks)));
        if let Err(said) = ran.unwrap_or_else(|panic| Err(message(&*panic))) {
            checks.record("installed, started and run to the end", Err(said));
        } else if checks.rows.is_empty() {
            checks.record("anything at all", Err("nothing was checked".to_owned()));
        }
        checks.rows
    }
}

impl Checks {
    /// Names the version that the following checks run with.
    pub(crate) fn version(&mut self, version: impl Into<String>) {
        self.version = version.into();
    }

    /// Checks one thing; an error or a failed assertion is what the system said.
    ///
    /// Later checks run all the same.
    pub(crate) fn check<E: Display>(&mut self, what: &str, check: impl FnOnce() -> Result<(), E>) {
        let outcome = catch_unwind(AssertUnwindSafe(check));
        self.record(
            what,
            match outcome {
                Ok(outcome) => outcome.map_err(|said| said.to_string()),
                Err(panic) => Err(message(&*panic)),
            },
        );
    }

    fn record(&mut self, checked: &str, outcome: Result<(), String>) {
        self.rows.push(Row {
            system: self.system,
            version: self.version.clone(),
            checked: checked.to_owned(),
            outcome,
        });
    }
}

/// Failed assertions are rows of the table; no need to print them twice.
pub(crate) fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|_| {}));
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "panicked without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(check: fn(&Lab, &mut Checks) -> Result<(), String>) -> Vec<Row> {
        System { name: "system", check }.run(&Lab::new())
    }

    #[test]
    fn failures_become_rows_and_later_checks_run() {
        let rows = rows(|_, checks| {
            checks.version("1.2");
            checks.check("says no", || Err("no"));
            checks.check("asserts", || {
                assert_eq!(1, 2, "one is two");
                Ok::<(), String>(())
            });
            checks.check("passes", || Ok::<(), String>(()));
            Err("and then it stopped".to_owned())
        });
        let outcomes: Vec<_> =
            rows.iter().map(|row| (row.checked.as_str(), row.outcome.is_ok())).collect();
        assert_eq!(
            outcomes,
            [
                ("says no", false),
                ("asserts", false),
                ("passes", true),
                ("installed, started and run to the end", false),
            ]
        );
        assert!(rows.iter().all(|row| row.version == "1.2"), "{rows:?}");
        assert!(rows[1].outcome.as_ref().is_err_and(|said| said.contains("one is two")));
    }

    #[test]
    fn a_system_of_which_nothing_was_checked_has_failed() {
        assert!(rows(|_, _| Ok(()))[0].outcome.is_err());
    }
}
