use super::*;
use proptest::prelude::*;

#[test]
fn urls_lose_user_information_and_queries() {
    for (text, expected) in [
        ("no luck", "no luck"),
        ("a://", "a://"),
        ("cannot reach http://h:1/a/b", "cannot reach http://h:1/a/b"),
        ("for url (https://h/a?key=1#x): refused", "for url (https://h/a?REDACTED): refused"),
        ("for url (https://h/a#x)", "for url (https://h/a#REDACTED)"),
        ("postgres://ada:secret@db:5432/shop", "postgres://REDACTED:REDACTED@db:5432/shop"),
        ("http://u:p@ss@h/", "http://REDACTED:REDACTED@h/"),
        (
            "\"http://u@h\", then http://v@i?q",
            "\"http://REDACTED:REDACTED@h\", then http://REDACTED:REDACTED@i?REDACTED",
        ),
        ("http://h/?to=http://u:p@i/", "http://h/?REDACTED"),
        ("not a url: ://u:p@h", "not a url: ://REDACTED:REDACTED@h"),
        ("http://localhost:4873/@scope/pkg", "http://localhost:4873/@scope/pkg"),
        ("http://h/users/a@b: 404", "http://h/users/a@b: 404"),
        ("http://[2001:db8::1]:80/a: refused", "http://[2001:db8::1]:80/a: refused"),
        ("at https://h:443: refused", "at https://h:443: refused"),
        ("'postgres://ada:p w@h/0'", "'postgres://REDACTED:REDACTED@h/0'"),
        ("redis://:pw@h/0", "redis://REDACTED:REDACTED@h/0"),
        ("http://h/cart;jsessionid=4f3a", "http://h/cart;jsessionid=REDACTED"),
    ] {
        assert_eq!(redact_message(text, false), expected, "{text:?}");
    }
}

#[test]
fn a_password_may_hold_what_would_end_a_url() {
    for c in ["'", "(", ")", ",", "/", "@", "#", "?", "&", "=", ";", ":", "{", "[", "!", "%"] {
        for password in [format!("S3CRET{c}S3CRET"), format!("{c}S3CRET"), format!("S3CRET{c}")] {
            for text in [
                format!("postgres://ada:{password}@db:5432/shop"),
                format!("for url (https://ada:{password}@h/a): refused"),
                format!("cannot open 'mysql://ada:{password}@h:3306/db', giving up"),
                format!("ada:{password}@tcp(db:3306)/shop: refused"),
                format!("dsn=ada:{password}@unix(/tmp/my.sock)/shop"),
            ] {
                let redacted = redact_message(&text, false);
                assert!(!redacted.contains("S3CRET"), "{text} became {redacted}");
            }
        }
    }
    let text = "dial ada:p/w@tcp(db:3306)/shop: refused";
    let expected = "dial REDACTED:REDACTED@tcp(db:3306)/shop: refused";
    assert_eq!(redact_message(text, false), expected);
}

