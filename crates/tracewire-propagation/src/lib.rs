#![cfg_attr(feature = "tracecontext", doc = include_str!("../README.md"))]
//!
//! # What travels in the context
//!
//! The caller's span is the context's remote span, and baggage is OpenTelemetry's baggage. What
//! those cannot hold travels beside them: a [`SamplingHint`], the random flag
//! ([`with_random_trace_id`]), and what a format has to send on unchanged. None of it crosses from
//! one format's headers into another's. Work that is not to be recorded carries a mark
//! ([`untraced`]).
//!
//! [`providers`] tells layers what the global providers are. [`current`] attaches a context in destructors that may run while their thread ends.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod composite;
pub mod current;
mod default;
mod exceptions;
mod formats;
mod given_id;
mod http_settings;
#[cfg(all(test, loom))]
mod models;
mod names;
mod propagator;
pub mod providers;
mod random_flag;
mod register;
mod remove;
mod response;
mod sampling_hint;
mod span;
mod sync;
mod text_map;
// Shared by the formats, so a build of few formats leaves some of it unused.
#[allow(dead_code)]
mod tools;
mod trace_state;
mod uncontinued;
mod untraced;

pub use self::{
    composite::Composite,
    default::{
        default_propagator, default_version, describe_unsampled, drop_unsampled, set_default,
        set_describe_unsampled, set_drop_unsampled,
    },
    exceptions::{
        Exception, ExceptionKind, ExceptionLog, ExceptionLogs, logs_exceptions, record_exception,
        records_exceptions, set_exception_logs,
    },
    formats::*, // those that are compiled in, and the list of all
    given_id::take_given_trace_id,
    http_settings::{HttpSettings, HttpSide, http_settings, set_http_settings},
    names::{NamedPropagators, NotCompiledIn, allowed_names, from_env, from_names},
    propagator::{Extracted, Propagator, Wanted},
    random_flag::with_random_trace_id,
    register::{RegisterError, register},
    remove::remove_propagation_headers,
    response::inject_response,
    sampling_hint::SamplingHint,
    text_map::{FromTextMap, TextMap},
    trace_state::{
        moves_trace_state, put_back_trace_state, set_moves_trace_state, with_trace_state,
    },
    uncontinued::uncontinued_caller,
    untraced::{is_untraced, outgoing, untraced},
};
