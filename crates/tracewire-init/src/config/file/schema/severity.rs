//! The 24 severities of log records, by their names.

use crate::config::file::position::Spanned;
use crate::config::file::read::Cursor;
use tracewire_export::wiring::log::Level;

/// The number of a severity: 1 is `trace`, 9 `info`, 24 `fatal4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Severity(pub(crate) u8);

impl Severity {
    /// How much this crate logs. It returns its errors, so `error` and `fatal` are silence.
    pub(crate) fn level(self) -> Level {
        match self.0 {
            ..=8 => Level::Debug,
            9..=12 => Level::Info,
            13..=16 => Level::Warn,
            _ => Level::Off,
        }
    }
}

#[rustfmt::skip]
const NAMES: [&str; 24] = [
    "trace", "trace2", "trace3", "trace4", "debug", "debug2", "debug3", "debug4",
    "info", "info2", "info3", "info4", "warn", "warn2", "warn3", "warn4",
    "error", "error2", "error3", "error4", "fatal", "fatal2", "fatal3", "fatal4",
];

pub(super) fn severity(cursor: Cursor<'_>) -> Option<Spanned<Severity>> {
    let words: Vec<_> = (1..).zip(NAMES).map(|(number, name)| (name, Severity(number))).collect();
    cursor.choice(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_severity_has_a_level() {
        for (name, level) in [
            ("trace", Level::Debug),
            ("debug4", Level::Debug),
            ("info", Level::Info),
            ("info4", Level::Info),
            ("warn", Level::Warn),
            ("warn4", Level::Warn),
            ("error", Level::Off),
            ("fatal4", Level::Off),
        ] {
            let number = (1..).zip(NAMES).find(|(_, known)| *known == name).unwrap().0;
            assert_eq!(Severity(number).level(), level, "{name}");
        }
    }
}
