//! The variables of vendors. Each vendor's file fills the settings that its variables stand for.
//!
//! What code says wins over `OTEL_*`, and `OTEL_*` over a vendor's. Where to send and the credentials
//! for it go together: once a standard variable or code says where, no credential of a vendor is sent
//! there.

#[cfg(feature = "datadog-agent")]
mod datadog;
#[cfg(not(feature = "datadog-agent"))]
#[path = "../without/datadog.rs"]
mod datadog;
mod elastic;
mod unread;
mod uptrace;

use opentelemetry::KeyValue;
use tracewire_export::Protocol;
use tracewire_export::wiring::Shown;

use crate::builder::Otlp;
use crate::config::otlp::Endpoint;
use crate::error::InitError;
use crate::features;
use crate::plan::Origin;
use crate::settings::{Given, Layer, Merge, Setting};
use crate::variables::Reader;

/// Reads the variables of the vendors whose features are compiled in. `stronger` is what code and the
/// standard variables say; what code says in the words of vendors is taken out of it.
///
/// # Errors
///
/// One of them cannot be used, or code names a vendor whose feature is not compiled in.
pub(crate) fn read(reader: &mut Reader<'_>, stronger: &mut Layer) -> Result<Layer, InitError> {
    refuse_missing(stronger)?;
    let mut found = Layer::default();
    for (_, preset) in PRESETS.iter().filter(|(is_compiled_in, _)| *is_compiled_in) {
        let says_where = stronger.says_where() || found.says_where();
        let context = Context { says_where, ..Context::of(stronger) };
        let layer = preset(reader, stronger, &context)?;
        found.complete(layer, reader.plan);
    }
    Ok(found)
}

