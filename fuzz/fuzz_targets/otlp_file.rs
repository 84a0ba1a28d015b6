#![no_main]
//! Spans of any content are lines of JSON, none of them is missing, and `tracewire-viewer` opens them.

use fuzz::{otlp_json::span_lines, spans::spans};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| span_lines(&spans(data)));
