//! Makes scenarios up, and smaller ones of those that fail.

use crate::plan::{
    Around, Content, End, Failure, Length, Method, Parent, Protocol, REDIRECTS, Request, Response,
    Say, Scenario, Target, Then, Wiring, Work,
};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_oneof},
    sample::select,
};

/// Scenarios of one to four requests over `protocol`.
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
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let parts = (around, flags, wiring, vec(request(), 1..4));
    parts.prop_map(move |(around, flags, wiring, mut requests)| {
        let (nested, follow_upgrades, end_at_body, loses) = flags;
        // reqwest takes no connection over.
        let upgrades = requests.iter().any(Request::is_upgrade);
        let wiring = if upgrades && wiring.is_reqwest() { Wiring::Traced } else { wiring };
        if wiring == Wiring::Redirected {
            requests.iter_mut().for_each(redirect);
        }
        for request in &mut requests {
            request.upload_fails &= protocol == Protocol::Http2;
        }
        let loses_connection = loses && protocol == Protocol::Http2;
        Scenario {
            protocol,
            around,
            nested,
            follow_upgrades,
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

fn request() -> impl Strategy<Value = Request> {
    let method = select(vec![Method::Get, Method::Head, Method::Post, Method::Brew]);
    let target = select(vec![Target::Matched, Target::Unmatched, Target::Excluded]);
    let parent = select(vec![Parent::None, Parent::Sampled, Parent::Unsampled]);
    let plain = (method, target, vec(work(then()), 1..4));
    let upgrade = (0..4_u8).prop_map(Then::Upgrade);
    let upgraded = work(upgrade).prop_map(|work| (Method::Get, Target::Unmatched, vec![work]));
    let kind = prop_oneof![9 => plain, 1 => upgraded];
    (kind, parent, any::<bool>()).prop_map(|((method, target, attempts), parent, upload_fails)| {
        Request { method, target, parent, upload_fails, attempts }
    })
}

fn work(then: impl Strategy<Value = Then>) -> impl Strategy<Value = Work> {
    (any::<bool>(), 0..3_u8, vec(say(), 0..3), then).prop_map(|(reads, pauses, says, then)| Work {
        reads,
        pauses,
        says,
        then,
    })
}

fn say() -> impl Strategy<Value = Say> {
    select(vec![Say::Fail, Say::Succeed, Say::Route, Say::Attribute])
}

fn then() -> impl Strategy<Value = Then> {
    prop_oneof![
        8 => response().prop_map(Then::Respond),
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
