#![no_main]
//! A comment behind a statement is one comment, changes nothing of the statement, and reads as its pairs.

use fuzz::sql::commented;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, Vec<(&str, &str)>)| commented(data.0, &data.1));
