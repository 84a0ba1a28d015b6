//! Without the cargo feature `datadog-agent`: what code says in Datadog's words is refused before.

use super::Context;
use crate::error::InitError;
use crate::settings::Layer;
use crate::variables::Reader;

#[expect(clippy::unnecessary_wraps, reason = "with the feature it may fail")]
pub(super) fn read(
    _reader: &mut Reader<'_>,
    _code: &mut Layer,
    _context: &Context,
) -> Result<Layer, InitError> {
    Ok(Layer::default())
}
