//! What a process that runs cannot change.

use crate::config::file::schema::Configuration;
use crate::error::InitError;

/// # Errors
///
/// Something changed that only a new process can do.
pub(super) fn refuse_restart(
    name: &str,
    old: &Configuration,
    new: &Configuration,
) -> Result<(), InitError> {
    let nodes = need_restart(old, new);
    if nodes.is_empty() { Ok(()) } else { Err(InitError::needs_restart(name, &nodes)) }
}

/// The nodes that changed and cannot be changed in a process that runs.
fn need_restart(old: &Configuration, new: &Configuration) -> Vec<&'static str> {
    let (old_traces, new_traces) = (old.tracer_provider.as_ref(), new.tracer_provider.as_ref());
    let (old_ours, new_ours) = (old.tracewire.as_ref(), new.tracewire.as_ref());
    let nodes = [
        ("disabled", old.disabled == new.disabled),
        ("attribute_limits", old.attribute_limits == new.attribute_limits),
        ("resource", old.resource == new.resource),
        ("propagator", old.propagator == new.propagator),
        ("tracer_provider", old_traces.is_some() == new_traces.is_some()),
        ("tracer_provider.processors", same(old_traces, new_traces, |traces| &traces.processors)),
        ("tracer_provider.limits", same(old_traces, new_traces, |traces| &traces.limits)),
        (
            "tracer_provider.id_generator",
            same(old_traces, new_traces, |traces| &traces.id_generator),
        ),
        ("meter_provider", old.meter_provider == new.meter_provider),
        ("logger_provider", old.logger_provider == new.logger_provider),
        (
            "distribution.tracewire.log",
            value(old_ours, |o| o.log.clone()) == value(new_ours, |o| o.log.clone()),
        ),
        (
            "distribution.tracewire.metrics",
            value(old_ours, |o| o.metrics.clone()) == value(new_ours, |o| o.metrics.clone()),
        ),
        (
            "distribution.tracewire.exceptions",
            value(old_ours, |o| o.exceptions.clone()) == value(new_ours, |o| o.exceptions.clone()),
        ),
        (
            "distribution.tracewire.metadata_timeout",
            value(old_ours, |o| o.metadata_timeout.clone())
                == value(new_ours, |o| o.metadata_timeout.clone()),
        ),
        (
            "distribution.tracewire.reload",
            value(old_ours, |o| o.reload.clone()) == value(new_ours, |o| o.reload.clone()),
        ),
    ];
    nodes.into_iter().filter(|(_, is_same)| !is_same).map(|(node, _)| node).collect()
}

/// Whether a field is the same in both; that one is missing is another change.
fn same<T, F: PartialEq>(old: Option<&T>, new: Option<&T>, field: impl Fn(&T) -> &F) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => field(old) == field(new),
        _ => true,
    }
}

fn value<T, F>(from: Option<&T>, field: impl Fn(&T) -> Option<F>) -> Option<F> {
    from.and_then(field)
}
