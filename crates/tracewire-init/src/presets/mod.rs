//! The variables of vendors. Each vendor's file fills the settings that its variables stand for.
//!
//! What code says wins over `OTEL_*`, and `OTEL_*` over a vendor's. Where to send and the credentials
//! for it go together: once a standard variable or code says where, no credential of a vendor is sent
//! there.

mod datadog;
mod elastic;
mod uptrace;

use opentelemetry::KeyValue;
use tracewire_export::Protocol;

use crate::builder::Otlp;
use crate::config::otlp::Endpoint;
use crate::config::sampling::{Root, SamplerChoice};
use crate::error::InitError;
use crate::features;
use crate::settings::{Given, Layer, Merge, Setting, from_variable};
use crate::variables::{Reader, map, parse};

/// Reads the variables of the vendors whose features are compiled in. `stronger` is what code and the
/// standard variables say.
///
/// # Errors
///
/// One of them cannot be used.
pub(crate) fn read(reader: &mut Reader<'_>, stronger: &Layer) -> Result<Layer, InitError> {
    type Preset = fn(&mut Reader<'_>, &Context) -> Result<Layer, InitError>;
    const PRESETS: [(bool, Preset); 3] = [
        (features::UPTRACE, uptrace::read),
        (features::ELASTIC_APM, elastic::read),
        (features::DATADOG_AGENT, datadog::read),
    ];
    let mut found = Layer::default();
    for (is_compiled_in, preset) in PRESETS {
        if is_compiled_in {
            let says_where = stronger.says_where() || found.says_where();
            let protocol = stronger.otlp.protocol.as_ref().map(|given| given.value);
            let context = Context { says_where, is_grpc: protocol == Some(Protocol::Grpc) };
            let layer = preset(reader, &context)?;
            found.complete(layer, reader.plan);
        }
    }
    Ok(found)
}

/// What stronger settings say that vendors' depend on.
struct Context {
    /// Whether an endpoint is given already.
    says_where: bool,
    /// Whether gRPC is asked for, which has ports of its own.
    is_grpc: bool,
}

impl Context {
    /// Where to send and the headers for it, unless it is said already.
    fn send_to(&self, url: String, headers: &[(&str, String)], from: &str) -> Otlp {
        if self.says_where {
            return Otlp::default();
        }
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Otlp {
            endpoint: from_variable(from, Endpoint::Base(url)),
            headers: if headers.is_empty() { None } else { from_variable(from, headers) },
            ..Otlp::default()
        }
    }
}

/// The value of `variable` as attributes of the resource with these keys.
fn attributes(
    reader: &mut Reader<'_>,
    variable: &str,
    keys: &[&'static str],
) -> Vec<Given<KeyValue>> {
    let Some(Given { value, origin }) = reader.raw(variable) else { return Vec::new() };
    let attribute = |key: &&'static str| KeyValue::new(*key, value.clone());
    keys.iter().map(|key| Given { value: attribute(key), origin: origin.clone() }).collect()
}

/// The ratio of traces that are recorded where no caller decided.
fn ratio(reader: &mut Reader<'_>, variable: &str) -> Setting<SamplerChoice> {
    map(reader.read(variable, parse::ratio), |ratio| SamplerChoice::Named {
        root: Root::Ratio(ratio),
        is_parent_based: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::propagators::Formats;
    use crate::plan::Plan;
    use crate::variables::{self, Env};
    use std::collections::BTreeMap;

    /// What one vendor and the standard variables say, by the standard names.
    pub(super) fn applied(
        preset: fn(&mut Reader<'_>, &Context) -> Result<Layer, InitError>,
        variables: &[(&str, &str)],
    ) -> Result<BTreeMap<&'static str, String>, InitError> {
        let (env, mut plan) = (Env::of(variables), Plan::default());
        let mut reader = Reader::new(&env, &mut plan);
        let mut layer = variables::read(&mut reader, &Layer::default())?;
        let protocol = layer.otlp.protocol.as_ref().map(|given| given.value);
        let is_grpc = protocol == Some(Protocol::Grpc);
        let context = Context { says_where: layer.says_where(), is_grpc };
        let preset = preset(&mut reader, &context)?;
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
                SamplerChoice::Named { root: Root::Ratio(ratio), is_parent_based: true } => {
                    format!("parent based {ratio}")
                }
                other => format!("{other:?}"),
            }),
        );
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
