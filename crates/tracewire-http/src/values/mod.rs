//! The values that attributes take: what a request may say in them, and what it may not.

mod causes;
mod header_capture;
mod method;
mod patterns;
pub(crate) mod repeated;
mod scheme;
mod side;
mod version;

pub use self::{
    causes::causes, header_capture::HeaderSelector, method::KnownMethods, scheme::Scheme,
};
pub(crate) use self::{
    header_capture::MOST_HEADERS,
    method::{OTHER, conventional, describe_method},
    patterns::Patterns,
    side::Side,
    version::version_name,
};
