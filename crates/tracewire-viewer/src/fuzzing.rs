//! What `fuzz/` drives: a request from its head to its answer, and the page afterwards.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::runtime::Builder;
use tracewire_live::{Live, PeerAddress};

use crate::intake::Intake;
use crate::receiver::Receiver;

const PATHS: [&str; 5] = [
    "/v1/traces",
    "/v1/logs",
    "/v1/metrics",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/v1/other",
];
const KINDS: [&str; 3] = ["application/x-protobuf", "application/json", "application/grpc"];

/// Receives bodies, each by a path, a content type and a packing that `choice` picks. Returns the answers'
/// statuses, and whether the store keeps within its memory.
///
/// # Panics
///
/// If the receiver does, or there can be no runtime.
#[must_use]
pub fn receive<'a>(bodies: impl IntoIterator<Item = (u8, &'a [u8])>) -> (Vec<u16>, bool) {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime without a socket can be made");
    let recorder = Live::new().memory_mib(4).rate(0, 1).build();
    let receiver = Receiver::new(Intake::new(&recorder), recorder.own_page());
    let mut statuses = Vec::new();
    for (choice, body) in bodies {
        let choice = usize::from(choice);
        let request = Request::post(PATHS[choice % PATHS.len()])
            .header("host", "localhost")
            .header("content-type", KINDS[choice / 5 % KINDS.len()])
            .header(if choice / 15 % 2 == 0 { "x-unpacked" } else { "content-encoding" }, "gzip")
            .header("grpc-encoding", "gzip");
        let body = Full::new(Bytes::copy_from_slice(body));
        let mut request = request.body(body).expect("the parts above are legal");
        request.extensions_mut().insert(PeerAddress(([127, 0, 0, 1], 1).into()));
        statuses.push(runtime.block_on(receiver.answer(request)).status().as_u16());
    }
    (statuses, recorder.used() <= recorder.memory().total)
}
