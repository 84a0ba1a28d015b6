//! What one request asks for, apart from its client's settings.

use opentelemetry::KeyValue;
use std::{borrow::Cow, fmt};

/// Options of one request, put into its extensions.
///
/// ```
/// use tracewire_http::CallOptions;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(CallOptions::new().template("/users/{id}"));
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct CallOptions {
    pub(crate) untraced: bool,
    pub(crate) unpropagated: bool,
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) template: Option<Cow<'static, str>>,
    pub(crate) attributes: Vec<KeyValue>,
}

/// Leaves out the values of attributes, which may be secrets.
impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.attributes.iter().map(|attribute| attribute.key.as_str());
        f.debug_struct("CallOptions")
            .field("untraced", &self.untraced)
            .field("unpropagated", &self.unpropagated)
            .field("name", &self.name)
            .field("template", &self.template)
            .field("attributes", &keys.collect::<Vec<_>>())
            .finish()
    }
}

impl CallOptions {
    /// No options: the request is treated like every other one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves the request alone: no span, no metric, no headers.
    pub fn untraced(mut self) -> Self {
        self.untraced = true;
        self
    }

    /// Whether the request is left alone.
    pub fn is_untraced(&self) -> bool {
        self.untraced
    }

    /// Whether trace context and baggage are sent with the request. Default: yes.
    ///
    /// With `false` its headers stay as they are, and its span is recorded all the same. Otherwise
    /// the headers of every known format are replaced or removed, even if you set them yourself.
    pub fn propagate(mut self, propagate: bool) -> Self {
        self.unpropagated = !propagate;
        self
    }

    /// Names the span. Default: the method and, if there is one, the template.
    ///
    /// Keep it low in cardinality: backends group by it.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The path's low-cardinality form, such as `/users/{id}`: `url.template`, and part of the
    /// span's name.
    pub fn template(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.template = Some(template.into());
        self
    }

    /// Puts one more attribute on the span, not on the metrics. It is there when the span starts,
    /// so samplers see it.
    pub fn attribute(mut self, attribute: KeyValue) -> Self {
        self.attributes.push(attribute);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_value_of_an_attribute() {
        let options = CallOptions::new().attribute(KeyValue::new("tenant", "SECRET"));
        let shown = format!("{options:?}");
        assert!(shown.contains("tenant") && !shown.contains("SECRET"), "{shown}");
    }
}
