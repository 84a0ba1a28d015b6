//! The name of an error's type.

use std::any::type_name;

/// The type of an error by its path, or `None` where the type says nothing about the error.
///
/// Generic arguments, references and boxes are left out, so that few names exist: a
/// `Box<RetryError<io::Error>>` is a `RetryError`. Texts and `dyn Error` have no name of their own.
pub(crate) fn error_type<E: ?Sized>() -> Option<&'static str> {
    let mut name = type_name::<E>();
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
        assert_eq!(
            error_type::<std::num::ParseIntError>(),
            Some("core::num::error::ParseIntError")
        );
        let retry = Some("tracewire_span::error_type::tests::Retry");
        assert_eq!(error_type::<Retry<std::io::Error>>(), retry);
        assert_eq!(error_type::<&Retry<Box<dyn Error>>>(), retry);
        assert_eq!(error_type::<Box<Retry<u8>>>(), retry);
        assert_eq!(error_type::<Box<std::fmt::Error>>(), Some("core::fmt::Error"));
        assert_eq!(error_type::<Arc<&'static std::fmt::Error>>(), Some("core::fmt::Error"));
        let _ = Retry(0).0;
    }

    #[test]
    fn an_erased_error_and_a_text_have_no_name() {
        assert_eq!(error_type::<dyn Error>(), None);
        assert_eq!(error_type::<Box<dyn Error + Send + Sync>>(), None);
        assert_eq!(error_type::<&'static (dyn Error + 'static)>(), None);
        assert_eq!(error_type::<&'static str>(), None);
        assert_eq!(error_type::<String>(), None);
        assert_eq!(error_type::<Cow<'static, str>>(), None);
    }
}
