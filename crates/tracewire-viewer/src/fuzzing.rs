//! What `fuzz/` drives: a request from its head to its answer, and the page afterwards.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::runtime::Builder;
use tower_service::Service;
use tracewire_live::{Live, LivePage, PeerAddress};

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

/// Traces that are looked at.
const LOOKS: usize = 4;

/// Receives bodies, each by a path, a content type and a packing that `choice` picks, and then asks the page
/// for what came of them. Returns all statuses, and whether the store keeps within its memory.
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
    runtime.block_on(look(recorder.own_page(), &mut statuses));
    (statuses, recorder.used() <= recorder.memory().total)
}

/// Opens the text of a file, and downloads its first trace.
///
/// # Errors
///
/// If the file cannot be read, with what the program then says.
///
/// # Panics
///
/// If the reader does, or there can be no runtime.
pub fn open(text: &[u8]) -> Result<String, String> {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime without a socket can be made");
    let recorder = Live::new().memory_mib(64).value_kib(64).rate(0, 1).build();
    let trace = crate::file::read("a file", text, &Intake::new(&recorder))?;
    let trace = trace.ok_or("it has no spans")?;
    let path = format!("trace/{trace}/otlp");
    Ok(runtime.block_on(ask(&mut recorder.own_page(), &path, &mut Vec::new())))
}

/// Opens traces, their spans and their downloads.
async fn look(mut page: LivePage, statuses: &mut Vec<u16>) {
    let mut paths =
        vec!["traces?q=-a+b%3D1+%3E1ms".to_owned(), "routes".to_owned(), "metrics".to_owned()];
    let list = ask(&mut page, "traces", statuses).await;
    for id in texts(&list, "id\":\"").take(LOOKS) {
        let trace = ask(&mut page, &format!("trace/{id}"), statuses).await;
        paths.extend([format!("trace/{id}/otlp"), format!("trace/{id}?find=a")]);
        let spans =
            texts(&trace, "\"spans\":{\"id\":[\"").map(|span| format!("trace/{id}/span/{span}"));
        paths.extend(spans);
    }
    for path in paths {
        ask(&mut page, &path, statuses).await;
    }
}

async fn ask(page: &mut LivePage, path: &str, statuses: &mut Vec<u16>) -> String {
    let request = Request::get(format!("/api/{path}")).header("host", "localhost").body(());
    let mut request = request.expect("ids are hexadecimal digits");
    request.extensions_mut().insert(PeerAddress(([127, 0, 0, 1], 1).into()));
    let Ok(response) = page.call(request).await;
    statuses.push(response.status().as_u16());
    let Ok(body) = response.into_body().collect().await;
    String::from_utf8(body.to_bytes().into()).expect("JSON is UTF-8")
}

/// What stands between `before` and the next quote.
fn texts<'a>(json: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    json.split(before).skip(1).filter_map(|rest| rest.split('"').next())
}
