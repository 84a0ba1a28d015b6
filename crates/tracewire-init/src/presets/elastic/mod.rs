//! Elastic APM Server, by the variables of Elastic's agents.

mod sampler;

use std::mem::take;
use std::sync::Arc;

use opentelemetry::KeyValue;
use tracewire_export::Protocol;
use tracewire_export::wiring::Shown;
use tracewire_sampling::Sampler;

use self::sampler::{RatioInTraceState, rounded};
use super::unread::{self, Vendor};
use super::{Context, attribute, attributes_of};
use crate::builder::{Elastic, Otlp, Resource, Traces};
use crate::config::sampling::{LateSampler, SamplerChoice};
use crate::error::InitError;
use crate::plan::Origin;
use crate::settings::{Given, Layer, Merge, Setting};
use crate::variables::{Reader, parse};

const SERVER: &str = "ELASTIC_APM_SERVER_URL";
const TOKEN: &str = "ELASTIC_APM_SECRET_TOKEN";
const KEY: &str = "ELASTIC_APM_API_KEY";
const RATE: &str = "ELASTIC_APM_TRANSACTION_SAMPLE_RATE";

const VENDOR: Vendor = Vendor {
    prefix: "ELASTIC_APM_",
    tracers: "Elastic's agents",
    page: "docs/elastic.md",
    of_others: &[],
    always_on: &[
        "ELASTIC_APM_OPENTELEMETRY_BRIDGE_ENABLED",
        "ELASTIC_APM_USE_ELASTIC_TRACEPARENT_HEADER",
        "ELASTIC_APM_CENTRAL_CONFIG",
        "ELASTIC_APM_VERIFY_SERVER_CERT",
    ],
};

/// The server takes OTLP of both kinds at its one address.
pub(super) fn read(
    reader: &mut Reader<'_>,
    code: &mut Layer,
    context: &Context,
) -> Result<Layer, InitError> {
    let mut given = take(&mut code.elastic);
    given.complete(variables(reader), reader.plan);
    unread::warn(reader, &VENDOR);
    let otlp = server(&mut given, context)?;
    reader.plan.has_no_effect(&given.server_ca_cert_file, "nothing is sent to Elastic's server");
    let is_used = otlp.endpoint.is_some() || given.transaction_sample_rate.is_some();
    let sampler = match is_used {
        true => Some(choice(&mut given, &otlp)?),
        false => None,
    };
    let enabled = given.enabled.take();
    Ok(Layer {
        disabled: enabled.map(|given| given.map(|is_on| !is_on)).filter(|given| given.value),
        otlp,
        traces: Traces { sampler, ..Traces::default() },
        resource: resource(given),
        ..Layer::default()
    })
}

fn variables(reader: &mut Reader<'_>) -> Elastic {
    let enabled = reader.read("ELASTIC_APM_ENABLED", parse::boolean);
    let recording = reader.read("ELASTIC_APM_RECORDING", parse::boolean);
    Elastic {
        server_url: reader.raw(SERVER),
        secret_token: reader.raw(TOKEN),
        api_key: reader.raw(KEY),
        server_ca_cert_file: reader.raw("ELASTIC_APM_SERVER_CA_CERT_FILE"),
        service_name: reader.raw("ELASTIC_APM_SERVICE_NAME"),
        service_version: reader.raw("ELASTIC_APM_SERVICE_VERSION"),
        service_node_name: reader.raw("ELASTIC_APM_SERVICE_NODE_NAME"),
        environment: reader.raw("ELASTIC_APM_ENVIRONMENT"),
        hostname: reader.raw("ELASTIC_APM_HOSTNAME"),
        global_labels: labels(reader.read("ELASTIC_APM_GLOBAL_LABELS", pairs)),
        transaction_sample_rate: reader.read(RATE, parse::ratio),
        enabled: [enabled, recording].into_iter().flatten().min_by_key(|given| given.value),
    }
}

/// `key=value` pairs with commas between, as they are.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let pair = |text: &str| {
        let (key, value) = text.split_once('=')?;
        let key = key.trim();
        (!key.is_empty()).then(|| (key.to_owned(), value.trim().to_owned()))
    };
    let members = text.split(',').filter(|member| !member.trim().is_empty());
    members
        .map(pair)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| "it must be key=value pairs with commas between".to_owned())
}