#[test]
fn values_of_credentials_are_redacted() {
    for (text, expected) in [
        ("user=ada password=s3cret host=db", "user=ada password=REDACTED host=db"),
        ("user=ada password='s3 ''cret' host=db", "user=ada password='REDACTED' host=db"),
        ("password = 'a\\'b' x", "password = 'REDACTED' x"),
        ("password='it's a(b'(c' x", "password='REDACTED' x"),
        ("{\"password\":\"a\"b\"}", "{\"password\":\"REDACTED\"}"),
        ("Server=h;Password=my pw;Database=x", "Server=h;Password=REDACTED;Database=x"),
        ("Password=my pw;Server=h", "Password=REDACTED;Server=h"),
        ("Driver={x};PWD={a;b};UID=ada", "Driver={x};PWD={REDACTED};UID=ada"),
        ("Authorization: Bearer abc.def, more", "Authorization: REDACTED"),
        ("{\"authorization\": \"Bearer abc\"}", "{\"authorization\": \"REDACTED\"}"),
        ("token=abc", "token=REDACTED"),
        (
            "{\"user\":\"ada\",\"password\":\"s3\\\"cret\",\"n\":1}",
            "{\"user\":\"ada\",\"password\":\"REDACTED\",\"n\":1}",
        ),
        (
            "\"{\\\"password\\\":\\\"s3cret\\\",\\\"n\\\":1}\"",
            "\"{\\\"password\\\":\\\"REDACTED\\\",\\\"n\\\":1}\"",
        ),
        ("Config { token: Some(\"a b\"), n: 1 }", "Config { token: REDACTED, n: 1 }"),
        ("invalid token: abc-def", "invalid token: REDACTED"),
        (
            "AccountName=a;AccountKey=b64==;Endpoint=c",
            "AccountName=a;AccountKey=REDACTED;Endpoint=c",
        ),
        (
            "jdbc:sqlserver://h:1433;user=sa;password=pw;databaseName=x",
            "jdbc:sqlserver://h:1433;user=sa;password=REDACTED;databaseName=x",
        ),
        ("sent Bearer eyJhbGci.x.y to it", "sent Bearer REDACTED to it"),
        ("GET /cb?code=S1&state=2 failed", "GET /cb?code=REDACTED&state=2 failed"),
        ("\"password\" => \"s3cret\"", "\"password\" => \"REDACTED\""),
        ("Set-Cookie: sid=1; Path=/", "Set-Cookie: REDACTED"),
        ("{\"pass\":\"S1\",\"code\":1}", "{\"pass\":\"REDACTED\",\"code\":1}"),
        ("{'session': 'S1'}", "{'session': 'REDACTED'}"),
        ("Login { pass: Some(\"S 1\"), code: \"a\" }", "Login { pass: REDACTED, code: \"a\" }"),
        ("%70assword=S1 x", "%70assword=REDACTED x"),
        ("user%5Bpass%5D=S1 x", "user%5Bpass%5D=REDACTED x"),
        ("invalid API key: S1", "invalid API key: REDACTED"),
        ("Secret Key = S1", "Secret Key = REDACTED"),
        ("secret\t=\tS1", "secret\t=\tREDACTED"),
        ("Bearer \t a1b2c3 x", "Bearer \t REDACTED x"),
        ("Bearer\ta1b2c3 x", "Bearer\tREDACTED x"),
        (
            "jdbc:mysql://address=(host=h)(user=u)(password=S1)/db",
            "jdbc:mysql://address=(host=h)(user=u)(password=REDACTED",
        ),
        ("ldap bindpw=S1 x", "ldap bindpw=REDACTED x"),
        (
            "<a:Password type='x'>S1 S2</a:Password><b>1</b>",
            "<a:Password type='x'>REDACTED</a:Password><b>1</b>",
        ),
        (
            "<AWSAccessKeyId>S1</AWSAccessKeyId><Code>x</Code>",
            "<AWSAccessKeyId>REDACTED</AWSAccessKeyId><Code>x</Code>",
        ),
        ("at postgres%3A%2F%2Fu%3AS1%40h", "at postgres%3A%2F%2FREDACTED:REDACTED%40h"),
        ("/login?next=%2Fcb%3Ftoken%3DS1: 404", "/login?next=%2Fcb%3Ftoken%3DREDACTED: 404"),
        ("body was x=1&next=%2Fcb%3Ftoken%3DS1", "body was x=1&next=%2Fcb%3Ftoken%3DREDACTED"),
        ("token%3DS1", "token%3DREDACTED"),
        ("creds=' at a://ada:S1')S2@h/", "creds='REDACTED'REDACTED@h/"),
        ("http://h:c @?1/secretid==p;d==1@x", "http://REDACTED:REDACTED@?1/secretid=REDACTED"),
        ("ada:12345@/shop", "REDACTED:REDACTED@/shop"),
        ("ada:1234/5@tcp(h)/shop", "REDACTED:REDACTED@tcp(h)/shop"),
        ("ada:S1?//S2@tcp(h:1)/shop", "REDACTED:REDACTED@tcp(h:1)/shop"),
        ("ada:S1?token=S2@unix(/s)/shop", "REDACTED:REDACTED@unix(/s)/shop"),
        ("ada:S1pwd=S2@tcp(h)/shop", "REDACTED:REDACTED@tcp(h)/shop"),
        ("ada:S1://S2@tcp(h)/shop", "REDACTED:REDACTED@tcp(h)/shop"),
        ("at ada:S1?//S2@h/shop, refused", "at REDACTED, refused"),
        ("at ada:S1#S2@h/shop: refused", "at REDACTED: refused"),
        ("pg://ada:S1://S2@h/a", "pg://REDACTED:REDACTED@h/a"),
        ("pg://ada:a://S2@h/a", "pg://REDACTED:REDACTED@h/a"),
        (
            "amqp://u:S1@a:1,amqp://u:S2@b",
            "amqp://REDACTED:REDACTED@a:1,amqp://REDACTED:REDACTED@b",
        ),
        ("url:https://ada:S1@h/a", "url:https://REDACTED:REDACTED@h/a"),
        ("jdbc:mysql://ada:S1@h/db", "jdbc:mysql://REDACTED:REDACTED@h/db"),
        (
            "Server=tcp:h,1433;User=sa;Password=S1@S2;Database=d",
            "Server=tcp:h,1433;User=sa;Password=REDACTED;Database=d",
        ),
        ("localhost:80/login?password=S1@S2", "localhost:80/login?password=REDACTED"),
        ("password=a\\ b host=h", "password=REDACTED host=h"),
        ("password=a\"b<c host=h", "password=REDACTED host=h"),
        ("{\"m\":\"password=abc\",\"n\":1}", "{\"m\":\"password=REDACTED\",\"n\":1}"),
        ("Config { password: Secret(\"a b\") }", "Config { password: REDACTED }"),
        ("passwords=[\"a\", \"b\"], n=1", "passwords=[REDACTED], n=1"),
        (
            "{\"credentials\":{\"a\":{\"b\":1},\"c\":\"d e\"},\"n\":1}",
            "{\"credentials\":{REDACTED},\"n\":1}",
        ),
        ("a@b;password=S1;c@d", "a@b;password=REDACTED;c@d"),
        (
            "grant_type=x&client_secret=S1&code=S2",
            "grant_type=x&client_secret=REDACTED&code=REDACTED",
        ),
    ] {
        assert_eq!(redact_message(text, false), expected, "{text:?}");
    }
}

