//! Every function that redacts shows user information as the same text.

use tracewire_text::{SensitiveKeys, display, redact_message};

const USER_INFORMATION: [&str; 6] =
    ["ada:S3CRET@", "S3CRET@", ":S3CRET@", "S3CRET:@", "ada:S%403CRET@", "a:b:S3CRET@"];

#[test]
fn user_information_becomes_one_text_in_every_function() {
    let keys = SensitiveKeys::default();
    for user in USER_INFORMATION {
        let url = format!("https://{user}h.example/a");
        let shown = "https://REDACTED:REDACTED@h.example/a";
        assert_eq!(keys.redact_url(&url), shown);
        assert_eq!(keys.limited_url(&url, 100), shown);
        let (path, shown_path) = (format!("/proxy/{url}"), format!("/proxy/{shown}"));
        assert_eq!(keys.redact_path(&path), shown_path);
        assert_eq!(keys.limited_path(&path, 100), shown_path);
        let (query, shown_query) = (format!("to={url}&b"), format!("to={shown}&b"));
        assert_eq!(keys.redact_query(&query), shown_query);
        assert_eq!(keys.limited_query(&query, 100), shown_query);
        let (message, shown_message) =
            (format!("at {url}: refused"), format!("at {shown}: refused"));
        assert_eq!(redact_message(&message, false), shown_message);
        assert_eq!(display(&message, 100), shown_message);
    }
}

#[test]
fn what_was_redacted_stays_as_it_is() {
    let keys = SensitiveKeys::default();
    let shown = "https://REDACTED:REDACTED@h.example/a?token=REDACTED";
    assert_eq!(keys.redact_url(shown), shown);
    let message = "at https://REDACTED:REDACTED@h.example/a?REDACTED: refused";
    assert_eq!(redact_message(message, false), message);
}
