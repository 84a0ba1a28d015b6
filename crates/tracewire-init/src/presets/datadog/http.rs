//! Which headers become tags, and which status codes are errors.

use tracewire_propagation::HttpSettings;

use crate::builder::Datadog;
use crate::plan::Origin;
use crate::settings::{Given, Setting};
use crate::variables::{self, Reader};

/// What layers get in place of variables: all that the standard ones say, and what Datadog's say.
pub(super) fn settings(given: &Datadog, reader: &mut Reader<'_>) -> Setting<HttpSettings> {
    let tags = &given.header_tags;
    let origins = [
        tags.as_ref().map(|given| &given.origin),
        given.server_errors.as_ref().map(|given| &given.origin),
        given.client_errors.as_ref().map(|given| &given.origin),
    ];
    let origin: Origin = origins.into_iter().flatten().next()?.clone();
    let mut settings = variables::http(reader);
    for (header, tag) in tags.iter().flat_map(|given| &given.value) {
        for side in [&mut settings.server, &mut settings.client] {
            match tag {
                Some(tag) => side.header_attributes.push((header.clone(), tag.clone())),
                // The Agent makes `http.request.headers.…` of these, as its tracers do.
                None => {
                    side.request_headers.push(header.clone());
                    side.response_headers.push(header.clone());
                }
            }
        }
    }
    let errors = |given: &Setting<_>| given.as_ref().map(|Given { value, .. }| Vec::clone(value));
    settings.server.error_statuses = errors(&given.server_errors);
    settings.client.error_statuses = errors(&given.client_errors);
    Some(Given { value: settings, origin })
}
