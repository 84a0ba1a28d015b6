//! Literals without quotes that are no numbers.

/// The length of a UUID at the start of the text.
pub(super) fn uuid(text: &str) -> Option<usize> {
    let uuid = text.as_bytes().get(..36)?;
    let is_uuid = uuid.iter().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    is_uuid.then_some(36)
}

/// The length of an ISO 8601 duration at the start of the text: `P3Y6M`, `PT5M`, `P0001-06-04T12:30:05`.
pub(super) fn duration(text: &str) -> Option<usize> {
    let after = text.strip_prefix(['P', 'p'])?;
    let length = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 4 && after[digits..].starts_with('-') {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ':');
        return Some(1 + after.find(|c| !is_part(c)).unwrap_or(after.len()));
    }
    // Each number has a unit behind it.
    let parts = after[..length].split_inclusive(|c: char| c.is_ascii_alphabetic());
    let mut units = 0;
    for part in parts {
        let (number, unit) = part.split_at(part.len() - 1);
        match unit {
            "T" | "t" if number.is_empty() => {}
            _ if !number.is_empty() && "YMWDHSymwdhs".contains(unit) => units += 1,
            _ => return None,
        }
    }
    (units > 0).then_some(1 + length)
}
