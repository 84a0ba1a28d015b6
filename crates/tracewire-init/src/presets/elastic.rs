//! Elastic APM Server, by the variables of Elastic's agents.

use super::{Context, attributes, ratio};
use crate::builder::{Otlp, Resource, Traces};
use crate::error::InitError;
use crate::settings::Layer;
use crate::variables::Reader;

const SERVER: &str = "ELASTIC_APM_SERVER_URL";
const TOKEN: &str = "ELASTIC_APM_SECRET_TOKEN";
const KEY: &str = "ELASTIC_APM_API_KEY";

/// The server takes OTLP of both kinds at its one address.
pub(super) fn read(reader: &mut Reader<'_>, context: &Context) -> Result<Layer, InitError> {
    let mut resource = attributes(
        reader,
        "ELASTIC_APM_ENVIRONMENT",
        &["deployment.environment", "deployment.environment.name"],
    );
    resource.extend(attributes(reader, "ELASTIC_APM_SERVICE_VERSION", &["service.version"]));
    Ok(Layer {
        otlp: server(reader, context),
        resource: Resource {
            service_name: reader.raw("ELASTIC_APM_SERVICE_NAME"),
            attributes: resource,
            ..Resource::default()
        },
        traces: Traces {
            sampler: ratio(reader, "ELASTIC_APM_TRANSACTION_SAMPLE_RATE"),
            ..Traces::default()
        },
        ..Layer::default()
    })
}

fn server(reader: &mut Reader<'_>, context: &Context) -> Otlp {
    let server = reader.raw(SERVER).map(|given| given.value);
    let key = reader.raw(KEY).map(|key| (format!("ApiKey {}", key.value), KEY));
    let token = reader.raw(TOKEN).map(|token| (format!("Bearer {}", token.value), TOKEN));
    let credential = key.or(token);
    let from = match (&server, &credential) {
        (None, None) => return Otlp::default(),
        (None, Some((_, from))) => from,
        (Some(_), _) => SERVER,
    };
    let url = server.unwrap_or_else(|| "http://localhost:8200".to_owned());
    let header = credential.map(|(value, _)| ("authorization", value));
    context.send_to(url, header.as_slice(), from)
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
                ("sampler", "parent based 0.5"),
            ])
        );
    }

    #[test]
    fn a_key_goes_before_a_token_and_the_server_is_local_unless_named() {
        assert_eq!(
            applied(read, &[(TOKEN, "token"), (KEY, "key")]).unwrap(),
            map(&[("endpoint", "http://localhost:8200"), ("headers", "authorization=ApiKey key"),])
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
}
