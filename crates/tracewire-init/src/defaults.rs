//! Defaults in code, which the environment overrides.

use crate::builder::Builder;
use crate::env::Env;
use crate::exporters::{self, Exporter};
use tracewire_export::Protocol;

/// Values for variables that nothing else sets, in the order they were given.
#[derive(Default)]
pub(crate) struct Defaults(Vec<Value>);

struct Value {
    variable: &'static str,
    value: String,
    method: &'static str,
}

impl Defaults {
    /// Makes each the value of its variable, unless that is set.
    pub(crate) fn apply(self, env: &mut Env) {
        // The argument belongs to the sampler: both are taken, or none.
        let has_sampler = env.text("OTEL_TRACES_SAMPLER").is_some();
        for Value { variable, value, method } in self.0 {
            let is_settled = has_sampler && variable == "OTEL_TRACES_SAMPLER_ARG";
            if !is_settled && env.text(variable).is_none() {
                env.stand_in(variable, value, method);
            }
        }
    }
}

/// # Defaults
///
/// A default in code is weaker than the environment, so operators can still choose; a setting
/// without `default_` in its name is stronger. Vendors' variables win over defaults as well.
///
/// ```no_run
/// use tracewire_init::{Exporter, Telemetry};
///
/// # fn main() -> Result<(), tracewire_init::InitError> {
/// let telemetry = Telemetry::builder()
///     .default_service_name("shop")
///     .default_traces_exporters([Exporter::Console]) // OTEL_TRACES_EXPORTER=otlp still works
///     .default_metrics_exporters([])
///     .init()?;
/// # drop(telemetry);
/// # Ok(())
/// # }
/// ```
impl Builder {
    /// Sets where spans go unless `OTEL_TRACES_EXPORTER` says where; an empty list is nowhere.
    pub fn default_traces_exporters(self, exporters: impl IntoIterator<Item = Exporter>) -> Self {
        self.default_exporters("OTEL_TRACES_EXPORTER", "default_traces_exporters", exporters)
    }

    /// Sets where metrics go unless `OTEL_METRICS_EXPORTER` says where; an empty list is nowhere.
    pub fn default_metrics_exporters(self, exporters: impl IntoIterator<Item = Exporter>) -> Self {
        self.default_exporters("OTEL_METRICS_EXPORTER", "default_metrics_exporters", exporters)
    }

    /// Sets where log records go unless `OTEL_LOGS_EXPORTER` says where; an empty list is nowhere.
    #[cfg(feature = "logs")]
    pub fn default_logs_exporters(self, exporters: impl IntoIterator<Item = Exporter>) -> Self {
        self.default_exporters("OTEL_LOGS_EXPORTER", "default_logs_exporters", exporters)
    }

    /// Sets `service.name` unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` does.
    pub fn default_service_name(mut self, name: impl Into<String>) -> Self {
        self.settings.resource.default_name = Some(name.into());
        self
    }

    /// Sets the collector's base URL unless `OTEL_EXPORTER_OTLP_ENDPOINT` does; a signal's own
    /// variable wins too.
    pub fn default_endpoint(self, url: impl Into<String>) -> Self {
        self.default_value("OTEL_EXPORTER_OTLP_ENDPOINT", url.into(), "default_endpoint")
    }

    /// Sets how OTLP is spoken unless `OTEL_EXPORTER_OTLP_PROTOCOL` does.
    pub fn default_protocol(self, protocol: Protocol) -> Self {
        let word = protocol.name().to_owned();
        self.default_value("OTEL_EXPORTER_OTLP_PROTOCOL", word, "default_protocol")
    }

    /// Sets which part of the traces is sampled where no caller decided, from 0 to 1, unless
    /// `OTEL_TRACES_SAMPLER` names a sampler.
    ///
    /// Like `parentbased_traceidratio` it follows the parent. A ratio outside of 0 to 1 is warned of
    /// and ignored.
    pub fn default_sampling_ratio(self, ratio: f64) -> Self {
        const METHOD: &str = "default_sampling_ratio";
        let sampler = "parentbased_traceidratio".to_owned();
        self.default_value("OTEL_TRACES_SAMPLER", sampler, METHOD).default_value(
            "OTEL_TRACES_SAMPLER_ARG",
            ratio.to_string(),
            METHOD,
        )
    }

    fn default_exporters(
        self,
        variable: &'static str,
        method: &'static str,
        exporters: impl IntoIterator<Item = Exporter>,
    ) -> Self {
        let exporters: Vec<_> = exporters.into_iter().collect();
        self.default_value(variable, exporters::variable_value(&exporters), method)
    }