type Preset = fn(&mut Reader<'_>, &mut Layer, &Context) -> Result<Layer, InitError>;

const PRESETS: [(bool, Preset); 3] = [
    (features::UPTRACE, uptrace::read),
    (features::ELASTIC_APM, elastic::read),
    (features::DATADOG_AGENT, datadog::read),
];

fn refuse_missing(code: &Layer) -> Result<(), InitError> {
    let vendors = [
        ("Builder::uptrace", code.uptrace.is_empty() || features::UPTRACE, "uptrace"),
        ("Builder::elastic", code.elastic.is_empty() || features::ELASTIC_APM, "elastic-apm"),
        ("Builder::datadog", code.datadog.is_empty() || features::DATADOG_AGENT, "datadog-agent"),
    ];
    match vendors.into_iter().find(|(_, is_possible, _)| !is_possible) {
        None => Ok(()),
        Some((method, _, feature)) => {
            let allowed = format!("it needs the cargo feature `{feature}`");
            Err(InitError::not_compiled_in(method, &Shown::nothing(), &allowed))
        }
    }
}

/// What stronger settings say that vendors' depend on.
struct Context {
    /// Whether an endpoint is given already.
    says_where: bool,
    /// Whether gRPC is asked for, which has ports of its own.
    is_grpc: bool,
    /// Whether any signal is to be sent as JSON.
    is_json: bool,
}

impl Context {
    fn of(layer: &Layer) -> Self {
        let is =
            |otlp: &Otlp, protocol| otlp.protocol.as_ref().is_some_and(|p| p.value == protocol);
        let signals = [&layer.otlp, &layer.traces.otlp, &layer.metrics.otlp, &layer.logs.otlp];
        Self {
            says_where: layer.says_where(),
            is_grpc: is(&layer.otlp, Protocol::Grpc),
            is_json: signals.iter().any(|otlp| is(otlp, Protocol::HttpJson)),
        }
    }

    /// Where to send and the headers for it, unless it is said already.
    fn send_to(&self, url: String, headers: &[(&str, String)], from: &Origin) -> Otlp {
        if self.says_where {
            return Otlp::default();
        }
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let given = Given { value: Endpoint::Base(url), origin: from.clone() };
        Otlp {
            endpoint: Some(given),
            headers: (!headers.is_empty()).then(|| Given { value: headers, origin: from.clone() }),
            ..Otlp::default()
        }
    }
}

/// The value as attributes of the resource with these keys.
fn attributes_of(given: Setting<String>, keys: &[&'static str]) -> Vec<Given<KeyValue>> {
    let Some(Given { value, origin }) = given else { return Vec::new() };
    let attribute = |key: &&'static str| KeyValue::new(*key, value.clone());
    keys.iter().map(|key| Given { value: attribute(key), origin: origin.clone() }).collect()
}

/// The value as an attribute of the resource.
fn attribute(given: Setting<String>, key: &'static str) -> Setting<KeyValue> {
    given.map(|given| given.map(|value| KeyValue::new(key, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::propagators::Formats;
    use crate::config::sampling::SamplerChoice;
    use crate::plan::Plan;
    use crate::variables::{self, Env};
    use std::collections::BTreeMap;

    /// What one vendor and the standard variables say, by the standard names.
    pub(super) fn applied(
        preset: Preset,
        variables: &[(&str, &str)],
    ) -> Result<BTreeMap<&'static str, String>, InitError> {
        let (env, mut plan) = (Env::of(variables), Plan::default());
        let mut reader = Reader::new(&env, &mut plan);
        let mut layer = variables::read(&mut reader, &Layer::default())?;
        let context = Context::of(&layer);
        let preset = preset(&mut reader, &mut layer, &context)?;
        layer.complete(preset, reader.plan);
        assert_eq!(plan.warnings().filter(|text| !text.contains("feature")).count(), 0);
        Ok(named(layer))
    }

    fn named(layer: Layer) -> BTreeMap<&'static str, String> {
        let mut map = BTreeMap::new();
        let mut add = |name, value: Option<String>| map.extend(value.map(|value| (name, value)));
        let endpoint = layer.otlp.endpoint.map(|given| match given.value {
            Endpoint::Base(url) | Endpoint::Whole(url) => url,
        });
        add("endpoint", endpoint);
        let pair = |(name, value): &(String, String)| format!("{name}={value}");
        add(
            "headers",
            layer.otlp.headers.map(|given| given.value.iter().map(pair).collect::<String>()),
        );
        add("compression", layer.otlp.compression.map(|given| format!("{:?}", given.value)));
        add("temporality", layer.metrics.temporality.map(|given| format!("{:?}", given.value)));
        add("histograms", layer.metrics.histograms.map(|given| format!("{:?}", given.value)));
        add("name", layer.resource.service_name.map(|given| given.value));
        let mut attributes: Vec<_> = layer
            .resource
            .attributes
            .iter()
            .map(|given| format!("{}={}", given.value.key, given.value.value))
            .collect();
        attributes.sort();
        add("attributes", (!attributes.is_empty()).then(|| attributes.join(",")));
        add(
            "sampler",
            layer.traces.sampler.map(|given| match given.value {
                SamplerChoice::Late(late) => late.shown,
                other => format!("{other:?}"),
            }),
        );
        add("unsampled", layer.traces.unsampled.map(|given| given.value.to_string()));
        add("exporters", layer.traces.exporters.map(|given| format!("{:?}", given.value)));
        add("disabled", layer.disabled.map(|given| given.value.to_string()));
        add("extraction", layer.extraction.map(|given| format!("{:?}", given.value)));
        add("certificate", layer.otlp.certificate_authorities.map(|given| given.value));
        let text = |given: Setting<String>| given.map(|given| given.value).unwrap_or_default();
        add(
            "formats",
            layer.propagators.map(|given| match given.value {
                Formats::Named(names) => names,
                Formats::Split { extract, inject } => format!("{}|{}", text(extract), text(inject)),
                Formats::Given(_) => "given".to_owned(),
            }),
        );
        map
    }

    pub(super) fn map(pairs: &[(&'static str, &str)]) -> BTreeMap<&'static str, String> {
        pairs.iter().map(|&(name, value)| (name, value.to_owned())).collect()
    }

    #[test]
    fn without_their_variables_nothing_is_set() {
        for preset in [uptrace::read, elastic::read, datadog::read] {
            assert_eq!(applied(preset, &[]).unwrap(), map(&[]));
        }
    }
}