#[test]
fn ordinary_messages_stay_as_they_are() {
    for text in [
        "error code: 1062, key: users.email",
        "Access denied for user 'ada'@'localhost' (using password: YES)",
        "password authentication failed for user \"ada\"",
        "session: closed",
        "Bearer token expired",
        "Basic authentication failed",
        "duplicate key value violates unique constraint \"users_pkey\"",
        "Key (id)=(1) already exists.",
        "tracewire::token::Error",
        "unexpected token: `}`",
        "connect to [::1]:5432: refused",
        "ada@example.com is unknown",
        "mailto:ada@example.com",
        "docker.io:5000/app@sha256:1f",
        "expected `:` or `=` at 12:30:45",
        "primary key: 5, error code: 7",
        "a > b, Vec<Token> is empty, <token></token>",
    ] {
        assert_eq!(redact_message(text, false), text);
    }
}

#[test]
fn a_cut_url_does_not_show_what_may_be_a_password() {
    assert_eq!(redact_message("at http://ada:secr", true), "at http://REDACTED");
    assert_eq!(redact_message("at http://ada:s/ecr", true), "at http://REDACTED");
    assert_eq!(redact_message("at http://h/secr", true), "at http://h/secr");
    assert_eq!(redact_message("at http://h is", true), "at http://h is");
    assert_eq!(redact_message("at ada:s?token=ecr", true), "at REDACTED");
}

