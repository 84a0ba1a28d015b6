//! A trace that goes through a message: its context is injected into a map, and extracted from it.

use std::collections::HashMap;
use tracewire::{
    InitError,
    opentelemetry::{Context, propagation::TextMapPropagator},
    propagation::{TextMap, default_propagator},
    span::span,
};

fn main() -> Result<(), InitError> {
    let telemetry = tracewire::init()?;
    let propagator = TextMap::new(default_propagator());

    let mut headers = HashMap::new();
    span("send").in_scope(|| propagator.inject_context(&Context::current(), &mut headers));

    let parent = propagator.extract(&headers);
    span("receive").parent(parent).in_scope(|| ());

    telemetry.shutdown();
    Ok(())
}
