//! `OTEL_METRICS_EXEMPLAR_FILTER`: whether measurements of sampled spans are kept as exemplars.

use tracewire_exemplar::Exemplars;

use crate::env::{self, Env};
use crate::exporters::Exporter;

/// The filters of the specification. `always_on` is not among them: an exemplar without a sampled span
/// leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    TraceBased,
    AlwaysOff,
}

/// Where exemplars are kept; `None` if they are off, or no exporter has a place for them.
pub(crate) fn exemplars(
    env: &Env,
    code: Option<bool>,
    exporters: &[Exporter],
) -> Option<Exemplars> {
    let code = code.map(|is_on| if is_on { Filter::TraceBased } else { Filter::AlwaysOff });
    let words = [("trace_based", Filter::TraceBased), ("always_off", Filter::AlwaysOff)];
    let names = ["OTEL_METRICS_EXEMPLAR_FILTER"];
    let filter = env.pick(&names, code, env::choice(&words), Filter::TraceBased);
    let is_read = exporters.iter().any(|exporter| *exporter != Exporter::Console);
    (filter == Filter::TraceBased && is_read).then(Exemplars::new)
}
