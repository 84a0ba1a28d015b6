//! The values that attributes take: what a request may say in them, and what it may not.

mod causes;
mod first;
mod header_capture;
mod limit;
mod media_type;
mod method;
pub(crate) mod repeated;
mod routes;
mod scheme;
mod side;
mod version;

#[cfg(feature = "bound-instruments")]
pub(crate) use self::routes::is_same;
pub use self::{
    causes::causes, header_capture::HeaderSelector, method::KnownMethods, scheme::Scheme,
};
pub(crate) use self::{
    first::{first, firsts},
    header_capture::MOST_HEADERS,
    limit::{address, header, header_shared, limited, limited_shared},
    media_type::{after_grpc, media_type, media_type_in},
    method::{OTHER, conventional, describe_method},
    routes::{Route, span_name, text_digest},
    side::Side,
    version::version_name,
};
