//! The programs of docs/migrating.md in one executable; the first argument names the one to run.
#![allow(clippy::print_stdout)] // what the programs print is read by the tests

use std::error::Error;

/// Each program as a module of its own, with its `main` under the file's name.
macro_rules! programs {
    ($($name:ident)*) => {
        $(mod $name {
            include!(concat!("programs/", stringify!($name), ".rs"));

            pub(super) fn run() -> Result<(), Box<dyn Error>> {
                main()
            }
        })*

        fn run(name: &str) -> Result<(), Box<dyn Error>> {
            match name {
                $(stringify!($name) => $name::run(),)*
                _ => Err(format!("no program is named {name:?}").into()),
            }
        }
    };
}

programs! {
    axum_tracing_opentelemetry_before axum_tracing_opentelemetry_after
    instrumentation_tower_before instrumentation_tower_after
    opentelemetry_otlp_before opentelemetry_otlp_after
    reqwest_tracing_before reqwest_tracing_after
    tower_otel_before tower_otel_after
    trace_layer_before trace_layer_after
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&std::env::args().nth(1).unwrap_or_default())
}
