//! Settings for Datadog.

use std::ops::RangeInclusive;

use crate::config::extraction::Extraction;
use crate::settings::{Given, Setting, in_code, settings};

settings! {
    /// Sends telemetry to a Datadog Agent, for [`Builder::datadog`](crate::Builder::datadog).
    ///
    /// It needs the cargo feature `datadog-agent`, and is an error of [`init`](crate::Builder::init) without.
    /// Each setting wins over its `DD_*` variable, and yields to `OTEL_*` variables and to other settings in
    /// code.
    ///
    /// ```
    /// use tracewire_init::{Datadog, Telemetry};
    ///
    /// let datadog = Datadog::new()
    ///     .agent_host("10.0.0.1")
    ///     .service("shop")
    ///     .env("prod")
    ///     .version(env!("CARGO_PKG_VERSION"))
    ///     .sampling_rules(r#"[{"resource": "GET /healthz", "sample_rate": 0}]"#)
    ///     .sample_rate(0.1);
    /// let builder = Telemetry::builder().datadog(datadog);
    /// ```
    #[derive(Clone)]
    pub struct Datadog {
        agent_url: Setting<String>,
        agent_host: Setting<String>,
        service: Setting<String>,
        env: Setting<String>,
        version: Setting<String>,
        tags: Vec<Given<(String, String)>>,
        enabled: Setting<bool>,
        sample_rate: Setting<f64>,
        sampling_rules: Setting<String>,
        rate_limit: Setting<Option<u32>>,
        extraction: Setting<Extraction>,
        logs_injection: Setting<bool>,
        header_tags: Setting<Vec<(String, Option<String>)>>,
        server_errors: Setting<Vec<RangeInclusive<u16>>>,
        client_errors: Setting<Vec<RangeInclusive<u16>>>,
    }
}

impl Datadog {
    /// Makes settings of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the Agent's URL (`DD_TRACE_AGENT_URL`), of which only the host counts: the Agent takes OTLP at ports
    /// 4318 and 4317. With `unix://` the Agent is on this host.
    pub fn agent_url(mut self, url: impl Into<String>) -> Self {
        self.agent_url = in_code(url.into());
        self
    }

    /// Sets the Agent's host (`DD_AGENT_HOST`), a name or an IP address; this host unless set.
    pub fn agent_host(mut self, host: impl Into<String>) -> Self {
        self.agent_host = in_code(host.into());
        self
    }

    /// Sets the service (`DD_SERVICE`).
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.service = in_code(name.into());
        self
    }

    /// Sets the environment (`DD_ENV`).
    pub fn env(mut self, name: impl Into<String>) -> Self {
        self.env = in_code(name.into());
        self
    }

    /// Sets the service's version (`DD_VERSION`).
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = in_code(version.into());
        self
    }

    /// Adds a tag to everything that is exported (`DD_TAGS`).
    pub fn tag(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.extend(in_code((key.into(), value.into())));
        self
    }

    /// Sets which part of the traces Datadog keeps (`DD_TRACE_SAMPLE_RATE`), from 0 to 1, where no caller and no
    /// [rule](Self::sampling_rules) decides. Every span is exported, with its priority, so that the Agent
    /// counts every request.
    pub fn sample_rate(mut self, rate: f64) -> Self {
        self.sample_rate = in_code(rate);
        self
    }

    /// Sets sampling rules as JSON (`DD_TRACE_SAMPLING_RULES`); the first one that matches the first span of a
    /// trace decides. Text that is no list of rules is an error of [`init`](crate::Builder::init).
    pub fn sampling_rules(mut self, json: impl Into<String>) -> Self {
        self.sampling_rules = in_code(json.into());
        self
    }

    /// Sets how many traces a second rules and rate keep (`DD_TRACE_RATE_LIMIT`); 100 unless set.
    pub fn rate_limit(mut self, traces_per_second: u32) -> Self {
        self.rate_limit = in_code(Some(traces_per_second));
        self
    }

    /// Sets whether log lines of this project's subscriber name their trace as Datadog reads it
    /// (`DD_LOGS_INJECTION`): `dd.trace_id`, `dd.span_id`, `dd.service`, `dd.env` and `dd.version`; not unless
    /// set.
    pub fn logs_injection(mut self, is_on: bool) -> Self {
        self.logs_injection = in_code(is_on);
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            agent_url,
            agent_host,
            service,
            env,
            version,
            tags,
            enabled,
            sample_rate,
            sampling_rules,
            rate_limit,
            extraction,
            logs_injection,
            header_tags,
            server_errors,
            client_errors,
        } = self;
        let texts = [agent_url, agent_host, service, env, version, sampling_rules];
        texts.iter().all(|text| text.is_none())
            && tags.is_empty()
            && enabled.is_none()
            && logs_injection.is_none()
            && sample_rate.is_none()
            && rate_limit.is_none()
            && extraction.is_none()
            && header_tags.is_none()
            && server_errors.is_none()
            && client_errors.is_none()
    }
}
