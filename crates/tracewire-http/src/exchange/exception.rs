//! The error that ended an exchange, for a log record.

use super::{Exchange, Record};
use crate::{
    conventions as c,
    outcome::{ErrorType, Outcome},
    values::{Side, causes},
};
use opentelemetry::KeyValue;
use std::{
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tracewire_propagation::{ExceptionKind, logs_exceptions, record_exception};
use tracewire_text::{cut, display, type_path};

/// The longest message, in bytes.
const LONGEST: usize = 4096;
/// How many causes of an error a message has at most.
const CAUSES: usize = 8;

/// An error as it may be exported.
#[derive(Debug)]
pub(super) struct Thrown {
    /// The path of its type, where that says something.
    path: Option<&'static str>,
    /// What it and its causes say.
    message: Option<String>,
}

impl Exchange {
    /// Notes the error that is about to end the exchange, where exceptions are log records.
    ///
    /// `E` is its type, and `error` itself is there if that type is known to be an error.
    pub fn set_error<E: ?Sized>(&mut self, error: Option<&(dyn Error + 'static)>) {
        if !self.is_recorded() || !logs_exceptions() {
            return;
        }
        let thrown = Thrown { path: type_path::<E>(), message: error.and_then(message) };
        self.note(|record| record.thrown = Some(Box::new(thrown)));
    }
}

/// What an error and its causes say, without what the ones before have said already.
fn message(error: &(dyn Error + 'static)) -> Option<String> {
    // `Display` is other people's code.
    let said = AssertUnwindSafe(|| {
        let mut message = String::new();
        for cause in causes(error).take(CAUSES) {
            let text = display(cause, LONGEST);
            if !message.contains(&text) {
                message.push_str(if message.is_empty() { "" } else { ": " });
                message.push_str(&text);
            }
        }
        cut(message, LONGEST).into_owned()
    });
    catch_unwind(said).ok().filter(|message| !message.is_empty())
}

impl Record {
    /// Records the exception that ended the exchange, if one did, where exceptions are log records.
    ///
    /// A status code is none, and neither is a caller who went away.
    pub(super) fn log_exception(&self, outcome: Outcome) {
        let ((Some(Some(error)), _) | (_, Outcome::Failed(error))) = (self.verdict, outcome) else {
            return;
        };
        let kind = match (self.side, self.rpc.is_some()) {
            (Side::Server, false) => ExceptionKind::HttpServer,
            (Side::Server, true) => ExceptionKind::RpcServer,
            (Side::Client, false) => ExceptionKind::HttpClient,
            (Side::Client, true) => ExceptionKind::RpcClient,
        };
        // The log's processors are other people's code.
        let record = || record_exception(&self.context, self.exception(error), kind);
        let _ = catch_unwind(AssertUnwindSafe(record));
    }

    fn exception(&self, error: ErrorType) -> Vec<KeyValue> {
        let thrown = self.thrown.as_deref();
        let path = thrown.and_then(|thrown| thrown.path).unwrap_or(error.as_str());
        let message = thrown.and_then(|thrown| thrown.message.clone());
        let message = message.map(|text| KeyValue::new(c::EXCEPTION_MESSAGE, text));
        [Some(KeyValue::new(c::EXCEPTION_TYPE, path)), message].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fmt, io};

    #[derive(Debug)]
    struct Told(&'static str, Option<Box<dyn Error>>);

    impl fmt::Display for Told {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            assert_ne!(self.0, "panic");
            f.write_str(self.0)
        }
    }

    impl Error for Told {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref()
        }
    }

    fn told(text: &'static str, cause: Option<Box<dyn Error>>) -> Option<Box<dyn Error>> {
        Some(Box::new(Told(text, cause)))
    }

    #[test]
    fn a_message_has_every_cause_once_and_no_secret() {
        for (error, expected) in [
            (told("a", None), Some("a")),
            (told("a", told("b", told("c", None))), Some("a: b: c")),
            (told("a: b", told("b", told("c", None))), Some("a: b: c")),
            (told("", told("b", None)), Some("b")),
            (told("", None), None),
            (told("a", told("panic", None)), None),
            (
                told("no answer from http://ada:pw@host/?token=x", None),
                Some("no answer from http://REDACTED:REDACTED@host/?REDACTED"),
            ),
        ] {
            let error = error.unwrap();
            assert_eq!(message(&*error).as_deref(), expected, "{error:?}");
        }
        let error = io::Error::new(io::ErrorKind::TimedOut, "too late");
        assert_eq!(message(&error).as_deref(), Some("too late"));
    }

    #[test]
    fn a_message_is_bounded() {
        let long: &'static str = "x".repeat(100_000).leak();
        let message = message(&Told(long, told("y", None))).unwrap();
        assert!(message.len() <= LONGEST, "{}", message.len());
        let mut error = told("end", None);
        for number in 0..20 {
            let text: &'static str = format!("<{number}>").leak();
            error = told(text, error);
        }
        assert_eq!(super::message(&*error.unwrap()).unwrap().matches('<').count(), CAUSES);
    }
}