    /// The last one given for a variable counts.
    fn default_value(
        mut self,
        variable: &'static str,
        value: String,
        method: &'static str,
    ) -> Self {
        self.defaults.0.retain(|earlier| earlier.variable != variable);
        self.defaults.0.push(Value { variable, value, method });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Telemetry;
    use crate::setup;

    /// What is decided about these settings, with its origin.
    fn decided(variables: &[(&str, &str)], build: impl Fn(Builder) -> Builder) -> Vec<String> {
        let mut builder = build(Builder::new(Env::of(variables)));
        builder.complete().unwrap();
        let Builder { env, settings, .. } = builder;
        drop(Telemetry::new(setup::run(&env, settings).unwrap()));
        assert_eq!(env.take_warnings(), Vec::<String>::new());
        env.take_decisions().iter().map(ToString::to_string).collect()
    }

    fn defaults(builder: Builder) -> Builder {
        builder
            .default_service_name("shop")
            .default_traces_exporters([Exporter::Otlp])
            .default_traces_exporters([Exporter::Console, Exporter::Otlp])
            .default_metrics_exporters([])
            .default_endpoint("http://code:1")
            .default_protocol(Protocol::HttpProtobuf)
            .default_sampling_ratio(0.25)
    }

    #[test]
    fn a_default_in_code_holds_where_no_variable_is_set() {
        let decided = decided(&[("OTEL_LOGS_EXPORTER", "none")], defaults);
        for expected in [
            "service.name = shop (from default_service_name)",
            "OTEL_TRACES_EXPORTER = console,otlp (from default_traces_exporters)",
            "OTEL_METRICS_EXPORTER = none (from default_metrics_exporters)",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = http://code:1/v1/traces (from default_endpoint)",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL = http/protobuf (from default_protocol)",
            "OTEL_TRACES_SAMPLER = parent based, root TraceIdRatioBased(0.25) \
             (from default_sampling_ratio)",
        ] {
            assert!(decided.iter().any(|line| line == expected), "{expected}: {decided:#?}");
        }
    }

    #[test]
    fn the_environment_wins_over_a_default_in_code() {
        let decided = decided(
            &[
                ("OTEL_LOGS_EXPORTER", "none"),
                ("OTEL_RESOURCE_ATTRIBUTES", "service.name=attribute"),
                ("OTEL_TRACES_EXPORTER", "otlp"),
                ("OTEL_METRICS_EXPORTER", "otlp"),
                ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://env:1/v1/traces"),
                ("OTEL_TRACES_SAMPLER", "always_on"),
            ],
            defaults,
        );
        for expected in [
            "service.name = attribute (from OTEL_RESOURCE_ATTRIBUTES)",
            "OTEL_TRACES_EXPORTER = otlp (from OTEL_TRACES_EXPORTER)",
            "OTEL_METRICS_EXPORTER = otlp (from OTEL_METRICS_EXPORTER)",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = http://env:1/v1/traces \
             (from OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT = http://code:1/v1/metrics (from default_endpoint)",
            "OTEL_TRACES_SAMPLER = AlwaysOn (from OTEL_TRACES_SAMPLER)",
        ] {
            assert!(decided.iter().any(|line| line == expected), "{expected}: {decided:#?}");
        }
    }

    #[test]
    fn a_plain_setting_wins_over_its_variable_and_says_so() {
        let env = Env::of(&[
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_SERVICE_NAME", "operator"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ]);
        let builder = Builder::new(env)
            .traces_exporters([])
            .service_name("shop")
            .default_endpoint("http://c");
        let Builder { env, settings, .. } = builder;
        drop(Telemetry::new(setup::run(&env, settings).unwrap()));
        assert_eq!(
            env.take_warnings(),
            ["OTEL_SERVICE_NAME", "OTEL_TRACES_EXPORTER"]
                .map(|name| format!("{name} is ignored: the program sets it in code"))
        );
    }

    #[cfg(feature = "elastic-apm")]
    #[test]
    fn a_vendor_s_variables_win_over_defaults_in_code() {
        let variables =
            [("ELASTIC_APM_SERVER_URL", "http://apm:8200"), ("OTEL_LOGS_EXPORTER", "none")];
        let decided = decided(&variables, defaults);
        let expected = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = http://apm:8200/v1/traces \
                        (from ELASTIC_APM_SERVER_URL)";
        assert!(decided.iter().any(|line| line == expected), "{decided:#?}");
    }
}
