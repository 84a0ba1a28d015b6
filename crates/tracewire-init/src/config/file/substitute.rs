//! `${VARIABLE}` in the values of a file, by the rules of OpenTelemetry's configuration data model.

use std::ffi::OsString;

/// Gives a variable's value by its name.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// A text after substitution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Substituted {
    pub(crate) text: String,
    /// The variables that the text refers to, in order, whether they are set or not.
    pub(crate) variables: Vec<String>,
    /// Whether `${` stands there without being a reference.
    pub(crate) has_open_reference: bool,
}

/// Why a text cannot be substituted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadReference {
    /// It does not follow the grammar.
    Malformed { hint: &'static str },
    /// `${sys:X}`: only `env:` is known.
    UnknownPrefix,
    /// The variable's value is not text.
    NotUtf8(String),
    /// The result is longer than allowed.
    TooLong,
}

impl BadReference {
    pub(crate) fn message(&self) -> String {
        const FORMS: &str = "expected ${NAME}, ${env:NAME} or ${NAME:-default}";
        match self {
            Self::Malformed { hint } => {
                format!("a reference to a variable is malformed; {FORMS}{hint}")
            }
            Self::UnknownPrefix => {
                format!("a reference to a variable has an unknown prefix; {FORMS}")
            }
            Self::NotUtf8(name) => {
                format!("the value of ${{{name}}} (not shown) is not UTF-8; set it to UTF-8 text")
            }
            Self::TooLong => "the value is too long once its variables are substituted".to_owned(),
        }
    }
}

/// Replaces references by the values of variables, and `$$` by `$`, from left to right.
///
/// Values are not searched for references. The result has at most `most` bytes.
pub(crate) fn substitute(
    text: &str,
    variables: Variables<'_>,
    most: usize,
) -> Result<Substituted, BadReference> {
    let mut result = Substituted::default();
    for (index, part) in text.split("$$").enumerate() {
        if index > 0 {
            result.text.push('$');
        }
        replace_references(part, variables, most, &mut result)?;
    }
    if result.text.len() > most { Err(BadReference::TooLong) } else { Ok(result) }
}

/// `part` has no `$$`, so every `${` begins a reference if it has an end.
fn replace_references(
    part: &str,
    variables: Variables<'_>,
    most: usize,
    result: &mut Substituted,
) -> Result<(), BadReference> {
    let mut rest = part;
    while let Some(start) = rest.find("${") {
        let inner = &rest[start + 2..];
        let Some(end) = inner.find('}') else {
            result.has_open_reference = true;
            break;
        };
        result.text.push_str(&rest[..start]);
        rest = &inner[end + 1..];
        if end == 0 {
            // The grammar wants one character at least, so this is no reference.
            result.text.push_str("${}");
            result.has_open_reference = true;
            continue;
        }
        let (name, default) = reference(&inner[..end])?;
        match variables(name).map(OsString::into_string) {
            Some(Ok(value)) if !value.is_empty() => result.text.push_str(&value),
            Some(Err(_)) => return Err(BadReference::NotUtf8(name.to_owned())),
            _ => result.text.push_str(default),
        }
        result.variables.push(name.to_owned());
        if result.text.len() > most {
            return Err(BadReference::TooLong);
        }
    }
    result.text.push_str(rest);
    Ok(())
}

/// The name and the default of what stands between the braces.
fn reference(inner: &str) -> Result<(&str, &str), BadReference> {
    let malformed = |hint| Err(BadReference::Malformed { hint });
    let inner = inner.strip_prefix("env:").unwrap_or(inner);
    let end = inner.find(|c: char| !is_name_part(c)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return malformed("; a name begins with a letter or `_`");
    }
    if rest.is_empty() {
        return Ok((name, ""));
    }
    if let Some(default) = rest.strip_prefix(":-") {
        if default.contains(|c: char| c.is_control() && c != '\t') {
            return malformed("; a default is on one line");
        }
        return Ok((name, default));
    }
    match rest.as_bytes() {
        [b'-', ..] | [b':', b'=' | b'+' | b'?', ..] => malformed("; a default begins with `:-`"),
        // `${NAME:default}` is most likely meant as a default where the name is upper case.
        [b':', _, ..] if name.chars().any(|c| c.is_ascii_lowercase()) => {
            Err(BadReference::UnknownPrefix)
        }
        [b':', ..] => malformed("; a default begins with `:-`"),
        _ => malformed("; a name has letters, digits and `_` only"),
    }
}

fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn variables(name: &str) -> Option<OsString> {
        let value = match name {
            "A" => "a",
            "EMPTY" => "",
            "LINES" => "x\ny: z",
            "NESTED" => "${A}",
            "DOLLARS" => "$$",
            _ => return None,
        };
        Some(value.into())
    }

    fn text(input: &str) -> String {
        substitute(input, &variables, 1000).unwrap().text
    }

    #[test]
    fn references_are_replaced_once_from_left_to_right() {
        for (input, expected) in [
            ("${A}", "a"),
            ("${env:A}", "a"),
            ("x${A}y${A}z", "xayaz"),
            ("${EMPTY}", ""),
            ("${EMPTY:-b}", "b"),
            ("${UNSET:-b c:d ü}", "b c:d ü"),
            ("${env:UNSET:-b}", "b"),
            ("${UNSET:-}", ""),
            ("${LINES}", "x\ny: z"),
            ("${NESTED}", "${A}"),
            ("${DOLLARS}", "$$"),
            ("$${A} ${A} $${A}", "${A} a ${A}"),
            ("a $ b $", "a $ b $"),
            ("$A", "$A"),
            ("", ""),
        ] {
            assert_eq!(text(input), expected, "{input}");
        }
    }

    #[test]
    fn what_has_no_end_or_no_content_is_no_reference() {
        for input in ["${A", "${", "a ${}", "${A $"] {
            let result = substitute(input, &variables, 1000).unwrap();
            assert_eq!(result.text, input);
            assert!(result.has_open_reference);
        }
        assert!(!substitute("$${A}", &variables, 1000).unwrap().has_open_reference);
    }

    #[test]
    fn malformed_references_are_errors_with_a_hint() {
        for (input, hint) in [
            ("${1A}", "begins with a letter"),
            ("${ A}", "begins with a letter"),
            ("${A B}", "letters, digits"),
            ("${A.B}", "letters, digits"),
            ("${API_$KEY}", "letters, digits"),
            ("${A:?error}", "`:-`"),
            ("${A:+b}", "`:-`"),
            ("${A-b}", "`:-`"),
            ("${A:b}", "`:-`"),
            ("${A:}", "`:-`"),
            ("${sys:a}", "unknown prefix"),
            ("${A:-b\nc}", "on one line"),
            ("fine ${A} ${}${-}", "begins with a letter"),
        ] {
            let message = substitute(input, &variables, 1000).unwrap_err().message();
            assert!(message.contains(hint), "{input}: {message}");
        }
    }

    #[test]
    fn the_variables_of_a_text_are_named_in_order() {
        let result = substitute("${A}${UNSET:-x}$${B}", &variables, 1000).unwrap();
        assert_eq!(result.variables, ["A", "UNSET"]);
    }

    #[test]
    fn results_are_bounded() {
        let long = |_: &str| Some(OsString::from("x".repeat(1000)));
        assert!(substitute("${A}", &long, 1000).is_ok());
        let error = substitute(&"${A}".repeat(100_000), &long, 10_000);
        assert_eq!(error, Err(BadReference::TooLong));
        assert_eq!(substitute("abc", &long, 2), Err(BadReference::TooLong));
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_no_text_is_an_error_that_names_its_variable() {
        use std::os::unix::ffi::OsStringExt;
        let odd = |_: &str| Some(OsString::from_vec(b"\xffsecret".to_vec()));
        let message = substitute("${A}", &odd, 1000).unwrap_err().message();
        assert!(message.contains("${A}") && !message.contains("secret"), "{message}");
    }

    proptest! {
        #[test]
        fn text_without_dollars_stays(text in "[^$]*") {
            prop_assert_eq!(substitute(&text, &variables, 10_000).unwrap().text, text);
        }

        #[test]
        fn doubled_dollars_give_the_text_back(text in ".*") {
            let escaped = text.replace('$', "$$");
            prop_assert_eq!(substitute(&escaped, &variables, 10_000).unwrap().text, text);
        }

        #[test]
        fn no_text_panics(text in "[$ {}:A1a_-]{0,20}") {
            let _ = substitute(&text, &variables, 100);
        }
    }
}
