//! Settings for Elastic APM.

use crate::settings::{Given, Setting, in_code, settings};

settings! {
    /// Sends telemetry to an Elastic APM Server, for [`Builder::elastic`](crate::Builder::elastic).
    ///
    /// It needs the cargo feature `elastic-apm`, and is an error of [`init`](crate::Builder::init) without. Each
    /// setting wins over its `ELASTIC_APM_*` variable, and yields to `OTEL_*` variables and to other settings in
    /// code.
    ///
    /// ```
    /// use tracewire_init::{Elastic, Telemetry};
    ///
    /// let elastic = Elastic::new()
    ///     .server_url("https://apm.example:8200")
    ///     .secret_token("secret")
    ///     .service_name("shop")
    ///     .environment("prod")
    ///     .transaction_sample_rate(0.1);
    /// let builder = Telemetry::builder().elastic(elastic);
    /// ```
    #[derive(Clone)]
    pub struct Elastic {
        server_url: Setting<String>,
        secret_token: Setting<String>,
        api_key: Setting<String>,
        server_ca_cert_file: Setting<String>,
        service_name: Setting<String>,
        service_version: Setting<String>,
        service_node_name: Setting<String>,
        environment: Setting<String>,
        hostname: Setting<String>,
        global_labels: Vec<Given<(String, String)>>,
        transaction_sample_rate: Setting<f64>,
        enabled: Setting<bool>,
    }
}

impl Elastic {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the server's URL (`ELASTIC_APM_SERVER_URL`); `http://localhost:8200` if only a credential is set.
    pub fn server_url(mut self, url: impl Into<String>) -> Self {
        self.server_url = in_code(url.into());
        self
    }

    /// Sets the secret token (`ELASTIC_APM_SECRET_TOKEN`), which is sent to that server only and never shown.
    pub fn secret_token(mut self, token: impl Into<String>) -> Self {
        self.secret_token = in_code(token.into());
        self
    }

    /// Sets the API key (`ELASTIC_APM_API_KEY`), which counts before a secret token and is never shown.
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = in_code(key.into());
        self
    }

    /// Sets the PEM file with the only authorities to trust (`ELASTIC_APM_SERVER_CA_CERT_FILE`); the
    /// platform's unless set.
    pub fn server_ca_cert_file(mut self, file: impl Into<String>) -> Self {
        self.server_ca_cert_file = in_code(file.into());
        self
    }

    /// Sets `service.name` (`ELASTIC_APM_SERVICE_NAME`).
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = in_code(name.into());
        self
    }

    /// Sets `service.version` (`ELASTIC_APM_SERVICE_VERSION`).
    pub fn service_version(mut self, version: impl Into<String>) -> Self {
        self.service_version = in_code(version.into());
        self
    }

    /// Sets `service.instance.id` (`ELASTIC_APM_SERVICE_NODE_NAME`), which the server calls
    /// `service.node.name`.
    pub fn service_node_name(mut self, name: impl Into<String>) -> Self {
        self.service_node_name = in_code(name.into());
        self
    }

    /// Sets the environment (`ELASTIC_APM_ENVIRONMENT`).
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = in_code(name.into());
        self
    }

    /// Sets `host.name` (`ELASTIC_APM_HOSTNAME`).
    pub fn hostname(mut self, name: impl Into<String>) -> Self {
        self.hostname = in_code(name.into());
        self
    }

    /// Adds a label to everything that is exported (`ELASTIC_APM_GLOBAL_LABELS`).
    pub fn global_label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.global_labels.extend(in_code((key.into(), value.into())));
        self
    }

    /// Sets which part of the traces is sampled where no caller decided
    /// (`ELASTIC_APM_TRANSACTION_SAMPLE_RATE`), from 0 to 1; 1 unless set.
    pub fn transaction_sample_rate(mut self, rate: f64) -> Self {
        self.transaction_sample_rate = in_code(rate);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            server_url,
            secret_token,
            api_key,
            server_ca_cert_file,
            service_name,
            service_version,
            service_node_name,
            environment,
            hostname,
            global_labels,
            transaction_sample_rate,
            enabled,
        } = self;
        let texts = [
            server_url,
            secret_token,
            api_key,
            server_ca_cert_file,
            service_name,
            service_version,
            service_node_name,
            environment,
            hostname,
        ];
        texts.iter().all(|text| text.is_none())
            && global_labels.is_empty()
            && transaction_sample_rate.is_none()
            && enabled.is_none()
    }
}
