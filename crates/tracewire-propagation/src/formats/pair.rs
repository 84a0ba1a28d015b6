//! Trace Context and Baggage together.

use super::{Baggage, w3c};
use crate::{composite::Composite, propagator::Propagator, tools::read::Single};
use http::{HeaderMap, HeaderName};
use opentelemetry::Context;

/// In a message with more headers they are looked up one by one.
const MANY: usize = 32;

/// Trace Context and Baggage, as nearly every service has them. It does what both do one after the
/// other, but finds their three headers in one pass, which costs less than looking each of them up.
#[derive(Debug)]
pub(crate) struct TraceContextAndBaggage {
    both: Composite,
}

impl TraceContextAndBaggage {
    /// `both` has the two formats and no other.
    pub(crate) const fn new(both: Composite) -> Self {
        Self { both }
    }
}

impl Propagator for TraceContextAndBaggage {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        if headers.len() > MANY {
            return self.both.extract(headers, parent);
        }
        let mut traceparent = Single::Absent;
        let (mut has_state, mut has_baggage) = (false, false);
        for (name, value) in headers {
            match name.as_str() {
                "traceparent" => {
                    traceparent = match traceparent {
                        Single::Absent => Single::One(value.as_bytes()),
                        Single::One(_) | Single::Many => Single::Many,
                    }
                }
                "tracestate" => has_state = true,
                "baggage" => has_baggage = true,
                _ => {}
            }
        }
        let context = w3c::extract_value(traceparent, has_state, headers, parent);
        if has_baggage {
            return Baggage::new().extract(headers, context.as_ref().unwrap_or(parent));
        }
        context.unwrap_or_else(|| parent.clone())
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        self.both.inject(context, headers);
    }

    fn header_names(&self) -> &[HeaderName] {
        self.both.header_names()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TraceContext;
    use http::HeaderValue;
    use opentelemetry::{baggage::BaggageExt, trace::TraceContextExt};
    use proptest::prelude::*;

    fn both() -> Composite {
        Composite::new().and(TraceContext::new()).and(Baggage::new())
    }

    /// What can be seen of a context, and what goes on from it.
    fn seen(propagator: &dyn Propagator, headers: &HeaderMap) -> (String, usize, HeaderMap) {
        let context = propagator.extract(headers, &Context::new());
        let mut sent = HeaderMap::new();
        propagator.inject(&context, &mut sent);
        (format!("{:?}", context.span().span_context()), context.baggage().len(), sent)
    }

    proptest! {
        #[test]
        fn it_does_what_both_do(
            lines in proptest::collection::vec(
                (
                    prop_oneof![
                        Just("traceparent"), Just("tracestate"), Just("baggage"), Just("accept"),
                    ],
                    prop_oneof![
                        Just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
                        Just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02"),
                        Just("00-0-0-0"),
                        Just("a=1"),
                        Just("b=2,c=%20;p"),
                        Just("0@@x=1,ot=th:c"),
                        Just("\t"),
                    ],
                ),
                0..6,
            ),
            others in prop_oneof![Just(0_usize), Just(40)],
        ) {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(name, HeaderValue::from_static(value));
            }
            for other in 0..others {
                let name = format!("x-{other}").parse::<HeaderName>().unwrap();
                headers.insert(name, HeaderValue::from_static("1"));
            }
            let pair = TraceContextAndBaggage::new(both());
            prop_assert_eq!(seen(&pair, &headers), seen(&both(), &headers));
        }
    }
}
