use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

fn query(text: &str) -> String {
    SensitiveKeys::default().redact_query(text).into_owned()
}

fn url(text: &str) -> String {
    SensitiveKeys::default().redact_url(text).into_owned()
}

#[test]
fn sensitive_values_are_replaced_and_nothing_else() {
    for (text, expected) in [
        ("", ""),
        ("a=1", "a=1"),
        ("&&secret=val", "&&secret=REDACTED"),
        ("flag&secret=val&other", "flag&secret=REDACTED&other"),
        ("secret=&param=val", "secret=REDACTED&param=val"),
        ("secret", "secret"),
        ("mySecret=value", "mySecret=REDACTED"),
        ("secretary=value", "secretary=value"),
        ("token=a=b&x=1", "token=REDACTED&x=1"),
        ("TOKEN=t", "TOKEN=REDACTED"),
        ("sig=1&sig=2", "sig=REDACTED&sig=REDACTED"),
        ("q=a%20b&X-Amz-Signature=0&q=", "q=a%20b&X-Amz-Signature=REDACTED&q="),
        ("monkey=1&sort_key=2&key=3", "monkey=1&sort_key=2&key=REDACTED"),
    ] {
        assert_eq!(query(text), expected);
    }
}

#[test]
fn a_key_is_found_however_it_is_spelled_and_wherever_it_stands() {
    for (text, expected) in [
        ("password[]=S", "password[]=REDACTED"),
        ("a=1;token=S", "a=1;token=REDACTED"),
        ("a=1;token=S;b=2", "a=1;token=REDACTED;b=2"),
        ("token=a;b=2", "token=REDACTED"),
        ("token%20=S", "token%20=REDACTED"),
        ("+token+=S", "+token+=REDACTED"),
        ("%74oken=S&b", "%74oken=REDACTED&b"),
        ("%2574oken=S&b", "%2574oken=REDACTED&b"),
        ("token%3DS&b=1", "token%3DREDACTED&b=1"),
        ("next=%2Fcb%3Ftoken%3DS", "next=%2Fcb%3Ftoken%3DREDACTED"),
        ("next=%2Fcb%3Ftoken%3DS%26x%3D1&y=2", "next=%2Fcb%3Ftoken%3DREDACTED%26x%3D1&y=2"),
        (
            "next=%252Fcb%253Ftoken%253DS%2526x%253D1",
            "next=%252Fcb%253Ftoken%253DREDACTED%2526x%253D1",
        ),
        ("next=/cb?token=S&x=1", "next=/cb?token=REDACTED&x=1"),
        ("next=%2Fcb%23access_token%3DS", "next=%2Fcb%23access_token%3DREDACTED"),
        ("password=a%26b&x=1", "password=REDACTED&x=1"),
        ("q=%7B%22token%22%3A%22S%26T%22%7D&x=1", "q=%7B%22token%22%3AREDACTED&x=1"),
        ("q={\"token\":\"S\"}&x=1", "q={\"token\":REDACTED&x=1"),
        ("to=https%3A%2F%2Fada%3Apw%40h%2Fp&x=1", "to=https%3A%2F%2FREDACTED:REDACTED%40h%2Fp&x=1"),
        ("to=https://ada:p%40w@h/a@b", "to=https://REDACTED:REDACTED@h/a@b"),
        ("to=//ada@h/", "to=//REDACTED:REDACTED@h/"),
        ("to=https:%5C%5Cada:pw@h/", "to=https:%5C%5CREDACTED:REDACTED@h/"),
        ("q=token:/S&x=1", "q=token:REDACTED&x=1"),
        ("q=token%3A%2FS&x=1", "q=token%3AREDACTED&x=1"),
        ("user.password=S&amp;token=T", "user.password=REDACTED&amp;token=REDACTED"),
        ("a=b:c&time=12:30", "a=b:c&time=12:30"),
    ] {
        assert_eq!(query(text), expected, "{text}");
        assert_eq!(query(expected), expected, "{expected}");
    }
}

