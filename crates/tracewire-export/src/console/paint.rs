//! Colors, on a terminal that wants them.

use std::fmt::{self, Display};

/// Whether text is colored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    pub(crate) on: bool,
}

impl Paint {
    pub(crate) fn bold<T: Display>(self, text: T) -> impl Display {
        self.with("1", text)
    }

    pub(crate) fn dim<T: Display>(self, text: T) -> impl Display {
        self.with("2", text)
    }

    pub(crate) fn red<T: Display>(self, text: T) -> impl Display {
        self.with("31", text)
    }

    pub(crate) fn green<T: Display>(self, text: T) -> impl Display {
        self.with("32", text)
    }

    pub(crate) fn yellow<T: Display>(self, text: T) -> impl Display {
        self.with("33", text)
    }

    pub(crate) fn magenta<T: Display>(self, text: T) -> impl Display {
        self.with("35", text)
    }

    pub(crate) fn cyan<T: Display>(self, text: T) -> impl Display {
        self.with("36", text)
    }

    fn with<T: Display>(self, code: &'static str, text: T) -> Painted<T> {
        Painted { code: self.on.then_some(code), text }
    }
}

struct Painted<T> {
    code: Option<&'static str>,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "\x1b[{code}m{}\x1b[0m", self.text),
            None => self.text.fmt(f),
        }
    }
}
