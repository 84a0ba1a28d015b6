//! The body of a response, which does what a plan says.

use crate::plan::{Content, End, GrpcStatus, Length, Response, Say};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll},
};
use tracewire_http::ExchangeHandle;

#[derive(Clone, Copy, Debug)]
enum Step {
    Say(Say),
    /// Others run first.
    Pause,
    Data(u8),
    Message(u8),
    Trailers(Option<GrpcStatus>),
    Error,
    Panic,
    Stuck,
}

#[derive(Debug)]
pub(crate) struct Planned {
    steps: VecDeque<Step>,
    knows_end: bool,
    /// How many bytes are to come, where it says so.
    hint: Option<u64>,
    handle: Option<ExchangeHandle>,
    _panics: Panics,
}

impl Planned {
    pub(crate) fn new(plan: &Response, handle: Option<ExchangeHandle>, panics: bool) -> Self {
        Self {
            steps: steps(plan, panics),
            knows_end: plan.end == End::Known,
            hint: (plan.length == Length::Hinted).then(|| plan.size()),
            handle,
            _panics: Panics(panics),
        }
    }
}

/// Where its destructor `panics`, what comes before the last frame has left by then: see the model.
fn steps(plan: &Response, panics: bool) -> VecDeque<Step> {
    let mut steps: VecDeque<_> = plan.late.into_iter().map(Step::Say).collect();
    if panics && !plan.is_empty() {
        steps.push_back(Step::Pause);
    }
    for frame in &plan.frames {
        steps.push_back(match plan.content {
            Content::Messages(_) => Step::Message(*frame),
            Content::Plain | Content::Events => Step::Data(*frame),
        });
        if plan.gaps || panics {
            steps.push_back(Step::Pause);
        }
    }
    if plan.end == End::Known {
        if !plan.frames.is_empty() && matches!(steps.back(), Some(Step::Pause)) {
            steps.pop_back();
        }
    } else {
        // The head and the frames leave first, or hyper would drop them.
        steps.extend([Step::Pause; 3]);
    }
    steps.extend(match plan.end {
        End::Done | End::Known => None,
        End::Trailers => Some(Step::Trailers(plan.status_in_trailers())),
        End::Error => Some(Step::Error),
        End::Panic => Some(Step::Panic),
        End::Stuck => Some(Step::Stuck),
    });
    steps
}

impl Body for Planned {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        while let Some(step) = self.steps.pop_front() {
            match step {
                Step::Say(said) => said.about(self.handle.as_ref()),
                Step::Pause => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::Data(size) => {
                    if let Some(hint) = &mut self.hint {
                        *hint -= u64::from(size);
                    }
                    return Poll::Ready(Some(Ok(Frame::data(vec![b'x'; size.into()].into()))));
                }
                Step::Message(size) => {
                    let mut message = vec![0, 0, 0, 0, size];
                    message.resize(5 + usize::from(size), b'x');
                    return Poll::Ready(Some(Ok(Frame::data(message.into()))));
                }
                Step::Trailers(status) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers(status)))));
                }
                Step::Error => return Poll::Ready(Some(Err(io::Error::other("on purpose")))),
                Step::Panic => panic!("on purpose"),
                Step::Stuck => {
                    self.steps.push_front(step);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.knows_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.hint.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn trailers(status: Option<GrpcStatus>) -> HeaderMap {
    let trailer = HeaderName::from_static("x-checksum");
    let mut trailers = HeaderMap::from_iter([(trailer, HeaderValue::from_static("1"))]);
    if let Some(status) = status {
        trailers.insert("grpc-status", HeaderValue::from_static(status.code()));
    }
    trailers
}

/// Panics when it is dropped, if it is to.
#[derive(Debug)]
pub(crate) struct Panics(pub(crate) bool);

impl Drop for Panics {
    fn drop(&mut self) {
        if self.0 {
            panic!("on purpose");
        }
    }
}

impl Say {
    pub(crate) fn about(self, handle: Option<&ExchangeHandle>) {
        let Some(handle) = handle else { return };
        match self {
            Self::Fail => handle.fail(tracewire_http::ErrorType::Named("said")),
            Self::Succeed => handle.succeed(),
            Self::Route => handle.set_route("/late"),
            Self::Attribute => {
                handle.add_metric_attribute(opentelemetry::KeyValue::new("shop.plan", "free"));
            }
        }
    }
}
