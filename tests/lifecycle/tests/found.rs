//! The smallest scenarios that once were recorded wrong.

use lifecycle::{
    Around, Method, Parent, Protocol, Request, Scenario, Target, Then, Wiring, Work, check,
};

fn scenario(protocol: Protocol, wiring: Wiring, attempts: Vec<Then>) -> Scenario {
    let work = |then| Work { reads: false, pauses: 0, says: Vec::new(), then };
    Scenario {
        protocol,
        around: Around::Nothing,
        nested: false,
        follow_upgrades: false,
        wiring,
        end_at_body: false,
        loses_connection: false,
        requests: vec![Request {
            method: Method::Get,
            target: Target::Matched,
            parent: Parent::None,
            upload_fails: false,
            attempts: attempts.into_iter().map(work).collect(),
        }],
    }
}

/// The span of the call around the attempts said nothing of resends.
#[test]
fn a_caller_who_leaves_after_a_retry_inside_has_resent_the_request() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let attempts = vec![Then::Panic, Then::Hang];
        check(&scenario(protocol, Wiring::Nested, attempts)).unwrap();
    }
}
