//! What the collector answers.

use super::{Fault, Received};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use std::{
    error::Error,
    future::pending,
    io,
    sync::{Arc, PoisonError},
    time::Duration,
};
use tokio::time::sleep;

/// How long a slow answer takes: less than the service's timeout.
const SLOW: Duration = Duration::from_millis(500);

type Answer = Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>>;

pub(super) async fn answer(
    request: Request<Incoming>,
    fault: Fault,
    received: Arc<Received>,
) -> Answer {
    received.count(fault);
    if fault == Fault::Reset {
        return Err(io::Error::from(io::ErrorKind::ConnectionReset).into());
    }
    let is_traces = request.uri().path() == "/v1/traces";
    let body = request.into_body().collect().await?.to_bytes();
    match fault {
        Fault::Unavailable => return status(StatusCode::SERVICE_UNAVAILABLE),
        Fault::TooMany => {
            let response = Response::builder().status(StatusCode::TOO_MANY_REQUESTS);
            return Ok(response.header(header::RETRY_AFTER, "1").body(Full::default())?);
        }
        Fault::Hang => return pending().await,
        Fault::Slow => sleep(SLOW).await,
        Fault::None | Fault::Partial | Fault::Reset | Fault::Refuse => {}
    }
    if is_traces {
        traces(&body, fault == Fault::Partial, &received)
    } else {
        let mut metrics = received.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        metrics.take(&body)?;
        drop(metrics);
        message(&ExportTraceServiceResponse::default()) // empty, as one about metrics would be
    }
}

fn traces(body: &[u8], is_partial: bool, received: &Received) -> Answer {
    let request = ExportTraceServiceRequest::decode(body)?;
    let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
    let spans = scopes.flat_map(|scope| &scope.spans);
    let mut taken = received.spans.lock().unwrap_or_else(PoisonError::into_inner);
    // Once each, however often a batch comes of which the service never saw the answer.
    for span in spans.skip(usize::from(is_partial)) {
        taken.insert(span.span_id.as_slice().try_into()?);
    }
    drop(taken);
    let partial_success = is_partial.then(|| ExportTracePartialSuccess {
        rejected_spans: 1,
        error_message: "one too many".to_owned(),
    });
    message(&ExportTraceServiceResponse { partial_success })
}

fn message(message: &ExportTraceServiceResponse) -> Answer {
    let response = Response::builder().header(header::CONTENT_TYPE, "application/x-protobuf");
    Ok(response.body(Full::from(message.encode_to_vec()))?)
}

fn status(status: StatusCode) -> Answer {
    Ok(Response::builder().status(status).body(Full::default())?)
}
