//! The name of a type, for spans and log records.

use std::any::type_name;

/// Returns the path of a type, or `None` where it says nothing, as that of a text or of a `dyn Error`.
///
/// Generic arguments, references and boxes are left out, so that few names exist: a
/// `Box<RetryError<io::Error>>` is a `RetryError`.
///
/// ```
/// use std::{error::Error, num::ParseIntError};
/// use tracewire_text::type_path;
///
/// assert_eq!(type_path::<&ParseIntError>(), Some("core::num::error::ParseIntError"));
/// assert_eq!(type_path::<Box<dyn Error>>(), None);
/// ```
#[must_use]
pub fn type_path<T: ?Sized>() -> Option<&'static str> {
    let mut name = type_name::<T>();
    loop {
        name = name.trim_start_matches('&').trim_start_matches("mut ");
        let (path, arguments) = match name.split_once('<') {
            Some((path, arguments)) => (path, arguments),
            None => (name, ""),
        };
        match path {
            "alloc::boxed::Box" | "alloc::rc::Rc" | "alloc::sync::Arc" => name = arguments,
            "alloc::borrow::Cow" | "alloc::string::String" | "str" => return None,
            _ => {
                let path = path.trim_end_matches('>');
                // Not a path: `dyn Error + Send`, or a name that only the compiler can read.
                let plain = path
                    .bytes()
                    .all(|byte| byte == b':' || byte == b'_' || byte.is_ascii_alphanumeric());
                return (plain && !path.is_empty()).then_some(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{borrow::Cow, error::Error, sync::Arc};

    struct Retry<E>(E);

    #[test]
    fn an_error_is_named_by_its_path_without_arguments() {
        assert_eq!(type_path::<std::num::ParseIntError>(), Some("core::num::error::ParseIntError"));
        let retry = Some("tracewire_text::type_path::tests::Retry");
        assert_eq!(type_path::<Retry<std::io::Error>>(), retry);
        assert_eq!(type_path::<&Retry<Box<dyn Error>>>(), retry);
        assert_eq!(type_path::<Box<Retry<u8>>>(), retry);
        assert_eq!(type_path::<Box<std::fmt::Error>>(), Some("core::fmt::Error"));
        assert_eq!(type_path::<Arc<&'static std::fmt::Error>>(), Some("core::fmt::Error"));
        let _ = Retry(0).0;
    }

    #[test]
    fn an_erased_error_and_a_text_have_no_name() {
        assert_eq!(type_path::<dyn Error>(), None);
        assert_eq!(type_path::<Box<dyn Error + Send + Sync>>(), None);
        assert_eq!(type_path::<&'static (dyn Error + 'static)>(), None);
        assert_eq!(type_path::<&'static str>(), None);
        assert_eq!(type_path::<String>(), None);
        assert_eq!(type_path::<Cow<'static, str>>(), None);
    }
}
