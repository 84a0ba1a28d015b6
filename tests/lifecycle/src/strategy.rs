//! Makes scenarios up, and smaller ones of those that fail.

use crate::plan::{
    Around, Content, Destructor, End, Failure, GrpcStatus, Length, Method, Parent, Protocol,
    REDIRECTS, Request, Response, Say, Scenario, Target, Then, Wiring, Work,
};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::select,
    strategy::BoxedStrategy,
};

/// Scenarios of one to three requests over `protocol`.
pub fn scenarios(protocol: Protocol) -> impl Strategy<Value = Scenario> {
    let around = select(vec![
        Around::Nothing,
        Around::CatchPanicOutside,
        Around::CatchPanicInside,
        Around::TimeoutOutside,
        Around::TimeoutInside,
    ]);
    let wiring = select(vec![
        Wiring::Untraced,
        Wiring::Traced,
        Wiring::Clones,
        Wiring::Nested,
        Wiring::Middleware,
        Wiring::Retried,
        Wiring::RetriedInside,
        Wiring::Redirected,
    ]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let parts = (around, flags, wiring, vec(request(protocol), 1..4));
    parts.prop_map(move |(around, flags, wiring, mut requests)| {
        let (nested, follow_upgrades, sizes, end_at_body, loses) = flags;
        // reqwest takes no connection over.
        let upgrades = requests.iter().any(Request::is_upgrade);
        let wiring = if upgrades && wiring.is_reqwest() { Wiring::Traced } else { wiring };
        // gRPC redirects nothing.
        let is_grpc = requests.iter().any(|request| request.is_grpc);
        let wiring =
            if is_grpc && wiring == Wiring::Redirected { Wiring::Middleware } else { wiring };
        if wiring == Wiring::Redirected {
            requests.iter_mut().for_each(redirect);
        }
        let loses_connection = loses && protocol == Protocol::Http2;
        for request in &mut requests {
            request.leaves_unread &= !loses_connection && !request.is_upgrade();
        }
        Scenario {
            protocol,
            around,
            nested,
            follow_upgrades,
            sizes,
            wiring,
            end_at_body,
            loses_connection,
            requests,
        }
    })
}

/// Has every attempt but the last redirect to the next.
fn redirect(request: &mut Request) {
    // There would be no next one.
    request.upload_fails = false;
    let Some((_, hops)) = request.attempts.split_last_mut() else { return };
    for hop in hops {
        let choice = usize::from(hop.pauses) * 2 + usize::from(hop.reads);
        hop.panics = None;
        hop.then = Then::Respond(Response {
            status: REDIRECTS[choice % REDIRECTS.len()],
            content: Content::Plain,
            length: Length::Declared,
            frames: Vec::new(),
            gaps: false,
            late: None,
            end: End::Known,
            redirects: true,
        });
    }
}

fn request(protocol: Protocol) -> BoxedStrategy<Request> {
    let method = select(vec![Method::Get, Method::Head, Method::Post, Method::Brew]);
    let plain = (method, target(), vec(work(then(response().boxed())), 1..4));
    let plain = plain.prop_map(|(method, target, attempts)| (method, target, false, attempts));
    let upgrade = work((0..4_u8).prop_map(Then::Upgrade));
    let upgraded = upgrade.prop_map(|work| (Method::Get, Target::Unmatched, false, vec![work]));
    let call = (target(), vec(work(then(messages().boxed())), 1..4));
    let call = call.prop_map(|(target, attempts)| (Method::Post, target, true, attempts));
    let kind = match protocol {
        Protocol::Http1 => prop_oneof![9 => plain, 1 => upgraded].boxed(),
        Protocol::Http2 => prop_oneof![6 => plain, 1 => upgraded, 3 => call].boxed(),
    };
    let parent = select(vec![Parent::None, Parent::Sampled, Parent::Unsampled]);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let parts = (kind, parent, flags);
    let request = parts.prop_map(|((method, target, is_grpc, attempts), parent, flags)| {
        let (upload_fails, has_deadline, leaves_unread) = flags;
        let has_deadline = has_deadline && is_grpc;
        Request {
            method,
            target,
            parent,
            is_grpc,
            has_deadline,
            upload_fails,
            leaves_unread,
            attempts,
        }
    });
    request.boxed()
}

fn target() -> impl Strategy<Value = Target> {
    select(vec![Target::Matched, Target::Unmatched, Target::Excluded])
}

fn work(then: impl Strategy<Value = Then>) -> impl Strategy<Value = Work> {
    let panics = prop_oneof![
        6 => Just(None),
        1 => Just(Some(Destructor::Service)),
        1 => Just(Some(Destructor::Body)),
    ];
    let parts = (any::<bool>(), 0..3_u8, vec(say(), 0..3), panics, then);
    parts.prop_map(|(reads, pauses, says, panics, then)| Work { reads, pauses, says, panics, then })
}

fn say() -> impl Strategy<Value = Say> {
    select(vec![Say::Fail, Say::Succeed, Say::Route, Say::Attribute])
}

fn then(response: BoxedStrategy<Response>) -> impl Strategy<Value = Then> {
    prop_oneof![
        8 => response.prop_map(Then::Respond),
        1 => select(vec![Failure::Service, Failure::Timeout]).prop_map(Then::Fail),
        1 => Just(Then::PanicInCall),
        1 => Just(Then::Panic),
        1 => Just(Then::Hang),
    ]
}

fn response() -> impl Strategy<Value = Response> {
    let status = select(vec![200, 201, 204, 302, 304, 404, 500, 503]);
    let content = select(vec![Content::Plain, Content::Events]);
    let length = prop_oneof![
        Just(Length::Unknown),
        Just(Length::Declared),
        Just(Length::Hinted),
        (1..4_u8).prop_map(Length::TooShort),
        (1..4_u8).prop_map(Length::TooLong),
    ];
    let end =
        select(vec![End::Done, End::Known, End::Trailers, End::Error, End::Panic, End::Stuck]);
    let body = (vec(0..6_u8, 0..4), any::<bool>(), option::of(say()), end);
    (status, content, length, body).prop_map(|(status, content, length, body)| {
        let (frames, gaps, late, end) = body;
        let end = match (length, end) {
            // What a client that was sent too much does about it is not what happens next here.
            (Length::TooShort(_), _) => End::Done,
            // The head would not leave before hyper sees the error.
            (Length::TooLong(_), End::Known) => End::Done,
            _ => end,
        };
        Response { status, content, length, frames, gaps, late, end, redirects: false }
    })
}

/// Responses over gRPC: unary, of several messages, or of a head alone.
fn messages() -> impl Strategy<Value = Response> {
    let statuses = vec![
        GrpcStatus::Ok,
        GrpcStatus::NotFound,
        GrpcStatus::Internal,
        GrpcStatus::DeadlineExceeded,
        GrpcStatus::Unknown,
    ];
    let end = prop_oneof![
        3 => Just(End::Trailers),
        1 => select(vec![End::Done, End::Known, End::Error, End::Panic, End::Stuck]),
    ];
    let parts = (option::of(select(statuses)), vec(0..6_u8, 0..4), any::<bool>());
    let parts = (parts, option::of(say()), end);
    parts.prop_map(|((status, frames, gaps), late, end)| {
        let is_head_alone = end == End::Known;
        Response {
            status: 200,
            content: Content::Messages(status),
            length: Length::Unknown,
            frames: if is_head_alone { Vec::new() } else { frames },
            gaps,
            late: late.filter(|_| !is_head_alone),
            end,
            redirects: false,
        }
    })
}
