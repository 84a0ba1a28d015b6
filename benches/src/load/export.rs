//! Where the spans of a server go, each set up as its users do.

use crate::http::Telemetry;
use opentelemetry_otlp::{MetricExporter, SpanExporter};
use opentelemetry_sdk::{metrics::SdkMeterProvider, trace::SdkTracerProvider};

/// Where the spans of a server go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// Into a batch processor whose exporter drops them.
    Dropped,
    /// To a collector, by the SDK's batch processor and `opentelemetry-otlp`, all by default.
    Sdk,
    /// To a collector, by `tracewire::init()`.
    Init,
}

impl Export {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Dropped, Self::Sdk, Self::Init];

    /// What it is called in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Sdk => "opentelemetry-otlp",
            Self::Init => "tracewire::init",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|export| export.name() == name)
    }

    /// Sets up this process. The collector's address is in `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub(super) fn install(self) -> Installed {
        match self {
            Self::Dropped => Installed { telemetry: Telemetry::install(), end: End::Dropped },
            Self::Sdk => {
                let spans = SpanExporter::builder().with_http().build().expect("a loopback URL");
                let metrics =
                    MetricExporter::builder().with_http().build().expect("a loopback URL");
                let traces = SdkTracerProvider::builder().with_batch_exporter(spans).build();
                let meters = SdkMeterProvider::builder().with_periodic_exporter(metrics).build();
                let telemetry = Telemetry::of(traces, meters).set_global();
                Installed { telemetry, end: End::Sdk }
            }
            Self::Init => {
                let guard = tracewire_init::init().expect("the variables are right");
                let given = guard.tracer_provider().zip(guard.meter_provider());
                let (traces, meters) = given.expect("nothing is disabled");
                let telemetry = Telemetry::of(traces.clone(), meters.clone());
                Installed { telemetry, end: End::Init(Box::new(guard)) }
            }
        }
    }
}

/// The telemetry of this process.
pub(super) struct Installed {
    pub(super) telemetry: Telemetry,
    end: End,
}

enum End {
    Dropped,
    Sdk,
    Init(Box<tracewire_init::Telemetry>),
}

impl Installed {
    /// Exports what is left. Gives the spans and the names of the attributes of the last one, where
    /// no collector knows them.
    pub(super) fn end(self) -> Option<(u64, Vec<String>)> {
        match self.end {
            End::Dropped => {
                let recorded = self.telemetry.recorded();
                Some((recorded.spans, recorded.span.into_iter().map(|(name, _)| name).collect()))
            }
            End::Sdk => {
                self.telemetry.shutdown();
                None
            }
            End::Init(guard) => {
                guard.shutdown();
                None
            }
        }
    }
}
