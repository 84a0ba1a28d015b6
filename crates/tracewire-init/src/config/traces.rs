//! Which spans there are, and where they go.

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, SpanLimits};
use tracewire_export::Batch;
use tracewire_sampling::Sampler;

use super::batching::{self, batch};
use super::otlp::{self, Otlp, Signal};
use super::proxy::Proxies;
use super::zipkin::{self, Zipkin};
use super::{sampling, text};
use crate::builder::{self, AddExporter, AddProcessor, TracesExporter, TracesKind};
use crate::error::InitError;
use crate::plan::Plan;
use crate::settings::{Merge, Setting};

/// Traces, as decided.
pub(crate) struct Traces {
    pub(crate) exporters: Vec<Exporter>,
    pub(crate) sampler: Sampler,
    pub(crate) limits: SpanLimits,
    /// In characters; `None` is no limit.
    pub(crate) value_length: Option<usize>,
    pub(crate) baggage_attributes: Option<Vec<String>>,
    pub(crate) id_generator: Option<Box<dyn IdGenerator>>,
    pub(crate) vendor_processors: Vec<AddProcessor>,
    pub(crate) processors_first: Vec<AddProcessor>,
    pub(crate) processors: Vec<AddProcessor>,
}

/// One exporter with everything that it needs.
pub(crate) enum Exporter {
    Otlp(Box<Otlp>, Batch),
    Console,
    Zipkin(Zipkin, Batch),
    Custom(AddExporter, Batch),
}

/// # Errors
///
/// A setting cannot work.
pub(crate) fn decide(
    mut given: builder::Traces,
    resource: &Resource,
    proxies: &Proxies,
    plan: &mut Plan,
) -> Result<Traces, InitError> {
    const EXPORTERS: &str = "OTEL_TRACES_EXPORTER";
    let default = vec![TracesExporter::otlp()];
    let exporters = plan.pick_shown(EXPORTERS, given.exporters.take(), default, |exporters| {
        text::list(exporters.iter().map(TracesExporter::name))
    });
    warn_of_unchosen(&exporters, &given, plan);
    plan.count("span processors", given.processors_first.len() + given.processors.len());
    plan.count("id generator", usize::from(given.id_generator.is_some()));
    Ok(Traces {
        limits: limits(&mut given, plan),
        value_length: text::value_length(
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            given.value_length.take(),
            plan,
        ),
        sampler: sampling::sampler(given.sampler.take(), resource, plan)?,
        exporters: exporters_of(exporters, &given, proxies, plan)?,
        baggage_attributes: given.baggage_attributes.map(|keys| keys.value),
        id_generator: given.id_generator.map(|generator| generator.value),
        vendor_processors: given.vendor_processors,
        processors_first: given.processors_first,
        processors: given.processors,
    })
}

fn exporters_of(
    exporters: Vec<TracesExporter>,
    given: &builder::Traces,
    proxies: &Proxies,
    plan: &mut Plan,
) -> Result<Vec<Exporter>, InitError> {
    // Exporters without batches of their own share what is decided, and the plan says it once.
    let batches = |exporter: &&TracesExporter| exporter.name() != "console";
    let mut batched = exporters.iter().filter(batches).peekable();
    let has_none = batched.peek().is_none();
    let shared = match has_none || batched.any(|exporter| exporter.batching.is_empty()) {
        true => Some(batch(given.batching.clone(), &batching::SPANS, plan)?),
        false => None,
    };
    let (mut decided, mut seen) = (Vec::new(), Vec::new());
    for exporter in exporters {
        plan.next_exporter(&mut seen, exporter.name());
        let TracesExporter { kind, batching: mut own } = exporter;
        let batch = match shared {
            Some(shared) if own.is_empty() => shared,
            // Only the console, which has no batches.
            None if own.is_empty() => Batch::spans(),
            _ => {
                own.complete(given.batching.clone(), plan);
                batch(own, &batching::SPANS, plan)?
            }
        };
        decided.push(match kind {
            TracesKind::Otlp(own) => {
                let mut otlp = otlp::decide(*own, &given.otlp, Signal::Traces, proxies, plan)?;
                otlp.exporter.unsampled = given.unsampled.as_ref().is_some_and(|given| given.value);
                Exporter::Otlp(Box::new(otlp), batch)
            }
            TracesKind::OtlpFile(own) => {
                Exporter::Otlp(Box::new(otlp::decide_file(*own, &given.otlp, plan)), batch)
            }
            TracesKind::Console => Exporter::Console,
            TracesKind::Zipkin(own) => Exporter::Zipkin(
                zipkin::decide(own.over(&given.zipkin, plan), proxies, plan)?,
                batch,
            ),
            TracesKind::Custom(add) => Exporter::Custom(add, batch),
        });
    }
    plan.exporter = None;
    Ok(decided)
}

fn limits(given: &mut builder::Traces, plan: &mut Plan) -> SpanLimits {
    let default = SpanLimits::default();
    let mut limit = |name, given: Setting<usize>, default: u32| {
        let default = usize::try_from(default).unwrap_or(usize::MAX);
        u32::try_from(plan.pick(name, given, default)).unwrap_or(u32::MAX)
    };
    SpanLimits {
        max_attributes_per_span: limit(
            "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
            given.attributes.take(),
            default.max_attributes_per_span,
        ),
        max_events_per_span: limit(
            "OTEL_SPAN_EVENT_COUNT_LIMIT",
            given.events.take(),
            default.max_events_per_span,
        ),
        max_links_per_span: limit(
            "OTEL_SPAN_LINK_COUNT_LIMIT",
            given.links.take(),
            default.max_links_per_span,
        ),
        max_attributes_per_event: limit(
            "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
            given.event_attributes.take(),
            default.max_attributes_per_event,
        ),
        max_attributes_per_link: limit(
            "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
            given.link_attributes.take(),
            default.max_attributes_per_link,
        ),
    }
}

/// Warns of settings of exporters that were not chosen, while others were.
///
/// Settings beside `none` are no mistake: a deployment turns telemetry off and keeps its variables.
fn warn_of_unchosen(exporters: &[TracesExporter], given: &builder::Traces, plan: &mut Plan) {
    let lacks = |name| !exporters.is_empty() && !exporters.iter().any(|e| e.name() == name);
    if lacks("otlp") {
        let why = "OTEL_TRACES_EXPORTER does not list otlp";
        otlp::warn_of_unused_endpoint(&given.otlp, Signal::Traces, why, plan);
    }
    if lacks("zipkin") {
        let why = "OTEL_TRACES_EXPORTER does not list zipkin";
        plan.has_no_effect(&given.zipkin.endpoint, why);
        plan.has_no_effect(&given.zipkin.timeout, why);
    }
}
