//! The body of a response, which does what a plan says.

use crate::plan::{End, Length, Response, Say};
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
    Trailers,
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
}

impl Planned {
    pub(crate) fn new(plan: &Response, handle: Option<ExchangeHandle>) -> Self {
        let mut steps: VecDeque<_> = plan.late.into_iter().map(Step::Say).collect();
        for frame in &plan.frames {
            steps.push_back(Step::Data(*frame));
            if plan.gaps {
                steps.push_back(Step::Pause);
            }
        }
        if plan.end == End::Known {
            if matches!(steps.back(), Some(Step::Pause)) {
                steps.pop_back();
            }
        } else {
            // The head and the frames leave first, or hyper would drop them.
            steps.extend([Step::Pause; 3]);
        }
        steps.extend(match plan.end {
            End::Done | End::Known => None,
            End::Trailers => Some(Step::Trailers),
            End::Error => Some(Step::Error),
            End::Panic => Some(Step::Panic),
            End::Stuck => Some(Step::Stuck),
        });
        Self {
            steps,
            knows_end: plan.end == End::Known,
            hint: (plan.length == Length::Hinted).then(|| plan.size()),
            handle,
        }
    }
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
                Step::Trailers => {
                    let trailer = HeaderName::from_static("x-checksum");
                    let trailers = HeaderMap::from_iter([(trailer, HeaderValue::from_static("1"))]);
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
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
