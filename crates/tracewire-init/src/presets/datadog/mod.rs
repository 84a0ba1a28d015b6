//! The Datadog Agent, at its ports for OTLP, by the variables of Datadog's tracers.

mod agent;
mod formats;
mod http;
mod sampling;
mod span_tags;
mod values;

use std::mem::take;

use opentelemetry::KeyValue;
use opentelemetry_sdk::metrics::Temporality;

use super::unread::{self, Vendor};
use super::{Context, attribute, attributes_of};
use crate::builder::{Datadog, LogLines, LogNames, Metrics, Otlp, Resource, Traces, added};
use crate::config::extraction::Extraction;
use crate::error::InitError;
use crate::settings::{Given, Layer, Merge, Setting};
use crate::variables::{Reader, parse};
use span_tags::SpanTags;

const VENDOR: Vendor = Vendor {
    prefix: "DD_",
    tracers: "Datadog's tracers",
    page: "docs/datadog.md",
    // The Agent's own, which count where it runs, and those of clients for its StatsD.
    of_others: &[
        "DD_APM_",
        "DD_OTLP_CONFIG_",
        "DD_LOGS_CONFIG_",
        "DD_PROCESS_",
        "DD_DOGSTATSD_",
        "DD_ENTITY_ID",
        "DD_EXTERNAL_ENV",
    ],
    always_on: &[
        "DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED",
        "DD_TRACE_128_BIT_TRACEID_LOGGING_ENABLED",
        "DD_TRACE_OTEL_ENABLED",
        "DD_METRICS_OTEL_ENABLED",
        "DD_LOGS_OTEL_ENABLED",
    ],
};

pub(super) fn read(
    reader: &mut Reader<'_>,
    code: &mut Layer,
    context: &Context,
) -> Result<Layer, InitError> {
    let mut given = take(&mut code.datadog);
    given.complete(variables(reader), reader.plan);
    let formats = formats::styles(reader);
    unread::warn(reader, &VENDOR);
    let is_used = given.names_agent() || given.samples();
    let (otlp, temporality) = match agent::host(&given, reader)? {
        None => (Otlp::default(), None),
        Some(Given { value: host, origin }) => {
            let port = if context.is_grpc { 4317 } else { 4318 };
            let otlp = context.send_to(format!("http://{host}:{port}"), &[], &origin);
            (otlp, Some(Given { value: Temporality::Delta, origin }))
        }
    };
    let sampling = if is_used { Some(sampling::choice(&mut given, reader.plan)?) } else { None };
    let mut traces = Traces {
        exporters: without_spans(given.enabled.take()),
        unsampled: sampling
            .as_ref()
            .map(|given| Given { value: true, origin: given.origin.clone() }),
        sampler: sampling,
        ..Traces::default()
    };
    if is_used {
        let exports_all = code.traces.sampler.is_none();
        traces.vendor_processors.push(added(SpanTags::new(exports_all)));
    }
    if given.extraction.as_ref().is_some_and(|given| given.value == Extraction::Restart) {
        traces.vendor_processors.push(added(formats::RestartLinks));
    }
    Ok(Layer {
        otlp,
        metrics: Metrics { temporality, ..Metrics::default() },
        http: http::settings(&given, reader),
        traces,
        propagators: formats,
        extraction: given.extraction.take(),
        log_lines: LogLines {
            names: given.logs_injection.take().and_then(log_names),
            ..LogLines::default()
        },
        resource: resource(given),
        ..Layer::default()
    })
}

/// What the variables say. `DD_TAGS` has tags that stand for variables of their own.
fn variables(reader: &mut Reader<'_>) -> Datadog {
    let mut tags = Vec::new();
    let (mut service, mut env, mut version) = (None, None, None);
    if let Some(Given { value, origin }) = reader.read("DD_TAGS", values::pairs) {
        for (key, value) in value {
            let given = || Given { value: value.clone(), origin: origin.clone() };
            match key.as_str() {
                "service" => service = Some(given()),
                "env" => env = Some(given()),
                "version" => version = Some(given()),
                _ => tags.push(Given { value: (key, value), origin: origin.clone() }),
            }
        }
    }
    Datadog {
        agent_url: reader.raw(agent::URL),
        agent_host: reader.raw(agent::HOST),
        service: reader.raw("DD_SERVICE").or(service),
        env: reader.raw("DD_ENV").or(env),
        version: reader.raw("DD_VERSION").or(version),
        tags,
        enabled: reader.read("DD_TRACE_ENABLED", values::boolean),
        sample_rate: reader.read(sampling::RATE, parse::ratio),
        sampling_rules: reader.raw(sampling::RULES),
        rate_limit: reader.read(sampling::LIMIT, values::limit),
        extraction: reader.read(
            "DD_TRACE_PROPAGATION_BEHAVIOR_EXTRACT",
            parse::choice(&[
                ("continue", Extraction::Continue),
                ("restart", Extraction::Restart),
                ("ignore", Extraction::Ignore),
            ]),
        ),
        logs_injection: reader.read("DD_LOGS_INJECTION", values::injection),
        header_tags: reader.read("DD_TRACE_HEADER_TAGS", values::header_tags),
        server_errors: reader.read("DD_TRACE_HTTP_SERVER_ERROR_STATUSES", values::statuses),
        client_errors: reader.read("DD_TRACE_HTTP_CLIENT_ERROR_STATUSES", values::statuses),
    }
}

impl Datadog {
    fn names_agent(&self) -> bool {
        self.agent_url.is_some() || self.agent_host.is_some()
    }

    fn samples(&self) -> bool {
        self.sample_rate.is_some() || self.sampling_rules.is_some() || self.rate_limit.is_some()
    }
}

/// No spans are exported where tracing is off, and calls still carry headers.
fn without_spans<T>(enabled: Setting<bool>) -> Setting<Vec<T>> {
    let Given { value: is_on, origin } = enabled?;
    (!is_on).then(|| Given { value: Vec::new(), origin })
}

fn log_names(given: Given<bool>) -> Setting<LogNames> {
    let Given { value: is_on, origin } = given;
    is_on.then_some(Given { value: LogNames::Datadog, origin })
}

/// The environment has both of its names, because older Agents know the older one only.
fn resource(given: Datadog) -> Resource {
    let tags = given.tags.into_iter().map(|tag| tag.map(|(key, value)| KeyValue::new(key, value)));
    let mut attributes: Vec<_> = tags.collect();
    attributes.extend(attributes_of(
        given.env,
        &["deployment.environment", "deployment.environment.name"],
    ));
    attributes.extend(attribute(given.version, "service.version"));
    Resource { service_name: given.service, attributes, ..Resource::default() }
}

#[cfg(test)]
mod tests;
