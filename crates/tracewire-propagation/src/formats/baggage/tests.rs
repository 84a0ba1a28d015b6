use super::*;
use crate::TextMap;
use http::HeaderValue;
use opentelemetry::{
    KeyValue, SpanId, TraceFlags, TraceId,
    propagation::{Extractor, Injector},
    trace::TraceState,
};
use proptest::prelude::*;

fn extract(lines: &[&str]) -> Context {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append("baggage", HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    Baggage::new().extract(&headers, &Context::new())
}

fn inject(context: &Context) -> Option<String> {
    let mut headers = HeaderMap::new();
    Baggage::new().inject(context, &mut headers);
    assert!(headers.len() <= 1);
    headers.get("baggage").map(|value| value.to_str().unwrap().to_owned())
}

/// Every entry as `key=value;properties`, decoded and sorted.
fn entries(context: &Context) -> Vec<String> {
    let all = context.baggage().iter();
    let mut all: Vec<_> = all.map(|(key, (value, rest))| format!("{key}={value};{rest}")).collect();
    all.sort();
    all
}

#[test]
fn lines_are_sent_on_as_they_came() {
    for (lines, expected) in [
        (&["a=1"][..], Some("a=1")),
        (&["b=2,a=1,c=3"], Some("b=2,a=1,c=3")),
        (&["b=2", "a=1", "c=3"], Some("b=2,a=1,c=3")),
        (&[" b = 2 ,\ta=1"], Some("b=2,a=1")),
        (&["a=100%25"], Some("a=100%25")),
        (&["a=%2541"], Some("a=%2541")),
        (&["a=%41%c3%a9"], Some("a=%41%c3%a9")),
        (&["a=b=c=="], Some("a=b=c==")),
        (&["a="], Some("a=")),
        (&["a%20b=1"], Some("a%20b=1")),
        (&["a=1;p=x%2Cevil%3D1"], Some("a=1;p=x%2Cevil%3D1")),
        (&["a=1;p=100%,b=2"], Some("a=1;p=100%25,b=2")),
        (&["a=1;p=%;q=%4;r=%zz;s=%41%"], Some("a=1;p=%25;q=%254;r=%25zz;s=%41%25")),
        (&["a=1;p=x%0D%0Ay,b=2"], Some("a=1;p=x%0D%0Ay,b=2")),
        (&["a=1 ; p = 2 ; q"], Some("a=1;p=2;q")),
        (&["a=%5C%22"], Some("a=%5C%22")),
        (&["a=%20x%20"], Some("a=%20x%20")),
        (&["a=1,a=2,b=3"], Some("a=2,b=3")),
        (&["a=1,b,c=2"], Some("a=1,c=2")),
        (&["a=1,é=2,c=é,d=4"], Some("a=1,d=4")),
        (&["user=Ada+L%2C+%C3%A9t%C3%A9+100%25"], Some("user=Ada+L%2C+%C3%A9t%C3%A9+100%25")),
        // What cannot be decoded is sent on as it was understood.
        (&["user=Ada%20100%"], Some("user=Ada%20100%25")),
        (&["a=%FF"], Some("a=%EF%BF%BD")),
        (&[""], None),
        (&[",, ,"], None),
        (&["a", "=1", "a b=1"], None),
    ] {
        assert_eq!(inject(&extract(lines)).as_deref(), expected, "{lines:?}");
    }
}

#[test]
fn entries_are_decoded_once() {
    for (line, expected) in [
        ("a=100%25", "a=100%;"),
        ("a=%2541", "a=%41;"),
        ("a=b=c==", "a=b=c==;"),
        ("a=%5C", "a=\\;"),
        ("a=%20x%20", "a= x ;"),
        ("a=%FF", "a=\u{fffd};"),
        ("a=x%ffy%C3%A9", "a=x\u{fffd}yé;"),
        ("a=100%", "a=100%;"),
        ("a=1+2", "a=1+2;"),
        ("a%20b=1", "a%20b=1;"),
        ("a=1;p=x%2Cevil%3D1;q", "a=1;p=x%2Cevil%3D1;q"),
        ("a=1;p=x%0D%0Ay", "a=1;p=x%0D%0Ay"),
        ("user=Ada%20L%2C%20%C3%A9t%C3%A9%20100%25", "user=Ada L, été 100%;"),
    ] {
        assert_eq!(entries(&extract(&[line])), [expected], "{line:?}");
    }
}

#[test]
fn a_header_without_a_valid_member_leaves_the_context_alone() {
    let parent = Context::new().with_baggage([KeyValue::new("mine", "1")]);
    let mut headers = HeaderMap::new();
    headers.insert("baggage", HeaderValue::from_static("broken"));
    assert_eq!(entries(&Baggage::new().extract(&headers, &parent)), ["mine=1;"]);
    assert_eq!(entries(&Baggage::new().extract(&HeaderMap::new(), &parent)), ["mine=1;"]);
}

#[test]
fn limits_hold_over_all_lines_together() {
    let many: Vec<_> = (0..70).map(|i| format!("k{i}=v")).collect();
    let lines: Vec<_> = many.iter().map(String::as_str).collect();
    let context = extract(&lines);
    assert_eq!(context.baggage().len(), 64);
    assert_eq!(inject(&context).unwrap(), lines[..64].join(","));

    let exact = format!("a=1,b={}", "x".repeat(MAX_LEN - 6));
    assert_eq!(inject(&extract(&[&exact])).as_deref(), Some(&*exact));
    assert_eq!(inject(&extract(&["a=1", &exact[4..]])).as_deref(), Some(&*exact));
    // The member that crosses the limit goes, and what comes after it.
    assert_eq!(inject(&extract(&[&format!("{exact}x")])).as_deref(), Some("a=1"));
    assert_eq!(inject(&extract(&[&exact, "c=1"])).as_deref(), Some(&*exact));
    assert_eq!(inject(&extract(&["a=1", &format!("{}x", &exact[4..])])).as_deref(), Some("a=1"));
    let long = format!("a={},b=1", "x".repeat(MAX_LEN - 2));
    assert_eq!(inject(&extract(&[&long])).as_deref(), Some(&long[..MAX_LEN]));
    // Escaping what came unescaped may not push the header over the limit.
    let percents = format!("a=1,b={}", "%".repeat(MAX_LEN - 6));
    assert_eq!(inject(&extract(&[&percents])).as_deref(), Some("a=1"));
}

#[test]
fn a_list_that_is_sorted_goes_on_without_its_text() {
    for (lines, is_sorted) in [
        (&["a=1"][..], true),
        (&["a=1;p=%,b=%20;q,c=3"], true),
        (&["A=1,_=2,a=3"], true),
        (&["b=2,a=1"], false),
        (&["a=1,b=%41"], false),
        (&["a=1", "b=2"], false),
        (&["a=1,a=2"], false),
    ] {
        let context = extract(lines);
        assert_eq!(context.get::<Original>().is_none(), is_sorted, "{lines:?}");
        let line = lines.join(",").replace("%,", "%25,").replace("a=1,a", "a");
        assert_eq!(inject(&context), Some(line));
    }
}

#[test]
fn changes_made_through_the_api_win() {
    let received = extract(&["c=%41;p=1,b=2,a=3"]);
    let change = |baggage: Vec<KeyValue>| inject(&received.with_baggage(baggage));
    let (a, b, c) = (KeyValue::new("a", "3"), KeyValue::new("b", "2"), KeyValue::new("c", "A"));

    let mut same = opentelemetry::baggage::Baggage::new();
    same.insert("a", "3");
    same.insert("b", "2");
    same.insert_with_metadata("c", "A", "p=1");
    assert_eq!(inject(&received.with_baggage(same)).as_deref(), Some("c=%41;p=1,b=2,a=3"));

    // Without its property this is another entry, so it is written anew, in its place.
    let added = KeyValue::new("z", "x y%");
    let changed = change(vec![a.clone(), b.clone(), c.clone(), added]);
    assert_eq!(changed.as_deref(), Some("c=A,b=2,a=3,z=x%20y%25"));
    assert_eq!(change(vec![a, c]).as_deref(), Some("c=A,a=3"));
    assert_eq!(change(vec![KeyValue::new("b", "new")]).as_deref(), Some("b=new"));
    assert_eq!(change(vec![]), None);
    assert_eq!(inject(&received.with_cleared_baggage()), None);
}

#[test]
fn entries_made_here_are_encoded() {
    let mut baggage = opentelemetry::baggage::Baggage::new();
    baggage.insert("b", "a=b, c;\"d\"\\%é\n");
    baggage.insert_with_metadata("a", "", "p = 1; evil=x,y; q=ok");
    let context = Context::new().with_baggage(baggage);
    let sent = inject(&context).unwrap();
    assert_eq!(sent, "a=;p=1;q=ok,b=a=b%2C%20c%3B%22d%22%5C%25%C3%A9%0A");
    assert_eq!(inject(&Context::new()), None);
}

#[test]
fn the_span_of_the_parent_stays() {
    let id = (TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]));
    let span = SpanContext::new(id.0, id.1, TraceFlags::SAMPLED, false, TraceState::NONE);
    let parent = Context::new().with_remote_span_context(span.clone());
    let mut headers = HeaderMap::new();
    headers.insert("baggage", HeaderValue::from_static("b=1,a=2"));
    let context = Baggage::new().extract(&headers, &parent);
    assert_eq!(context.span().span_context(), &span);
    assert_eq!(inject(&context).as_deref(), Some("b=1,a=2"));
}

