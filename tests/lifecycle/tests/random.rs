//! Random scenarios over both protocols, as many as `LIFECYCLE_CASES` says, 1,000 of each by default.
//!
//! ```sh
//! LIFECYCLE_CASES=500000 cargo test --release -p lifecycle
//! ```

use lifecycle::{Protocol, check, scenarios};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::env;

fn try_out(protocol: Protocol) {
    let cases =
        env::var("LIFECYCLE_CASES").map_or(1_000, |cases| cases.parse().expect("it is a number"));
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 5_000, ..Config::default() };
    let checked = TestRunner::new(config)
        .run(&scenarios(protocol), |scenario| check(&scenario).map_err(TestCaseError::fail));
    if let Err(failure) = checked {
        panic!("{failure:#}");
    }
}

#[test]
fn every_request_over_http1_is_recorded_as_the_model_says() {
    try_out(Protocol::Http1);
}

#[test]
fn every_request_over_http2_is_recorded_as_the_model_says() {
    try_out(Protocol::Http2);
}
