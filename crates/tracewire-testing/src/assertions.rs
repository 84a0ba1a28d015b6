//! What a test says about one span.

use crate::{
    span::{Event, Span},
    tree::{Detail, tree},
    value::{sorted, written},
};
use opentelemetry::{
    KeyValue, Value,
    trace::{SpanKind, Status},
};

impl Span {
    /// Asserts that the span has this attribute, once.
    ///
    /// # Panics
    ///
    /// If it has not, or with another value or type, or has a second one of this key.
    #[track_caller]
    pub fn has(&self, key: &str, value: impl Into<Value>) -> &Self {
        let expected = KeyValue::new(key.to_owned(), value);
        let same_key = self.attributes.iter().filter(|own| own.key == expected.key);
        let actual: Vec<_> = same_key.collect();
        if actual != [&expected] {
            let actual: Vec<_> = actual.into_iter().map(written).collect();
            let actual = if actual.is_empty() { format!("no {key}") } else { actual.join(" and ") };
            self.fail(&format!("{}, but found {actual}", written(&expected)));
        }
        self
    }

    /// Asserts that the span has no attribute of this key.
    ///
    /// # Panics
    ///
    /// If it has one.
    #[track_caller]
    pub fn has_no(&self, key: &str) -> &Self {
        if let Some(own) = self.attributes.iter().find(|own| own.key.as_str() == key) {
            self.fail(&format!("no {key}, but found {}", written(own)));
        }
        self
    }

    /// Asserts that the span has these attributes and no others, in any order.
    ///
    /// # Panics
    ///
    /// If one is missing, differs, or is there in addition.
    #[track_caller]
    pub fn has_exactly<V: Into<Value>>(
        &self,
        expected: impl IntoIterator<Item = (&'static str, V)>,
    ) -> &Self {
        let expected = sorted(expected.into_iter().map(|(key, value)| KeyValue::new(key, value)));
        if self.attributes != expected {
            let expected: Vec<_> = expected.iter().map(written).collect();
            self.fail(&format!("exactly these attributes:\n  {}", expected.join("\n  ")));
        }
        self
    }

    /// Asserts the kind.
    ///
    /// # Panics
    ///
    /// If it is another.
    #[track_caller]
    pub fn is_kind(&self, kind: SpanKind) -> &Self {
        if self.kind != kind {
            self.fail(&format!("kind {kind:?}, but found {:?}", self.kind));
        }
        self
    }

    /// Asserts the status.
    ///
    /// # Panics
    ///
    /// If it is another.
    #[track_caller]
    pub fn is_status(&self, status: Status) -> &Self {
        if self.status != status {
            self.fail(&format!("status {status:?}, but found {:?}", self.status));
        }
        self
    }

    /// Asserts the status Error, with any description.
    ///
    /// # Panics
    ///
    /// If the status is another.
    #[track_caller]
    pub fn is_error(&self) -> &Self {
        if !matches!(self.status, Status::Error { .. }) {
            self.fail(&format!("status Error, but found {:?}", self.status));
        }
        self
    }

    /// Asserts that there is no parent, here or elsewhere.
    ///
    /// # Panics
    ///
    /// If there is one.
    #[track_caller]
    pub fn is_root(&self) -> &Self {
        if self.parent_span_id.is_some() {
            self.fail("no parent");
        }
        self
    }

    /// Asserts that this span is the parent.
    ///
    /// # Panics
    ///
    /// If the parent is another, or there is none.
    #[track_caller]
    pub fn is_child_of(&self, parent: &Self) -> &Self {
        if self.parent_span_id != Some(parent.span_id) || self.trace_id != parent.trace_id {
            self.fail(&format!("the parent {:?}", parent.name));
        }
        self
    }

    /// Asserts that there is one event of this name, and gives it.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one.
    #[track_caller]
    pub fn event(&self, name: &str) -> &Event {
        let mut events = self.events.iter().filter(|event| event.name == name);
        match (events.next(), events.next()) {
            (Some(event), None) => event,
            (None, _) => self.fail(&format!("an event {name:?}")),
            (Some(_), Some(_)) => self.fail(&format!("one event {name:?}, but found several")),
        }
    }

    #[track_caller]
    fn fail(&self, expected: &str) -> ! {
        let all = self.family.as_deref().unwrap_or(std::slice::from_ref(self));
        let tree = tree(all, Detail::Everything);
        panic!("span {:?}: expected {expected}\n\nall spans:\n{tree}", self.name)
    }
}
