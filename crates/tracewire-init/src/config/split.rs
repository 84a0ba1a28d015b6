//! One propagator to read headers and another to write them.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use opentelemetry::Context;
use tracewire_propagation::Propagator;

#[derive(Debug)]
pub(super) struct Split {
    pub(super) extract: Arc<dyn Propagator>,
    pub(super) inject: Arc<dyn Propagator>,
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
    use super::super::propagators::{Formats, choose};
    use super::*;
    use crate::plan::Plan;
    use crate::settings::from_variable;

    #[test]
    fn each_direction_has_its_formats() {
        let given = |name, words: &str| from_variable(name, words.to_owned());
        let formats = Formats::Split {
            extract: given("DD_TRACE_PROPAGATION_STYLE_EXTRACT", "none"),
            inject: given("DD_TRACE_PROPAGATION_STYLE", "tracecontext"),
        };
        let mut plan = Plan::default();
        let split =
            choose(from_variable("DD_TRACE_PROPAGATION_STYLE", formats), &mut plan).unwrap();
        assert_eq!(split.header_names(), ["traceparent", "tracestate"]);
        let mut headers = HeaderMap::new();
        let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.insert("traceparent", value.parse().unwrap());
        let context = split.extract(&headers, &Context::new());
        assert!(!opentelemetry::trace::TraceContextExt::has_active_span(&context));
        assert_eq!(plan.warnings().count(), 0);
    }
}
