//! The type of a plain scalar, by the core schema of YAML 1.2.

/// What a plain scalar is. Quoted ones and block scalars are always text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Boolean(bool),
    Whole(i64),
    /// A float, or a whole number beyond 64 bits.
    Number(f64),
    Text,
}

/// Resolves a plain scalar's text. Blanks around it, which a variable may bring, do not count.
pub(crate) fn resolve(text: &str) -> Resolved {
    let text = text.trim();
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Resolved::Null,
        "true" | "True" | "TRUE" => return Resolved::Boolean(true),
        "false" | "False" | "FALSE" => return Resolved::Boolean(false),
        ".nan" | ".NaN" | ".NAN" => return Resolved::Number(f64::NAN),
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return in_base(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return in_base(digits, 16);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        return Resolved::Number(sign * f64::INFINITY);
    }
    if !is_decimal(unsigned) {
        return Resolved::Text;
    }
    if let Ok(number) = text.parse() {
        return Resolved::Whole(number);
    }
    text.parse().map_or(Resolved::Text, Resolved::Number)
}

fn in_base(digits: &str, base: u32) -> Resolved {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return Resolved::Text;
    }
    match i64::from_str_radix(digits, base) {
        Ok(number) => Resolved::Whole(number),
        Err(_) => {
            let digits = digits.chars().filter_map(|c| c.to_digit(base));
            Resolved::Number(
                digits.fold(0.0, |sum, digit| sum * f64::from(base) + f64::from(digit)),
            )
        }
    }
}

/// `[0-9]+`, or `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => !mantissa.is_empty() && is_digits(mantissa),
    };
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    is_mantissa && is_exponent
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_scalars_have_the_types_of_the_core_schema() {
        use Resolved::{Boolean, Null, Number, Text, Whole};
        for (text, expected) in [
            ("", Null),
            ("~", Null),
            ("null", Null),
            ("nULL", Text),
            ("true", Boolean(true)),
            ("FALSE", Boolean(false)),
            ("yes", Text),
            ("no", Text),
            ("on", Text),
            ("tRue", Text),
            ("0", Whole(0)),
            ("-19", Whole(-19)),
            ("+12", Whole(12)),
            ("007", Whole(7)),
            ("0o14", Whole(12)),
            ("0xdeadbeef", Whole(3_735_928_559)),
            ("0xDEADBEEF", Whole(3_735_928_559)),
            ("0o8", Text),
            ("0x", Text),
            ("-0x1", Text),
            ("1_000", Text),
            ("9223372036854775807", Whole(i64::MAX)),
            ("9223372036854775808", Number(9_223_372_036_854_775_808.0)),
            ("0x8000000000000000", Number(9_223_372_036_854_775_808.0)),
            ("1.1", Number(1.1)),
            ("1.", Number(1.0)),
            (".5", Number(0.5)),
            ("-1e3", Number(-1000.0)),
            ("12e+03", Number(12000.0)),
            ("1e400", Number(f64::INFINITY)),
            (".inf", Number(f64::INFINITY)),
            ("-.INF", Number(f64::NEG_INFINITY)),
            ("inf", Text),
            ("nan", Text),
            (".", Text),
            ("-", Text),
            ("e3", Text),
            ("1e", Text),
            ("1.1.1", Text),
            ("10s", Text),
            ("2001-01-01", Text),
            ("12:30", Text),
        ] {
            assert_eq!(resolve(text), expected, "{text:?}");
        }
        assert!(matches!(resolve(".NaN"), Number(number) if number.is_nan()));
        assert_eq!(resolve(" 512\n"), Whole(512));
    }

    proptest! {
        #[test]
        fn every_whole_number_is_read(number in any::<i64>()) {
            prop_assert_eq!(resolve(&number.to_string()), Resolved::Whole(number));
        }

        #[test]
        fn every_number_is_read(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let text = format!("{number:e}");
            let Resolved::Number(read) = resolve(&text) else {
                let Resolved::Whole(whole) = resolve(&text) else { panic!("{text}") };
                prop_assert_eq!(whole as f64, number);
                return Ok(());
            };
            prop_assert_eq!(read, number);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = resolve(&text);
        }
    }
}
