//! What every traced server and every traced client must do, whatever framework it is built on.
//!
//! A scenario is one function, generic over the server or client under test. An adapter says how a
//! framework is set up and served or called: [`server::ServerUnderTest`] or
//! [`client::ClientUnderTest`]. [`server_tests!`] and [`client_tests!`] make a named test of each
//! scenario, and an ignored one, with the reason, where it cannot apply.
//!
//! The server that client scenarios call, and what they expect in a capture, also serve the tests
//! of the client crates.
#![allow(clippy::unwrap_used, missing_docs, missing_debug_implementations)] // tests, named as claims

pub mod client;
mod lines;
pub mod server;

pub use lines::Lines;

use tracewire_propagation::{Baggage, Composite, TraceContext};

/// What the macros expand to names these.
#[doc(hidden)]
pub mod __private {
    pub use tracewire_http::HeaderSelector;
    pub use tracewire_testing::Capture;
}

/// W3C Trace Context and W3C Baggage, which every scenario propagates.
pub fn propagator() -> Composite {
    Composite::new().and(TraceContext::new()).and(Baggage::new())
}

/// Makes tests of these scenarios with the macro `$one`, or ignored ones where a reason stands in
/// place of `yes`.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    (
        $one:ident, $side:ident, $subject:ty, $arguments:tt, $test:meta, yes,
        $($file:ident { $($scenario:ident)* })*
    ) => {
        $($(
            $one! {
                $scenario #[$test] $crate::$side::scenarios::$file::$scenario::<$subject> $arguments
            }
        )*)*
    };
    (
        $one:ident, $side:ident, $subject:ty, $arguments:tt, $test:meta, $reason:literal,
        $($file:ident { $($scenario:ident)* })*
    ) => {
        $($(
            $crate::__ignored! { $scenario: $reason }
        )*)*
    };
}

/// Makes an ignored test.
#[doc(hidden)]
#[macro_export]
macro_rules! __ignored {
    ($scenario:ident: $reason:literal) => {
        #[test]
        #[ignore = $reason]
        fn $scenario() {
            panic!("does not apply: {}", $reason);
        }
    };
}

/// Defines the macro `$one`, which makes a test of a scenario, an ignored one of an exception.
#[doc(hidden)]
#[macro_export]
macro_rules! __define {
    ($one:ident $($exceptions:tt)*) => {
        $crate::__define_with! { ($) $one $($exceptions)* }
    };
}

/// The same, with a `$` for the macro that is defined.
#[doc(hidden)]
#[macro_export]
macro_rules! __define_with {
    (($d:tt) $one:ident $($exception:ident: $reason:literal,)*) => {
        macro_rules! $one {
            $(
                ($exception $d($d rest:tt)*) => {
                    $crate::__ignored! { $exception: $reason }
                };
            )*
            ($d scenario:ident #[$d test:meta] $d($d call:tt)*) => {
                #[$d test]
                async fn $d scenario() {
                    $d($d call)* .await;
                }
            };
        }
    };
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    /// A scenario that no macro lists would run nowhere.
    #[test]
    fn every_scenario_is_listed() {
        for side in ["server", "client"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(side);
            let list = fs::read_to_string(folder.join("scenarios/mod.rs")).unwrap();
            let mut count = 0;
            for file in fs::read_dir(folder.join("scenarios")).unwrap() {
                let path = file.unwrap().path();
                let file = path.file_stem().unwrap().to_str().unwrap();
                let source = fs::read_to_string(&path).unwrap();
                let scenarios =
                    source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
                for scenario in scenarios.filter_map(|line| line.split('<').next()) {
                    let listed = list.lines().any(|line| line.trim() == scenario);
                    assert!(listed, "{side}/scenarios/{file}.rs: {scenario} is in no list");
                    count += 1;
                }
            }
            assert!(count > 20, "{side}: only {count} scenarios found");
        }
    }
}