#[test]
fn broken_quotes_and_brackets_are_answered() {
    for text in [
        "pwd[:[",
        "pwd:\\[0a[",
        "pwd={",
        "pwd=\\{",
        "pwd=(\"",
        "pwd=a(\"",
        "token=\\\\\"",
        "http://h:c @?1/secretid==p;d==1@",
        "::@",
        "://:@",
        "?%3D@:",
    ] {
        for is_cut in [true, false] {
            redact_message(text, is_cut);
            redact_message(&format!("{text} {text}"), is_cut);
        }
    }
}

#[test]
fn an_endless_display_is_not_read_to_its_end() {
    struct Endless;
    impl Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                f.write_str("on and ")?;
            }
        }
    }
    assert_eq!(display(&Endless, 12), "on and on…");
}

#[test]
fn what_fits_is_displayed_whole() {
    assert_eq!(display("a".repeat(64).as_str(), 64), "a".repeat(64));
    assert_eq!(display("é".repeat(64).as_str(), 64).len(), 63);
}

proptest! {
    #[test]
    fn no_text_panics_and_no_password_is_left(text in "[a-z:/@?# ]{0,40}", cut: bool) {
        redact_message(&text, cut);
        let url = format!("{text} http://user:Pa55@host/ {text}");
        prop_assert!(!redact_message(&url, cut).contains("Pa55"));
    }

    #[test]
    fn any_text_is_answered(text in "(\\PC|[:=@'\" ;?&%(){}\\[\\]\\\\]|password|://|http://h:c |token=|%3D){0,40}", cut: bool) {
        redact_message(&text, cut);
    }

    #[test]
    fn no_marked_secret_comes_out_of_an_error(
        value in "([A-Za-z0-9'(,/@#?:;&=!%{}.*+-]|://|%3D|pwd=|token=|\\?//){0,6}",
        (before, after) in ("[a-zA-Z :'\"(),.;=/?&-]{0,16}", "[ :'\"(),.;=/?&-][a-zA-Z :'\"(),.;=/?&-]{0,16}"),
        shape in 0usize..15,
    ) {
        let value = format!("M4RKED{value}M4RKED");
        let quoted = value.replace('\'', "''");
        let error = match shape {
            0 => format!("postgres://ada:{value}@db.example:5432/shop"),
            1 => format!("https://ada:{value}@h.example/a/b"),
            2 => format!("'redis://:{value}@cache/0'"),
            3 => format!("(amqp://ada:{value}@[2001:db8::1]:5672/%2f)"),
            4 => format!("ada:{value}@tcp(db:3306)/shop"),
            5 => format!("user=ada password='{quoted}' host=db"),
            6 => format!("Server=h;User Id=ada;Password='{quoted}';Database=d"),
            7 => format!("{{\"user\":\"ada\",\"password\":\"{value}\"}}"),
            8 => format!("\"{{\\\"api_key\\\":\\\"{value}\\\"}}\""),
            9 => format!("Authorization: Bearer {value}"),
            10 => format!("https://h.example/a?x={value}&token={value}"),
            11 => format!("Config {{ client_secret: \"{value}\", n: 1 }}"),
            12 => format!("dsn=ada:{value}@unix(/tmp/my.sock)/shop"),
            13 => format!("Driver=x;PWD={{{}}};UID=a", value.replace('}', "}}")),
            _ => format!("access_token={}", value.replace(['&', ';'], "")),
        };
        let text = format!("{before} {error}{after}");
        let redacted = redact_message(&text, false);
        prop_assert!(!redacted.contains("M4RKED"), "{} became {}", text, redacted);
        for limit in [text.len() / 2, text.len() * 3 / 4] {
            let cut = display(&text, limit);
            prop_assert!(!cut.contains("M4RKED"), "{} became {}", text, cut);
        }
    }

    #[test]
    fn text_without_keys_and_urls_is_untouched(text in "[^:=@ ]{0,40}") {
        prop_assert_eq!(redact_message(&text, false), text.as_str());
    }
}