/// A carrier with several values of one name.
#[derive(Default)]
struct Lines(Vec<(String, String)>);

impl Extractor for Lines {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let lines = self.0.iter().filter(|(name, _)| name == key);
        Some(lines.map(|(_, value)| value.as_str()).collect())
    }
}

impl Injector for Lines {
    fn set(&mut self, key: &str, value: String) {
        self.0.push((key.to_owned(), value));
    }
}

#[test]
fn every_line_of_an_opentelemetry_carrier_is_read() {
    use opentelemetry::propagation::TextMapPropagator;

    let line = |value: &str| ("baggage".to_owned(), value.to_owned());
    let carrier = Lines(vec![line("b=1"), line("a=2")]);
    let baggage = TextMap::new(Baggage::new());
    let context = baggage.extract_with_context(&Context::new(), &carrier);
    let mut sent = Lines::default();
    baggage.inject_context(&context, &mut sent);
    assert_eq!(sent.0, [line("b=1,a=2")]);
    assert_eq!(baggage.fields().collect::<Vec<_>>(), ["baggage"]);
}

proptest! {
    #[test]
    fn a_plain_line_is_read_as_every_other(line in "[abc=;,% 24é]{0,16}") {
        if let Some(Plain { entries, is_canonical }) = plain::read(&line) {
            let mut received = Received::with_capacity(line.len());
            received.read_line(line.as_bytes());
            prop_assert!(!received.dropped && !received.duplicates);
            prop_assert_eq!((&received.list.text, received.canonical), (&line, is_canonical));
            let sorted = |entries: &Entries| {
                let mut all: Vec<_> = sorted(entries).iter().map(|part| format!("{part:?}")).collect();
                all.sort();
                all
            };
            prop_assert_eq!(sorted(&received.entries), sorted(&entries));
        }
    }
}