#[test]
fn path_parameters_are_redacted_and_paths_are_not() {
    let keys = SensitiveKeys::default();
    for (path, expected) in [
        ("/a/b", "/a/b"),
        ("/a;jsessionid=S/b", "/a;jsessionid=REDACTED/b"),
        ("/a;v=1;jsessionid=S;w=2/b;token=T", "/a;v=1;jsessionid=REDACTED;w=2/b;token=REDACTED"),
        ("/a%3Bjsessionid%3DS/b", "/a%3Bjsessionid%3DREDACTED/b"),
        ("/session:start/key/token", "/session:start/key/token"),
        ("/p//a@b/c", "/p//a@b/c"),
        ("/proxy/http://ada:pw@h/x", "/proxy/http://REDACTED:REDACTED@h/x"),
        ("/reset/token=S/x", "/reset/token=REDACTED/x"),
    ] {
        assert_eq!(keys.redact_path(path), expected);
    }
}

#[test]
fn urls_lose_credentials_sensitive_values_and_the_fragment() {
    for (text, expected) in [
        (
            "https://user1:secret@github.com/p@th?foo=b@r",
            "https://REDACTED:REDACTED@github.com/p@th?foo=b@r",
        ),
        ("https://ada@github.com/", "https://REDACTED:REDACTED@github.com/"),
        ("https://github.com/p@th?foo=b@r", "https://github.com/p@th?foo=b@r"),
        ("https://github.com@", "https://github.com@"),
        ("https://ada:pw@", "https://REDACTED:REDACTED@"),
        ("mailto:a@b", "mailto:a@b"),
        ("//ada:pw@h/p", "//REDACTED:REDACTED@h/p"),
        ("http://h/?token=t#ref", "http://h/?token=REDACTED"),
        ("http://h/?a=1#token=t", "http://h/?a=1"),
        ("http://h#token=t", "http://h"),
        ("http://a:b@[::1]:80/x", "http://REDACTED:REDACTED@[::1]:80/x"),
        ("http://h/a;jsessionid=S?b=1", "http://h/a;jsessionid=REDACTED?b=1"),
        ("http://h?token=S", "http://h?token=REDACTED"),
        ("/cb?x=1#access_token=S", "/cb?x=1"),
    ] {
        assert_eq!(url(text), expected);
    }
}

