//! Elastic APM Server, by the variables of Elastic's agents.

use super::Table;
use crate::error::InitError;

const SERVER: &str = "ELASTIC_APM_SERVER_URL";
const TOKEN: &str = "ELASTIC_APM_SECRET_TOKEN";
const KEY: &str = "ELASTIC_APM_API_KEY";

/// The server takes OTLP of both kinds at its one address.
pub(super) fn apply(table: &mut Table<'_>) -> Result<(), InitError> {
    let server = table.text(SERVER);
    let (authorization, from) = match (table.text(KEY), table.text(TOKEN)) {
        (Some(key), _) => (Some(format!("ApiKey {key}")), KEY),
        (None, Some(token)) => (Some(format!("Bearer {token}")), TOKEN),
        (None, None) => (None, SERVER),
    };
    if server.is_some() || authorization.is_some() {
        let from = if server.is_some() { SERVER } else { from };
        let url = server.unwrap_or_else(|| "http://localhost:8200".to_owned());
        let headers = authorization.as_deref().map(|value| ("authorization", value));
        table.send_to(url, headers.as_slice(), from);
    }
    table.copy("OTEL_SERVICE_NAME", "ELASTIC_APM_SERVICE_NAME");
    for (from, keys) in [
        ("ELASTIC_APM_ENVIRONMENT", &["deployment.environment", "deployment.environment.name"][..]),
        ("ELASTIC_APM_SERVICE_VERSION", &["service.version"]),
    ] {
        if let Some(value) = table.text(from) {
            let attributes: Vec<_> = keys.iter().map(|key| (*key, value.clone())).collect();
            table.resource(&attributes, from);
        }
    }
    table.sample("ELASTIC_APM_TRANSACTION_SAMPLE_RATE");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{applied, map};
    use super::*;

    #[test]
    fn the_agents_variables_stand_for_the_standard_ones() {
        assert_eq!(
            applied(&[
                (SERVER, "https://apm.example:8200"),
                (TOKEN, "secret"),
                ("ELASTIC_APM_SERVICE_NAME", "shop"),
                ("ELASTIC_APM_SERVICE_VERSION", "1.2"),
                ("ELASTIC_APM_ENVIRONMENT", "pre prod"),
                ("ELASTIC_APM_TRANSACTION_SAMPLE_RATE", "0.5"),
                ("OTEL_RESOURCE_ATTRIBUTES", "team=a"),
            ])
            .unwrap(),
            map(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://apm.example:8200"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20secret"),
                (
                    "OTEL_RESOURCE_ATTRIBUTES",
                    "service.version=1.2,deployment.environment=pre%20prod,\
                     deployment.environment.name=pre%20prod,team=a"
                ),
                ("OTEL_SERVICE_NAME", "shop"),
                ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
            ])
        );
    }

    #[test]
    fn a_key_goes_before_a_token_and_the_server_is_local_unless_named() {
        assert_eq!(
            applied(&[(TOKEN, "token"), (KEY, "key")]).unwrap(),
            map(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:8200"),
                ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=ApiKey%20key"),
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
            applied(&variables).unwrap(),
            map(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
                ("OTEL_SERVICE_NAME", "standard"),
            ])
        );
    }
}
