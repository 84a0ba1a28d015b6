//! Whatever a file holds, reading it ends, and costs what its limits allow.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;

/// Files that ask for more than they may have, and those that are just large.
fn bombs() -> Vec<String> {
    let level = |level: usize| {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        format!("a{level}: &a{level} [{items}]\n")
    };
    let laughs: String = (1..12).map(level).collect();
    let most = MOST_BYTES;
    vec![
        format!("a0: &a0 [x]\n{laughs}"),
        "[".repeat(most),
        "- ".repeat(most / 2),
        "? ".repeat(most / 2),
        "{a: ".repeat(most / 4),
        "a: &a [*a, *a]\n".repeat(most / 16),
        "{".to_owned() + &"a: b, ".repeat(most / 6),
        "[".to_owned() + &"[],".repeat(most / 3),
        "[".to_owned() + &"? ".repeat(most / 2),
        "[".to_owned() + &"'' ".repeat(most / 3),
        "x".repeat(most),
        "\"".repeat(most),
        "a: |\n".to_owned() + &" x\n".repeat(most / 4),
        "&a ".repeat(most / 3),
        "!a ".repeat(most / 3),
        "a:\n".repeat(most / 3),
        (0..most / 10).map(|number| format!("k{number}: 1\n")).collect::<String>(),
        "- ${A}\n".repeat(most / 7),
        "$".repeat(most),
        "${".repeat(most / 2),
        "# comment\n".repeat(most / 10),
        "\n".repeat(most),
        "\t".repeat(most),
        "---\n".repeat(most / 4),
        "%YAML 1.2\n".repeat(most / 10),
        "file_format: '1.1'\nunknown: [".to_owned() + &"a,".repeat(most / 3),
        "file_format: '1.1'\nresource:\n".to_owned() + &"  attributes_lisd: x\n".repeat(most / 21),
    ]
}

#[test]
fn bombs_are_refused_or_read_within_the_limits() {
    for bomb in bombs() {
        let bomb = &bomb[..bomb.len().min(MOST_BYTES)];
        let looked_up = Cell::new(0_usize);
        let read = ConfigFile::parse("otel.yaml", bomb.as_bytes(), |_| {
            looked_up.set(looked_up.get() + 1);
            Some("x".repeat(1000).into())
        });
        let start: String = bomb.chars().take(20).collect();
        if let Err(error) = read {
            let message = error.to_string();
            assert!(message.len() < 20_000, "{start}: {}", message.len());
            assert!(message.lines().count() <= 21, "{start}");
        }
        // No more than the values that are allowed, and no more text than is allowed.
        assert!(looked_up.get() <= 11_000, "{start}: {}", looked_up.get());
    }
}

#[test]
fn problems_of_a_file_are_counted_and_twenty_of_them_shown() {
    let items = "        - x\n".repeat(3000);
    let error = read(&format!("propagator:\n  composite:\n{items}")).unwrap_err();
    assert_eq!((error.count(), error.lines().count()), (3000, 20));
}

/// Text that is made of what a file is made of.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "file_format: \"1.1\"\n",
        "tracer_provider:\n",
        "meter_provider:\n",
        "resource:\n",
        "  processors:\n",
        "  readers:\n",
        "    - batch:\n",
        "    - periodic:\n",
        "        exporter:\n",
        "          otlp_http:\n",
        "          console:\n",
        "            endpoint: http://localhost:4318/v1/traces\n",
        "            headers: [{name: a, value: b}]\n",
        "  sampler: {parent_based: {root: {always_on: }}}\n",
        "  sampler: {composite/development: {rule_based: {rules: [{sampler: {always_on: }}]}}}\n",
        "  attributes: [{name: a, value: [1, 2.5], type: int_array}]\n",
        "  limits: &l {}\n",
        "  limits: *l\n",
        "disabled: ${X:-true}\n",
        "distribution: {tracewire: {reload: true}}\n",
        "- ",
        ": ",
        "[",
        "]",
        "{",
        "}",
        "'",
        "\"",
        "${",
        "$$",
        "|\n",
        "\n",
        "  ",
        "1e9",
        "ö",
        "~",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ConfigFile::parse("otel.yaml", &bytes, |_| None);
    }

    #[test]
    fn no_text_panics(text in "[ -~\n]{0,200}") {
        let _ = ConfigFile::parse("otel.yaml", text.as_bytes(), |_| Some(text.clone().into()));
    }

    #[test]
    fn what_looks_like_a_file_is_read_or_refused_with_lines(text in pieces()) {
        match ConfigFile::parse("otel.yaml", text.as_bytes(), |_| None) {
            Ok(file) => prop_assert!(text.contains("file_format"), "{file:?}"),
            Err(error) => {
                let lines = text.lines().count() + 1;
                for line in error.lines() {
                    let number = line.split(':').nth(1).and_then(|number| number.parse().ok());
                    let number: usize = number.expect("each problem has a line");
                    prop_assert!((1..=lines).contains(&number), "{}\n{}", line, text);
                }
            }
        }
    }
}
