//! Log records over OTLP.

use super::Log;
use crate::{
    otlp::{Client, LOGS, Requests},
    pipeline::{
        deliver::{Deliver, Encoded},
        failure::Failure,
    },
};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_sdk::Resource;
use std::{collections::VecDeque, sync::Arc};

/// Log records over OTLP.
#[derive(Debug)]
pub(super) struct OtlpLogs(Requests);

impl OtlpLogs {
    pub(super) fn new(client: Client) -> Self {
        Self(Requests::new(client, LOGS))
    }
}

impl Deliver<Arc<Log>> for OtlpLogs {
    type Body = Vec<u8>;

    fn encode(&self, batch: &mut VecDeque<Arc<Log>>) -> Encoded<Vec<u8>> {
        self.0.encode(batch)
    }

    fn send(&self, body: Vec<u8>) -> Result<(), Failure> {
        self.0.send::<ExportLogsServiceRequest>(body)
    }

    fn set_resource(&self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}