fn labels(given: Setting<Vec<(String, String)>>) -> Vec<Given<(String, String)>> {
    let Some(Given { value, origin }) = given else { return Vec::new() };
    value.into_iter().map(|value| Given { value, origin: origin.clone() }).collect()
}

fn server(given: &mut Elastic, context: &Context) -> Result<Otlp, InitError> {
    let key = given.api_key.take().map(|key| key.map(|key| format!("ApiKey {key}")));
    let token = given.secret_token.take().map(|token| token.map(|token| format!("Bearer {token}")));
    let credential = key.or(token);
    let (url, origin) = match (given.server_url.take(), &credential) {
        (None, None) => return Ok(Otlp::default()),
        (None, Some(credential)) => ("http://localhost:8200".to_owned(), credential.origin.clone()),
        (Some(Given { value, origin }), _) => (value, origin),
    };
    let header = credential.map(|given| ("authorization", given.value));
    let mut otlp = context.send_to(url, header.as_slice(), &origin);
    if otlp.endpoint.is_some() {
        if context.is_json {
            return Err(InitError::configuration(
                "OTEL_EXPORTER_OTLP_PROTOCOL",
                &Shown::value(Protocol::HttpJson.name()),
                "Elastic's APM Server does not take OTLP as JSON: use http/protobuf or grpc",
            ));
        }
        otlp.certificate_authorities = given.server_ca_cert_file.take();
    }
    Ok(otlp)
}

/// The rate is written into `tracestate` at the root, even if every trace is sampled, as agents do.
fn choice(given: &mut Elastic, otlp: &Otlp) -> Result<Given<SamplerChoice>, InitError> {
    let server = otlp.endpoint.as_ref().map(|given| given.origin.clone());
    let (rate, origin) = match given.transaction_sample_rate.take() {
        Some(Given { value: rate, origin }) => (rate, Some(origin)),
        None => (1.0, server),
    };
    let origin = origin.unwrap_or(Origin::Default);
    if !(0.0..=1.0).contains(&rate) {
        let name = origin.name("Elastic::transaction_sample_rate");
        let value = Shown::value(&rate.to_string());
        return Err(InitError::configuration(name, &value, "it must be a number from 0 to 1"));
    }
    let shown = format!("parent based, root {} with es=s in tracestate", rounded(rate));
    let make = move |_: &str| Sampler::parent_based(RatioInTraceState::new(rate));
    let value = SamplerChoice::Late(LateSampler { shown, make: Arc::new(make) });
    Ok(Given { value, origin })
}

