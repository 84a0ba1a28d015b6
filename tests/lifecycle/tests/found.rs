//! The smallest scenarios that once were recorded wrong.

use lifecycle::{
    Around, Content, End, GrpcStatus, Length, Method, Parent, Protocol, Request, Response,
    Scenario, Target, Then, Wiring, Work, check,
};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

fn scenario(protocol: Protocol, wiring: Wiring, attempts: Vec<Then>) -> Scenario {
    let work = |then| Work { reads: false, pauses: 0, says: Vec::new(), panics: None, then };
    Scenario {
        protocol,
        around: Around::Nothing,
        nested: false,
        follow_upgrades: false,
        sizes: false,
        wiring,
        end_at_body: false,
        loses_connection: false,
        requests: vec![Request {
            method: Method::Get,
            target: Target::Matched,
            parent: Parent::None,
            is_grpc: false,
            has_deadline: false,
            upload_fails: false,
            leaves_unread: false,
            attempts: attempts.into_iter().map(work).collect(),
        }],
    }
}

/// A response of one frame of three bytes.
fn three_bytes(length: Length) -> Response {
    Response {
        status: 200,
        content: Content::Plain,
        length,
        frames: vec![3],
        gaps: false,
        late: None,
        end: End::Done,
        redirects: false,
    }
}

/// The span of the call around the attempts said nothing of resends.
#[test]
fn a_caller_who_leaves_after_a_retry_inside_has_resent_the_request() {
    for protocol in BOTH {
        let attempts = vec![Then::Panic, Then::Hang];
        check(&scenario(protocol, Wiring::Nested, attempts)).unwrap();
    }
}

/// The span of a call over gRPC had `http.request.resend_count`, which is HTTP's alone, if a middleware
/// inside sent the request again.
#[test]
fn a_call_over_grpc_that_is_retried_inside_has_no_attribute_of_http() {
    let answer = || {
        let content = Content::Messages(Some(GrpcStatus::Ok));
        Then::Respond(Response { content, end: End::Trailers, ..three_bytes(Length::Unknown) })
    };
    let mut scenario = scenario(Protocol::Http2, Wiring::Nested, vec![answer(), answer()]);
    scenario.requests[0].method = Method::Post;
    scenario.requests[0].is_grpc = true;
    check(&scenario).unwrap();
}

/// Over HTTP/2 a client recorded the size that the head declared of a body that it never has.
#[test]
fn a_response_to_head_has_a_body_of_no_bytes() {
    for (protocol, end_at_body) in BOTH.into_iter().flat_map(|own| [(own, false), (own, true)]) {
        let answer = Then::Respond(three_bytes(Length::Declared));
        let mut scenario = scenario(protocol, Wiring::Traced, vec![answer]);
        scenario.requests[0].method = Method::Head;
        (scenario.sizes, scenario.end_at_body) = (true, end_at_body);
        check(&scenario).unwrap();
    }
}