#[test]
fn what_has_no_secret_is_borrowed() {
    let keys = SensitiveKeys::default();
    for text in ["https://h/a/b?q=otel&page=2%20x#top", "https://h/", ""] {
        assert!(matches!(keys.redact_url(text), Cow::Borrowed(_)), "{text}");
        assert!(matches!(keys.limited_url(text, 100), Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn a_list_of_ones_own_names_whole_keys_in_every_spelling() {
    let keys = SensitiveKeys::new(["card-no", "API key"]);
    for (text, expected) in [
        (
            "cardNo=1&card%5Fno[]=2&CARD.NO=3",
            "cardNo=REDACTED&card%5Fno[]=REDACTED&CARD.NO=REDACTED",
        ),
        ("my_card_no=1&card_number=2", "my_card_no=1&card_number=2"),
        ("apikey=1&token=2", "apikey=REDACTED&token=2"),
        ("next=%2F%3Fcardno%3D1", "next=%2F%3Fcardno%3DREDACTED"),
    ] {
        assert_eq!(keys.redact_query(text), expected);
    }
    let none = SensitiveKeys::new([""; 0]);
    assert_eq!(
        none.redact_url("http://a:b@h/;sid=1?token=2"),
        "http://REDACTED:REDACTED@h/;sid=1?token=2"
    );
}

#[test]
fn a_cut_never_shows_what_stands_behind_it_or_a_part_of_a_secret() {
    let keys = SensitiveKeys::default();
    assert_eq!(keys.limited_query("token=S3CRETS3CRET", 12), "token=RED…");
    assert_eq!(keys.limited_url("https://ada:S3CRETS3CRET@h/", 15), "https://REDA…");
    assert_eq!(keys.limited_query("to=http://ada:S3CRETS3CRET@h/", 19), "to=http://REDACT…");
    for text in [
        "https://ada:S3CRET@h/a;sid=S3CRET/b?x=1&token=S3CRET&to=http%3A%2F%2Fu%3AS3CRET%40h",
        "https://h/?next=%252Fcb%253Fcode%253DS3CRET&password=S3CRET&sig=S3CRET#S3CRET",
    ] {
        for limit in 0..text.len() + 20 {
            let shown = keys.limited_url(text, limit);
            assert!(shown.len() <= limit && !shown.contains("S3"), "{limit}: {shown}");
        }
    }
}

#[test]
fn a_long_query_is_looked_at_in_part() {
    let keys = SensitiveKeys::default();
    let shown = keys.limited_query(&"a=&".repeat(20_000), 4096).into_owned();
    assert_eq!(shown, "a=&".repeat(128) + "a…");
    let long = "x".repeat(4093) + "…";
    assert_eq!(keys.limited_query(&"x".repeat(5000), 4096), long);
}

/// Keys of secrets, spelled as programs spell them.
fn key() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        vec!["access", "token"],
        vec!["refresh", "token"],
        vec!["client", "secret"],
        vec!["session", "id"],
        vec!["password"],
        vec!["api", "key"],
        vec!["oauth", "verifier"],
        vec!["code", "verifier"],
        vec!["client", "assertion"],
        vec!["saml", "response"],
        vec!["key", "pair", "id"],
        vec!["otp"],
        vec!["session"],
        vec!["sid"],
        vec!["ticket"],
        vec!["policy"],
        vec!["hmac"],
        vec!["code"],
        vec!["x", "user", "token"],
        vec!["db", "password"],
        vec!["auth"],
        vec!["jwt"],
    ]);
    (words, 0usize..9, 0usize..5).prop_map(|(words, spelling, suffix)| {
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        let key = match spelling {
            0 => words.join("_"),
            1 => words.join("-"),
            2 => words.join("."),
            3 => words.join("%20"),
            4 => words.join("+"),
            5 => words.concat(),
            6 => words.join("_").to_uppercase(),
            7 => words.iter().map(|word| capital(word)).collect(),
            _ => {
                let rest: String = words[1..].iter().map(|word| capital(word)).collect();
                format!("{}{rest}", words[0])
            }
        };
        key + ["", "[]", "[0]", "%20", "%5B%5D"][suffix]
    })
}

/// Encodes each byte that is no letter or digit, or each byte, so many times.
fn encoded(text: &str, times: usize, everything: bool) -> String {
    (0..times).fold(text.to_owned(), |text, _| {
        let mut encoded = String::new();
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() && !everything {
                encoded.push(char::from(byte));
            } else {
                write!(encoded, "%{byte:02X}").unwrap();
            }
        }
        encoded
    })
}

/// How often a marked secret can be read in a text, however it is encoded.
fn marks(text: &str) -> usize {
    let decoded: Vec<u8> = Symbols::of(text).map(|symbol| symbol.byte).collect();
    decoded.windows(6).filter(|window| *window == b"M4RKED").count()
}

