//! Several propagators as one.

use crate::propagator::Propagator;
use http::{HeaderMap, HeaderName};
use opentelemetry::Context;
use std::sync::Arc;

/// Several propagators, tried in order.
///
/// Each adds to what the ones before it found. Of several formats that carry a trace the last one
/// with valid headers wins, with its ids and its sampling state; one that finds nothing changes
/// nothing. Baggage adds to the trace. All of them write.
///
/// # Examples
///
/// ```
/// # #[cfg(all(feature = "tracecontext", feature = "b3"))] {
/// use tracewire_propagation::{B3, Composite, Propagator, TraceContext};
///
/// let propagator = Composite::new().and(B3::single()).and(TraceContext::new());
/// assert_eq!(propagator.header_names(), ["b3", "traceparent", "tracestate"]);
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Composite {
    propagators: Vec<Arc<dyn Propagator>>,
    header_names: Vec<HeaderName>,
}

impl Composite {
    /// Creates a composite of no propagators, which reads and writes nothing.
    pub const fn new() -> Self {
        Self { propagators: Vec::new(), header_names: Vec::new() }
    }

    /// Adds a propagator, to be tried after the ones before it.
    pub fn and(self, propagator: impl Propagator + 'static) -> Self {
        self.and_shared(Arc::new(propagator))
    }

    fn and_shared(mut self, propagator: Arc<dyn Propagator>) -> Self {
        for name in propagator.header_names() {
            if !self.header_names.contains(name) {
                self.header_names.push(name.clone());
            }
        }
        self.propagators.push(propagator);
        self
    }
}

impl FromIterator<Arc<dyn Propagator>> for Composite {
    fn from_iter<I: IntoIterator<Item = Arc<dyn Propagator>>>(propagators: I) -> Self {
        propagators.into_iter().fold(Self::new(), Self::and_shared)
    }
}

impl Propagator for Composite {
    fn extract(&self, headers: &HeaderMap, parent: &Context) -> Context {
        let Some((first, rest)) = self.propagators.split_first() else {
            return parent.clone();
        };
        let context = first.extract(headers, parent);
        rest.iter().fold(context, |context, propagator| propagator.extract(headers, &context))
    }

    fn inject(&self, context: &Context, headers: &mut HeaderMap) {
        for propagator in &self.propagators {
            propagator.inject(context, headers);
        }
    }

    fn header_names(&self) -> &[HeaderName] {
        &self.header_names
    }
}

#[cfg(all(test, feature = "tracecontext", feature = "baggage", feature = "b3"))]
mod tests {
    use super::*;
    use crate::{B3, Baggage, SamplingHint, TraceContext};
    use opentelemetry::{baggage::BaggageExt, trace::TraceContextExt};

    const W3C: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const ZIPKIN: &str = "11111111111111111111111111111111-2222222222222222-0";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_static(name), http::HeaderValue::from_static(value))
            })
            .collect()
    }

    fn extract<const N: usize>(
        propagators: [Arc<dyn Propagator>; N],
        pairs: &[(&'static str, &'static str)],
    ) -> (String, bool, Option<SamplingHint>, usize) {
        let context = Composite::from_iter(propagators).extract(&headers(pairs), &Context::new());
        let span = context.span().span_context().clone();
        let hint = context.get().copied();
        (span.span_id().to_string(), span.is_sampled(), hint, context.baggage().len())
    }

    #[test]
    fn the_last_valid_one_wins() {
        let w3c: Arc<dyn Propagator> = Arc::new(TraceContext::new());
        let b3: Arc<dyn Propagator> = Arc::new(B3::single());
        let both = [("traceparent", W3C), ("b3", ZIPKIN)];
        let w3c_won = ("b7ad6b7169203331".to_owned(), true, None, 0);
        let b3_won = ("2222222222222222".to_owned(), false, None, 0);
        assert_eq!(extract([b3.clone(), w3c.clone()], &both), w3c_won);
        assert_eq!(extract([w3c.clone(), b3.clone()], &both), b3_won);
        let broken = [("traceparent", "broken"), ("b3", ZIPKIN)];
        assert_eq!(extract([b3.clone(), w3c.clone()], &broken), b3_won);
        let broken = [("traceparent", W3C), ("b3", "broken")];
        assert_eq!(extract([w3c.clone(), b3.clone()], &broken), w3c_won);
    }

    #[test]
    fn the_loser_s_hint_goes_with_it() {
        let order: [Arc<dyn Propagator>; 2] =
            [Arc::new(B3::single()), Arc::new(TraceContext::new())];
        let deferred = &ZIPKIN[..49];
        for b3 in [deferred, "0", "1", "d", "11111111111111111111111111111111-2222222222222222-d"] {
            let (id, sampled, hint, _) =
                extract(order.clone(), &[("traceparent", W3C), ("b3", b3)]);
            assert_eq!((&*id, sampled), ("b7ad6b7169203331", true), "{b3}");
            assert_eq!(hint, Some(SamplingHint::Settled), "{b3}");
        }
    }

    #[test]
    fn baggage_is_independent() {
        let order: [Arc<dyn Propagator>; 3] =
            [Arc::new(Baggage::new()), Arc::new(B3::single()), Arc::new(TraceContext::new())];
        let headers = [("traceparent", W3C), ("baggage", "b=1,a=2")];
        assert_eq!(extract(order.clone(), &headers).3, 2);
        assert_eq!(extract(order.clone(), &[("baggage", "b=1,a=2")]).3, 2);
        let context =
            Composite::from_iter(order.clone()).extract(&self::headers(&headers), &Context::new());
        let mut sent = HeaderMap::new();
        Composite::from_iter(order).inject(&context, &mut sent);
        assert_eq!(sent["traceparent"], W3C);
        assert_eq!(sent["baggage"], "b=1,a=2");
        assert_eq!(sent["b3"], "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1");
        assert_eq!(sent.len(), 3);
    }

    #[test]
    fn none_at_all_reads_and_writes_nothing() {
        let empty = Composite::default();
        let context = empty.extract(&headers(&[("traceparent", W3C)]), &Context::new());
        assert!(!context.has_active_span());
        assert!(empty.header_names().is_empty());
    }
}
