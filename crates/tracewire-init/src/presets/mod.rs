//! The variables of vendors, each as a table over the standard ones.
//!
//! A vendor's variables stand for standard variables that are not set: what code says wins over
//! `OTEL_*`, and `OTEL_*` over a vendor's. Where to send and the credentials for it go together:
//! once a standard variable or code says where, no credential of a vendor is sent there.

#[cfg(feature = "datadog-agent")]
mod datadog;
#[cfg(feature = "elastic-apm")]
mod elastic;
#[cfg(feature = "uptrace")]
mod uptrace;

use std::borrow::Cow;

use tracewire_text::percent;

use tracewire_export::Protocol;

use crate::env::Env;
use crate::error::InitError;
use crate::otlp;

/// Reads the variables of the vendors whose features are compiled in.
///
/// # Errors
///
/// One of them cannot be used.
pub(crate) fn apply(env: &mut Env, code: &otlp::Settings) -> Result<(), InitError> {
    let mut table = Table { env, code };
    #[cfg(feature = "uptrace")]
    uptrace::apply(&mut table)?;
    #[cfg(feature = "elastic-apm")]
    elastic::apply(&mut table)?;
    #[cfg(feature = "datadog-agent")]
    datadog::apply(&mut table)?;
    Ok(())
}

/// What a vendor's variables are written to.
struct Table<'a> {
    env: &'a mut Env,
    code: &'a otlp::Settings,
}

#[cfg_attr(
    not(all(feature = "elastic-apm", feature = "uptrace")),
    allow(dead_code, reason = "each vendor uses its part of the table")
)]
impl Table<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.env.text(name).map(|text| text.trim().to_owned())
    }

    /// Whether gRPC is asked for, which has ports of its own.
    fn is_grpc(&self) -> bool {
        if let Some(protocol) = self.code.protocol {
            return protocol == Protocol::Grpc;
        }
        self.text("OTEL_EXPORTER_OTLP_PROTOCOL")
            .is_some_and(|protocol| protocol.eq_ignore_ascii_case("grpc"))
    }

    /// Sets a standard variable that is not set.
    fn set(&mut self, name: &'static str, value: impl Into<String>, from: &'static str) {
        if self.env.text(name).is_none() {
            self.env.stand_in(name, value.into(), from);
        }
    }

    /// Sets a standard variable that is not set to the vendor's one.
    fn copy(&mut self, name: &'static str, from: &'static str) {
        if let Some(value) = self.text(from) {
            self.set(name, value, from);
        }
    }

    /// Sets where to send and the headers for it, unless it is said already.
    fn send_to(&mut self, url: String, headers: &[(&str, &str)], from: &'static str) {
        const ENDPOINTS: [&str; 4] = [
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        ];
        let is_said = self.code.endpoint.is_some()
            || ENDPOINTS.iter().any(|name| self.env.text(name).is_some());
        if is_said {
            return;
        }
        self.env.stand_in(ENDPOINTS[0], url, from);
        if !headers.is_empty() {
            let pairs: Vec<_> =
                headers.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            self.set("OTEL_EXPORTER_OTLP_HEADERS", pairs.join(","), from);
        }
    }

    /// Adds attributes to the resource, before those that the standard variable names.
    fn resource(&mut self, attributes: &[(&str, String)], from: &'static str) {
        const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
        let mut text: Vec<_> = attributes
            .iter()
            .map(|(key, value)| format!("{}={}", encoded(key), encoded(value)))
            .collect();
        text.extend(self.env.text(NAME));
        self.env.stand_in(NAME, text.join(","), from);
    }

    /// Sets the ratio of traces that are recorded.
    fn sample(&mut self, from: &'static str) {
        if let Some(rate) = self.text(from)
            && self.env.text("OTEL_TRACES_SAMPLER").is_none()
        {
            self.env.stand_in("OTEL_TRACES_SAMPLER", "parentbased_traceidratio".to_owned(), from);
            self.env.stand_in("OTEL_TRACES_SAMPLER_ARG", rate, from);
        }
    }
}

/// With everything percent-encoded that is no letter, digit or one of `-._~/`.
fn encoded(text: &str) -> Cow<'_, str> {
    const ESCAPED: &percent::AsciiSet = &percent::RESERVED.remove(b'/');
    percent::encode(text, ESCAPED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The standard variables after the table, as far as the table or `variables` set them.
    pub(super) fn applied(
        variables: &[(&str, &str)],
    ) -> Result<BTreeMap<&'static str, String>, InitError> {
        const NAMES: [&str; 11] = [
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_HEADERS",
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "OTEL_PROPAGATORS",
            "OTEL_RESOURCE_ATTRIBUTES",
            "OTEL_SERVICE_NAME",
            "OTEL_TRACES_SAMPLER",
            "OTEL_TRACES_SAMPLER_ARG",
            "OTEL_TRACES_EXPORTER",
        ];
        let mut env = Env::of(variables);
        apply(&mut env, &otlp::Settings::default())?;
        assert_eq!(env.take_warnings(), Vec::<String>::new());
        Ok(NAMES.into_iter().filter_map(|name| Some((name, env.text(name)?))).collect())
    }

    pub(super) fn map(pairs: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
        pairs.iter().map(|&(name, value)| (name, value.to_owned())).collect()
    }

    #[test]
    fn without_their_variables_nothing_is_set() {
        assert_eq!(applied(&[]).unwrap(), map(&[]));
    }

    #[test]
    fn what_is_encoded_is_read_back() {
        let text = "a=b,c d%é/~\"";
        let pairs = crate::pairs::read(&format!("key={}", encoded(text))).unwrap();
        assert_eq!(pairs, [("key".to_owned(), text.to_owned())]);
    }
}