proptest! {
    #[test]
    fn a_usual_url_is_read_in_one_pass_as_any_other(
        url in "https?://[a-z:@0-9/]{0,6}[a-z/=:@%;#\\\\]{0,8}(\\?[a-z=&@#:/%]{0,12})?(token=ab)?",
        is_cut: bool,
    ) {
        let keys = SensitiveKeys::default();
        prop_assert_eq!(
            keys.redact_whole_url(&url, is_cut),
            keys.redact_parts_of_url(&url, is_cut)
        );
    }

    #[test]
    fn no_marked_secret_comes_out_of_a_query(
        key in key(),
        (before, inside, after) in ("[a-z=&;?/.%0-9]{0,12}", "[a-z0-9=%;?/.+-]{0,6}", "[a-z=&;0-9]{0,12}"),
        (times, everything) in prop_oneof![(0usize..4, Just(false)), (0usize..3, Just(true))],
        place in 0usize..8,
    ) {
        let key = encoded(&key, usize::from(everything && times == 0), true);
        // In an inner text the value is encoded once more than what surrounds it.
        let value = format!("M4RKED{}M4RKED", encoded(&inside, 1, false));
        let inner = match place {
            0 => format!("{key}={value}"),
            1 => format!("/cb?{key}={value}"),
            2 => format!("https://h.example/cb?a=1&{key}={value}&b=2"),
            3 => format!("/cb;{key}={value}"),
            4 => format!("https://h.example/cb#{key}={value}"),
            5 => format!("https://ada:{value}@h.example/cb"),
            6 => format!("{{\"a\":1,\"{key}\":\"{value}\"}}"),
            _ => format!("a=1&{key}={value}&b=2"),
        };
        let inner = encoded(&inner, times, everything);
        let outer = if times == 0 && !matches!(place, 1..=6) { inner } else { format!("next={inner}") };
        let query = format!("{before}&{outer}&{after}");
        let redacted = query.clone();
        let redacted = SensitiveKeys::default().redact_query(&redacted).into_owned();
        prop_assert_eq!(marks(&redacted), 0, "{} became {}", query, redacted);
        for limit in [query.len() / 3, query.len() / 2, query.len() - after.len()] {
            let cut = SensitiveKeys::default().limited_query(&query, limit).into_owned();
            prop_assert!(cut.len() <= limit && marks(&cut) == 0, "{} became {}", query, cut);
        }
    }

    #[test]
    fn no_marked_secret_comes_out_of_a_url(
        key in key(),
        scheme in "https?|wss?|postgres",
        user in "[a-z]{0,4}",
        fragment in "[a-z=]{0,8}",
    ) {
        let text = format!(
            "{scheme}://{user}:M4RKED@h.example/a;{key}=M4RKED/b?{key}=M4RKED&x=1#{fragment}M4RKED"
        );
        let redacted = url(&text);
        prop_assert_eq!(marks(&redacted), 0, "{} became {}", text, redacted);
        prop_assert!(redacted.contains("@h.example/a;") && redacted.ends_with("&x=1"));
    }

    #[test]
    fn what_comes_out_of_any_text_was_in_it(
        text in "(\\PC|[=&;:/@%?]|://|%3[AaD]|%40|token){0,40}",
        limit in 0usize..100,
    ) {
        let keys = SensitiveKeys::default();
        for redact in [SensitiveKeys::redact_url, SensitiveKeys::redact_query, SensitiveKeys::redact_path] {
            let redacted = redact(&keys, &text);
            let mut rest = text.as_str();
            // Between a name and a password stands a colon that may have been encoded.
            for part in redacted.replace("REDACTED:REDACTED", "REDACTED").split("REDACTED") {
                let found = rest.find(part);
                prop_assert!(found.is_some(), "{} became {}", text, redacted);
                rest = &rest[found.unwrap_or_default() + part.len()..];
            }
        }
        prop_assert!(keys.limited_url(&text, limit).len() <= limit);
        prop_assert!(keys.limited_query(&text, limit).len() <= limit);
    }
}

#[test]
fn user_information_is_found_however_the_slashes_are_written() {
    for (text, expected) in [
        ("https:\\\\ada:S@h/x", "https:\\\\REDACTED:REDACTED@h/x"),
        ("https:/ada:S@h/x", "https:/REDACTED:REDACTED@h/x"),
        ("https:ada:S@h/x", "https:REDACTED:REDACTED@h/x"),
        ("HTTPS:///ada:S@h/x", "HTTPS:///REDACTED:REDACTED@h/x"),
        ("ws:/\t/S@h/x", "ws:/\t/REDACTED:REDACTED@h/x"),
        ("https://ada:a/S@h/x@y", "https://REDACTED:REDACTED@y"),
        ("https://ada:a\\S@h/x", "https://REDACTED:REDACTED@h/x"),
        ("https://h:80/ada:b@c", "https://h:80/ada:b@c"),
        ("https://h/ada:b@c", "https://h/ada:b@c"),
        ("https://[::1]/a@b", "https://[::1]/a@b"),
        ("mailto:ada@h", "mailto:ada@h"),
        ("h:443", "h:443"),
        ("file:///a/b@c", "file:///a/b@c"),
    ] {
        assert_eq!(url(text), expected, "{text}");
    }
}
