//! What is compiled in is what is used, feature by feature.
//!
//! A build of the whole workspace unifies features, so this file says most when it is run on this
//! crate alone, once for each feature.

use std::sync::Arc;
use tracewire_propagation::{
    Composite, HeaderFormat, default_propagator, default_version, from_names, set_default,
};

fn names(propagator: &dyn tracewire_propagation::Propagator) -> Vec<String> {
    propagator.header_names().iter().map(ToString::to_string).collect()
}

/// The headers that each feature adds, in the order of the default set.
fn expected() -> Vec<&'static str> {
    let mut expected = Vec::new();
    let mut add = |enabled: bool, names: &[&'static str]| {
        if enabled {
            expected.extend(names);
        }
    };
    let datadog = [
        "x-datadog-trace-id",
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "x-datadog-origin",
        "x-datadog-tags",
    ];
    add(cfg!(feature = "datadog"), &datadog);
    add(cfg!(feature = "xray"), &["x-amzn-trace-id"]);
    add(cfg!(feature = "jaeger"), &["uber-trace-id"]);
    add(cfg!(feature = "b3"), &["b3"]);
    add(cfg!(feature = "elastic"), &["elastic-apm-traceparent"]);
    let w3c = cfg!(feature = "tracecontext") || cfg!(feature = "elastic");
    add(w3c, &["traceparent", "tracestate"]);
    add(cfg!(feature = "baggage"), &["baggage"]);
    expected
}

#[test]
fn the_enabled_formats_are_the_default_set() {
    let selection = from_names("").unwrap();
    assert_eq!(names(&selection.propagator()), expected());
    for format in HeaderFormat::ALL {
        assert_eq!(format.is_enabled(), from_names(format.name()).is_ok(), "{format}");
    }
}

// The process's default is one for all tests of this file, so one test alone touches it.
#[test]
fn the_default_can_be_replaced_again_and_again() {
    assert_eq!(names(&default_propagator()), expected());
    let before = default_version();
    set_default(Arc::new(Composite::default()));
    assert_eq!(names(&default_propagator()), Vec::<String>::new());
    assert_ne!(default_version(), before);
    set_default(from_names("").unwrap().propagator());
    assert_eq!(names(&default_propagator()), expected());
}
