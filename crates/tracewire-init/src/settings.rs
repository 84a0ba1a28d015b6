//! What a setting is before anything is decided: a value and who gave it, or nothing.
//!
//! Code, the environment, vendors' variables and defaults in code each fill a [`Layer`]. Stronger
//! layers are completed by weaker ones, field by field, and what is left is decided by
//! [`config`](crate::config).

use std::path::PathBuf;
use std::time::Duration;

use tracewire_export::wiring::log::Level;
use tracewire_propagation::HttpSettings;

use crate::builder::{
    Console, Datadog, Elastic, Live, LogLines, Logs, Metrics, Otlp, Resource, Traces, Uptrace,
};
use crate::config::extraction::Extraction;
use crate::config::file::Component;
use crate::config::propagators::Formats;
use crate::plan::{Origin, Plan};

/// A value and who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<T> Given<T> {
    /// Whether a file gave this, and code the other one.
    pub(crate) fn yields_to<U>(&self, other: &Given<U>) -> bool {
        matches!((&self.origin, &other.origin), (Origin::File(_), Origin::Code))
    }

    /// The same as another type.
    pub(crate) fn map<U>(self, into: impl FnOnce(T) -> U) -> Given<U> {
        Given { value: into(self.value), origin: self.origin }
    }
}

/// A value that may not be given.
pub(crate) type Setting<T> = Option<Given<T>>;

/// A value that code gave.
pub(crate) fn in_code<T>(value: T) -> Setting<T> {
    Some(Given { value, origin: Origin::Code })
}

/// A value that a variable gave.
pub(crate) fn from_variable<T>(name: &str, value: T) -> Setting<T> {
    Some(Given { value, origin: Origin::Variable(name.to_owned()) })
}

/// Settings that can be completed by weaker ones.
pub(crate) trait Merge {
    /// Takes from `weaker` what is not given here, and warns of variables that code overrides.
    fn complete(&mut self, weaker: Self, plan: &mut Plan);

    /// Makes what code gave a default, which yields to the environment.
    fn make_default(&mut self);
}

impl<T> Merge for Setting<T> {
    fn complete(&mut self, weaker: Self, plan: &mut Plan) {
        let is_weaker = match (&*self, &weaker) {
            (Some(stronger), Some(weaker)) => {
                if let (Origin::Code, Some(name)) =
                    (&stronger.origin, weaker.origin.given_from_outside())
                {
                    plan.warn(format!("{name} is ignored: the program sets it in code"));
                }
                // What a file says of one exporter yields to what code says of all of them.
                !stronger.yields_to(weaker)
            }
            (Some(_), None) => true,
            (None, _) => false,
        };
        if !is_weaker {
            *self = weaker;
        }
    }

    fn make_default(&mut self) {
        if let Some(given) = self {
            given.origin = Origin::DefaultInCode;
        }
    }
}

/// Lists grow: what is stronger comes last.
impl<T> Merge for Vec<T> {
    fn complete(&mut self, weaker: Self, _plan: &mut Plan) {
        let stronger = std::mem::replace(self, weaker);
        self.extend(stronger);
    }

    fn make_default(&mut self) {}
}

/// Declares a struct of settings that are merged field by field.
macro_rules! settings {
    (
        $(#[$attribute:meta])*
        $visible:vis struct $name:ident {
            $($(#[$of_field:meta])* $field:ident: $kind:ty,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Default)]
        $visible struct $name {
            $($(#[$of_field])* pub(crate) $field: $kind,)*
        }

        impl $crate::settings::Merge for $name {
            fn complete(&mut self, weaker: Self, plan: &mut $crate::plan::Plan) {
                $($crate::settings::Merge::complete(&mut self.$field, weaker.$field, plan);)*
            }

            fn make_default(&mut self) {
                $($crate::settings::Merge::make_default(&mut self.$field);)*
            }
        }

        // Settings hold secrets, and things without `Debug`.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use settings;

settings! {
    /// Everything that one source of settings says.
    pub(crate) struct Layer {
        disabled: Setting<bool>,
        log_level: Setting<Level>,
        shutdown_timeout: Setting<Duration>,
        propagators: Setting<Formats>,
        /// What becomes of the trace that a request comes with.
        extraction: Setting<Extraction>,
        resource: Resource,
        otlp: Otlp,
        traces: Traces,
        metrics: Metrics,
        logs: Logs,
        console: Console,
        live: Live,
        log_lines: LogLines,
        /// What a configuration file says to layers.
        http: Setting<HttpSettings>,
        /// Which file takes the place of variables.
        config_file: Setting<PathBuf>,
        /// What the program registers for it.
        components: Vec<Component>,
        /// What code says in the words of vendors.
        datadog: Datadog,
        elastic: Elastic,
        uptrace: Uptrace,
    }
}

impl Layer {
    /// Completes each signal's OTLP settings by those for all signals, and finds the service's name.
    ///
    /// Layers merge after that, so that what code says for all signals wins over a signal's variable.
    pub(crate) fn settle(&mut self) {
        self.resource.settle();
        for signal in [&mut self.traces.otlp, &mut self.metrics.otlp, &mut self.logs.otlp] {
            signal.complete(self.otlp.clone(), &mut Plan::default());
        }
    }

    /// Whether an endpoint for OTLP is given, for any signal.
    pub(crate) fn says_where(&self) -> bool {
        [&self.otlp, &self.traces.otlp, &self.metrics.otlp, &self.logs.otlp]
            .iter()
            .any(|otlp| otlp.endpoint.is_some())
    }
}
