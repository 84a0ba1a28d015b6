//! Baggage: values that travel with a request to every service it reaches.
//!
//! ```
//! use tracewire_span::baggage;
//!
//! baggage::set("tenant", "acme").in_scope(|| {
//!     assert_eq!(baggage::get("tenant").as_deref(), Some("acme"));
//! });
//! assert_eq!(baggage::get("tenant"), None);
//! ```
//!
//! Every service that receives the request can read its baggage, so keep secrets out of it. Keys are
//! tokens of visible ASCII. At most 64 entries and 8192 bytes are kept, as [W3C Baggage] requires; an
//! entry that breaks one of these rules is left out.
//!
//! [W3C Baggage]: https://www.w3.org/TR/baggage/#limits

use crate::Carried;
use opentelemetry::{
    Context,
    baggage::{Baggage, BaggageExt},
};
use tracewire_propagation::current;

/// Returns the value of a key in the current context.
///
/// ```
/// use tracewire_span::baggage;
///
/// baggage::set("tenant", "acme").in_scope(|| {
///     assert_eq!(baggage::get("tenant").as_deref(), Some("acme"));
/// });
/// ```
#[must_use]
pub fn get(key: &str) -> Option<String> {
    current::with(|context| context.baggage().get(key).map(ToString::to_string))
}

/// Returns all entries of the current context, sorted by key.
///
/// ```
/// use tracewire_span::baggage;
///
/// baggage::set("tenant", "acme").set("plan", "free").in_scope(|| {
///     let keys: Vec<_> = baggage::entries().into_iter().map(|(key, _)| key).collect();
///     assert_eq!(keys, ["plan", "tenant"]);
/// });
/// ```
#[must_use]
pub fn entries() -> Vec<(String, String)> {
    let mut entries: Vec<_> = current::with(|context| {
        let baggage = context.baggage().iter();
        baggage.map(|(key, (value, _))| (key.to_string(), value.to_string())).collect()
    });
    entries.sort();
    entries
}

/// Sets an entry for a future or a scope.
///
/// ```
/// # use tracewire_span::baggage;
/// # async fn handle() {}
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// baggage::set("tenant", "acme").set("plan", "free").run(handle()).await;
/// # });
/// ```
pub fn set(key: impl Into<String>, value: impl Into<String>) -> Change {
    Change::default().set(key, value)
}

/// Removes an entry for a future or a scope.
///
/// ```
/// use tracewire_span::baggage;
///
/// baggage::set("card", "4111").in_scope(|| {
///     // Calls in here do not send it.
///     baggage::remove("card").in_scope(|| assert_eq!(baggage::get("card"), None));
/// });
/// ```
pub fn remove(key: impl Into<String>) -> Change {
    Change::default().remove(key)
}

/// Removes all baggage for a future or a scope.
///
/// ```
/// use tracewire_span::baggage;
///
/// baggage::set("tenant", "acme").in_scope(|| {
///     baggage::clear().in_scope(|| assert!(baggage::entries().is_empty()));
/// });
/// ```
pub fn clear() -> Change {
    Change { clear: true, edits: Vec::new() }
}

/// A change to the current baggage, for a future or a scope.
///
/// ```
/// use tracewire_span::baggage;
///
/// # async fn charge() {}
/// # async fn example() {
/// let change = baggage::set("tenant", "acme").remove("card");
/// change.run(charge()).await;
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "the change takes effect with `run`, `in_scope` or `context`"]
pub struct Change {
    clear: bool,
    edits: Vec<(String, Option<String>)>,
}

impl Change {
    /// Sets another entry.
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.edits.push((key.into(), Some(value.into())));
        self
    }

    /// Removes another entry.
    pub fn remove(mut self, key: impl Into<String>) -> Self {
        self.edits.push((key.into(), None));
        self
    }

    /// Wraps a future, a stream or a sink, which then runs with the changed baggage.
    pub fn run<T>(self, work: T) -> Carried<T> {
        Carried::new(work, self.context())
    }

    /// Runs a closure with the changed baggage.
    pub fn in_scope<T>(self, scope: impl FnOnce() -> T) -> T {
        let _attached = current::attach(self.context());
        scope()
    }

    /// Returns the current context with the changed baggage.
    #[must_use]
    pub fn context(self) -> Context {
        current::with(|current| {
            let mut baggage = Baggage::new();
            if !self.clear {
                for (key, (value, metadata)) in current.baggage() {
                    baggage.insert_with_metadata(key.clone(), value.clone(), metadata.clone());
                }
            }
            for (key, value) in self.edits {
                match value {
                    Some(value) => drop(baggage.insert(key, value)),
                    None => drop(baggage.remove(key)),
                }
            }
            current.with_baggage(baggage)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span;

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn entries_are_set_changed_and_removed_for_a_scope() {
        set("tenant", "acme").set("plan", "free").in_scope(|| {
            assert_eq!(entries(), [pair("plan", "free"), pair("tenant", "acme")]);
            set("plan", "paid").in_scope(|| assert_eq!(get("plan").as_deref(), Some("paid")));
            remove("plan").in_scope(|| assert_eq!(entries(), [pair("tenant", "acme")]));
            clear().set("a", "b").in_scope(|| assert_eq!(entries(), [pair("a", "b")]));
            assert_eq!(get("plan").as_deref(), Some("free"));
        });
        assert_eq!(entries(), []);
    }

    #[tokio::test]
    async fn entries_are_set_for_a_future_across_its_awaits() {
        let seen = set("tenant", "acme")
            .run(async {
                tokio::task::yield_now().await;
                span("inner").run(async { get("tenant") }).await
            })
            .await;
        assert_eq!(seen.as_deref(), Some("acme"));
        assert_eq!(get("tenant"), None);
    }

    #[test]
    fn an_entry_that_breaks_the_rules_is_left_out() {
        set("not a token", "x").set("good", "1").set("big", "y".repeat(9000)).in_scope(|| {
            assert_eq!(entries(), [pair("good", "1")]);
        });
    }
}
