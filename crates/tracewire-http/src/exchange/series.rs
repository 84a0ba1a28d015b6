//! Which time series a measurement belongs to.

use super::Record;
use crate::values::{OTHER, Side, repeated::digest, text_digest};
use opentelemetry::StringValue;

/// What distinguishes one series from another.
#[derive(Clone, Debug)]
pub(super) struct Labels {
    pub(super) method: StringValue,
    pub(super) version: Option<&'static str>,
    pub(super) synthetic: Option<&'static str>,
    pub(super) status: Option<u16>,
    pub(super) error: Option<StringValue>,
    /// Whether nothing was left out.
    pub(super) exact: bool,
    pub(super) digest: u64,
}

impl Record {
    /// The labels of this exchange's series, before they are [limited](Self::limit).
    pub(super) fn exact_labels(&self, error: Option<StringValue>) -> Labels {
        let method = self.rpc.as_ref().map_or(&self.method, |call| &call.method);
        let mut labels = Labels {
            method: method.clone(),
            version: self.version,
            synthetic: self.synthetic,
            status: self.status.map(|status| status.as_u16()),
            error,
            exact: true,
            digest: 0,
        };
        labels.digest = self.digest(&labels);
        labels
    }

    /// Leaves out what the other side chooses, past the limit.
    pub(super) fn limit(&self, labels: &mut Labels) {
        if !self.options().series.admits(labels.digest) {
            self.blur(labels);
        }
    }

    /// A number that differs between series.
    ///
    /// Hosts may be chosen by others, so all their bytes count: series that were taken for one another
    /// would not be limited.
    fn digest(&self, labels: &Labels) -> u64 {
        let words = [
            digest(labels.method.as_str()),
            self.scheme as u64,
            labels.version.map_or(0, digest),
            self.server.as_ref().map_or(0, |(host, port)| text_digest(host) ^ u64::from(*port)),
            self.route.as_ref().map_or(0, |route| route.digest),
            labels.synthetic.map_or(0, digest),
            labels.status.map_or(0, u64::from),
            labels.error.as_ref().map_or(0, text_digest),
            self.rpc
                .as_ref()
                .and_then(|call| call.status)
                .map_or(0, |status| digest(status.name())),
        ];
        words
            .into_iter()
            .fold(0, |all, word| (all ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23))
    }

    fn blur(&self, labels: &mut Labels) {
        labels.exact = false;
        labels.version = None;
        labels.synthetic = None;
        if self.rpc.is_some() || self.side == Side::Server {
            labels.method = OTHER.into();
        } else {
            // The server's choice; the method is the client's own.
            let status = labels.status.take().map(|status| status.to_string());
            if let Some(error) = &mut labels.error
                && status.is_some_and(|status| status == error.as_str())
            {
                *error = OTHER.into();
            }
        }
    }
}