/// The environment has both of its names, because older servers know the older one only.
fn resource(given: Elastic) -> Resource {
    let labels = given
        .global_labels
        .into_iter()
        .map(|label| label.map(|(key, value)| KeyValue::new(key, value)));
    let mut attributes: Vec<_> = labels.collect();
    let environment = ["deployment.environment", "deployment.environment.name"];
    attributes.extend(attributes_of(given.environment, &environment));
    attributes.extend(attribute(given.service_version, "service.version"));
    attributes.extend(attribute(given.service_node_name, "service.instance.id"));
    attributes.extend(attribute(given.hostname, "host.name"));
    Resource { service_name: given.service_name, attributes, ..Resource::default() }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{applied, map};
    use super::*;

    #[test]
    fn the_agents_variables_stand_for_the_standard_ones() {
        assert_eq!(
            applied(
                read,
                &[
                    (SERVER, "https://apm.example:8200"),
                    (TOKEN, "secret"),
                    ("ELASTIC_APM_SERVICE_NAME", "shop"),
                    ("ELASTIC_APM_SERVICE_VERSION", "1.2"),
                    ("ELASTIC_APM_ENVIRONMENT", "pre prod"),
                    ("ELASTIC_APM_TRANSACTION_SAMPLE_RATE", "0.5"),
                    ("OTEL_RESOURCE_ATTRIBUTES", "team=a"),
                ]
            )
            .unwrap(),
            map(&[
                ("endpoint", "https://apm.example:8200"),
                ("headers", "authorization=Bearer secret"),
                (
                    "attributes",
                    "deployment.environment.name=pre prod,deployment.environment=pre prod,\
                     service.version=1.2,team=a"
                ),
                ("name", "shop"),
                ("sampler", "parent based, root 0.5 with es=s in tracestate"),
            ])
        );
    }

    #[test]
    fn a_key_goes_before_a_token_and_the_server_is_local_unless_named() {
        assert_eq!(
            applied(read, &[(TOKEN, "token"), (KEY, "key")]).unwrap(),
            map(&[
                ("endpoint", "http://localhost:8200"),
                ("headers", "authorization=ApiKey key"),
                ("sampler", "parent based, root 1 with es=s in tracestate"),
            ])
        );
    }

    #[test]
    fn standard_variables_win() {
        let variables = [
            (SERVER, "https://apm.example"),
            (TOKEN, "secret"),
            ("ELASTIC_APM_SERVICE_NAME", "elastic"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
            ("OTEL_SERVICE_NAME", "standard"),
        ];
        assert_eq!(
            applied(read, &variables).unwrap(),
            map(&[("endpoint", "http://collector:4318"), ("name", "standard")])
        );
    }

    #[test]
    fn labels_node_host_and_authorities_are_taken_over() {
        let found = applied(
            read,
            &[
                (SERVER, "https://apm.example:8200"),
                ("ELASTIC_APM_GLOBAL_LABELS", "team=a=b, tier = gold ,"),
                ("ELASTIC_APM_SERVICE_NODE_NAME", "node-1"),
                ("ELASTIC_APM_HOSTNAME", "h1"),
                ("ELASTIC_APM_SERVER_CA_CERT_FILE", "/etc/ca.pem"),
            ],
        )
        .unwrap();
        assert_eq!(
            found["attributes"],
            "host.name=h1,service.instance.id=node-1,team=a=b,tier=gold"
        );
        assert_eq!(found["certificate"], "/etc/ca.pem");
    }

    #[test]
    fn json_is_refused_where_the_server_gets_it_and_nowhere_else() {
        for variable in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"] {
            let json = (variable, "http/json");
            let error = applied(read, &[(SERVER, "http://apm:8200"), json]).unwrap_err();
            assert!(error.is_configuration(), "{error}");
            assert!(error.to_string().contains("does not take OTLP as JSON"), "{error}");
            let elsewhere = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
            assert!(applied(read, &[(SERVER, "http://apm:8200"), json, elsewhere]).is_ok());
        }
    }

    #[test]
    fn an_agent_that_is_off_is_off_here_too() {
        for variable in ["ELASTIC_APM_ENABLED", "ELASTIC_APM_RECORDING"] {
            let found = applied(read, &[(variable, "false")]).unwrap();
            assert_eq!(found, map(&[("disabled", "true")]));
            assert_eq!(applied(read, &[(variable, "true")]).unwrap(), map(&[]));
        }
    }

    #[test]
    fn variables_without_effect_are_named_once_without_their_values() {
        use crate::config::{Network, decide};
        use crate::plan::Plan;
        use crate::variables::Env;
        let mut plan = Plan::default();
        let variables = Env::of(&[
            ("ELASTIC_APM_CAPTURE_BODY", "hunter2"),
            ("ELASTIC_APM_BREAKDOWN_METRICS", "false"),
            ("ELASTIC_APM_VERIFY_SERVER_CERT", "false"),
            ("ELASTIC_APM_OPENTELEMETRY_BRIDGE_ENABLED", "true"),
            ("ELASTIC_APM_SERVICE_NAME", "shop"),
        ]);
        decide(variables, Layer::default(), Layer::default(), Network::Untouched, &mut plan)
            .unwrap();
        assert_eq!(
            plan.warnings().collect::<Vec<_>>(),
            ["variables of Elastic's agents without effect here, see docs/elastic.md: \
              ELASTIC_APM_CAPTURE_BODY, ELASTIC_APM_VERIFY_SERVER_CERT"]
        );
    }
}