#[test]
fn lines_are_plain_that_go_on_as_they_stand() {
    let members = |count| (0..count).map(|i| format!("k{i}={i}")).collect::<Vec<_>>().join(",");
    let long = |bytes| format!("a={}", "x".repeat(bytes - 2));
    for line in ["a=1", "a=", "a=1,b=%20,c=d=e", &members(64), &long(MAX_LEN)] {
        assert!(plain::read(line).is_some(), "{line}");
    }
    for line in [
        "",
        "a",
        "=1",
        "a =1",
        "a= 1",
        "a=1,",
        "a=1,,b=2",
        "a=1;p",
        "a=%",
        "a=%FF",
        "a=1,a=2",
        &members(65),
        &long(MAX_LEN + 1),
    ] {
        assert!(plain::read(line).is_none(), "{line}");
    }
}

proptest! {
    #[test]
    fn no_header_panics(lines in proptest::collection::vec(
        proptest::collection::vec(32u8..=255, 0..60), 0..5,
    )) {
        let mut headers = HeaderMap::new();
        for line in &lines {
            if let Ok(value) = HeaderValue::from_bytes(line) {
                headers.append("baggage", value);
            }
        }
        inject(&Baggage::new().extract(&headers, &Context::new()));
    }

    #[test]
    fn what_is_sent_on_is_stable_and_was_there(
        lines in proptest::collection::vec("[ab%2C=;, \\\\\"é]{0,40}", 0..4)
    ) {
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let context = extract(&lines);
        let sent = inject(&context);
        prop_assert_eq!(sent.is_none(), context.baggage().is_empty());
        if let Some(sent) = sent {
            prop_assert!(sent.len() <= MAX_LEN);
            let again = extract(&[&sent]);
            prop_assert_eq!(entries(&again), entries(&context));
            prop_assert_eq!(inject(&again), Some(sent));
            for (key, _) in context.baggage() {
                prop_assert!(lines.iter().any(|line| line.contains(key.as_str())));
            }
        }
    }

    #[test]
    fn entries_made_here_come_back(
        pairs in proptest::collection::hash_map("[a-z!#$%&'*+.^_`|~0-9-]{1,8}", any::<String>(), 0..8)
    ) {
        let pairs: Vec<_> =
            pairs.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
        let context = Context::new().with_baggage(pairs);
        let sent = inject(&context);
        let lines: Vec<_> = sent.as_deref().into_iter().collect();
        prop_assert_eq!(entries(&extract(&lines)), entries(&context));
    }
}
