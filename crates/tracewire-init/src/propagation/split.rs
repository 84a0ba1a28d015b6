//! One propagator to read headers and another to write them.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use opentelemetry::Context;
use tracewire_propagation::{Propagator, from_names};

use super::VARIABLE;
use crate::env::{Env, Origin};
use crate::error::InitError;
use tracewire_export::wiring::Shown;

/// What a preset calls the names for each direction; no variable can have these names.
pub(crate) const EXTRACT: &str = "OTEL_PROPAGATORS=extract";
pub(crate) const INJECT: &str = "OTEL_PROPAGATORS=inject";

/// `None` if no preset asks for it.
pub(super) fn choose(env: &Env) -> Result<Option<Arc<dyn Propagator>>, InitError> {
    if env.text(EXTRACT).is_none() && env.text(INJECT).is_none() {
        return Ok(None);
    }
    let direction = |name| {
        let words = env.text(name).or_else(|| env.text(VARIABLE)).unwrap_or_default();
        let selection = from_names(&words).map_err(InitError::propagator)?;
        for word in selection.unknown() {
            let variable = env.source_of(name);
            let word = Shown::value(word);
            env.warn(format!("{variable}: {word} is ignored: {}", super::expected()));
        }
        let origin = Origin::Variable(env.source_of(name).to_owned());
        env.decide(name, super::variable_value(selection.names()), origin);
        Ok(selection.propagator())
    };
    Ok(Some(Arc::new(Split { extract: direction(EXTRACT)?, inject: direction(INJECT)? })))
}

#[derive(Debug)]
struct Split {
    extract: Arc<dyn Propagator>,
    inject: Arc<dyn Propagator>,
}

impl Propagator for Split {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        self.extract.extract(headers, parent)
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.inject.inject(context, headers);
    }

    fn header_names(&self) -> &[HeaderName] {
        self.inject.header_names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_has_its_formats() {
        let mut env = Env::of(&[]);
        assert!(choose(&env).unwrap().is_none());
        env.stand_in(EXTRACT, "none".to_owned(), "DD_TRACE_PROPAGATION_STYLE_EXTRACT");
        env.stand_in(VARIABLE, "tracecontext".to_owned(), "DD_TRACE_PROPAGATION_STYLE");
        let split = choose(&env).unwrap().unwrap();
        assert_eq!(split.header_names(), ["traceparent", "tracestate"]);
        let mut headers = HeaderMap::new();
        let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.insert("traceparent", value.parse().unwrap());
        let context = split.extract(&headers, &Context::new());
        assert!(!opentelemetry::trace::TraceContextExt::has_active_span(&context));
        assert_eq!(env.take_warnings(), Vec::<String>::new());
    }
}
