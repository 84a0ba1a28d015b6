use super::super::problems::ConfigFileError;
use super::super::scalar::{Resolved, resolve};
use super::*;

/// The tree, and the problems as lines.
fn read(text: &str) -> (Option<Rc<Node>>, String) {
    read_with(text, &|_| None)
}

fn read_with(text: &str, variables: Variables<'_>) -> (Option<Rc<Node>>, String) {
    let mut findings = Findings::default();
    let root = parse(text, variables, &mut findings);
    (root, ConfigFileError::of_problems("f.yaml", findings.problems).to_string())
}

fn entries(node: &Node) -> &[Entry] {
    match &node.content {
        Content::Mapping(entries) => entries,
        other => panic!("{other:?}"),
    }
}

fn scalar(node: &Node) -> &Scalar {
    match &node.content {
        Content::Scalar(scalar) => scalar,
        other => panic!("{other:?}"),
    }
}

#[test]
fn positions_are_those_of_keys_and_values() {
    let (root, problems) = read("a: 1\nb:\n  - c:   'x'\n  - [d, \"e\"]\n");
    assert_eq!(problems, "");
    let root = root.unwrap();
    let [a, b] = entries(&root) else { panic!() };
    assert_eq!((a.at.to_string(), a.value.at.to_string()), ("1:1".into(), "1:4".into()));
    assert!(scalar(&a.value).is_plain);
    assert_eq!(b.at.to_string(), "2:1");
    let Content::Sequence(items) = &b.value.content else { panic!() };
    let [c] = entries(&items[0]) else { panic!() };
    assert_eq!((c.at.to_string(), c.value.at.to_string()), ("3:5".into(), "3:10".into()));
    assert!(!scalar(&c.value).is_plain);
    let Content::Sequence(items) = &items[1].content else { panic!() };
    assert_eq!(items[1].at.to_string(), "4:9");
}

#[test]
fn block_scalars_are_text() {
    let (root, _) = read("a: |\n  1\nb: >-\n  2\nc: !!str 3\nd: !!int '4'\n");
    let root = root.unwrap();
    let found: Vec<_> = entries(&root)
        .iter()
        .map(|entry| (scalar(&entry.value).text.clone(), scalar(&entry.value).is_plain))
        .collect();
    let expected = [("1\n", false), ("2", false), ("3", false), ("4", true)];
    assert_eq!(found, expected.map(|(text, is_plain)| (text.to_owned(), is_plain)));
}

#[test]
fn what_leaves_no_tree_is_told_with_its_line() {
    let deep = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
    let long = format!("a: b\nc: {}", "x".repeat(MOST_SCALAR + 1));
    let flow = format!("{{{}", "a: b, ".repeat(MOST_AHEAD / 6 + 1));
    let comment = "# comment\n".repeat(MOST_AHEAD / 10 + 1);
    for (text, expected) in [
        ("", "f.yaml:1:1: the file is empty"),
        ("# only a comment\n", "f.yaml:1:1: the file is empty"),
        ("a: b\n---\nc: d\n", "f.yaml:2:1: a second document begins here"),
        ("a: 1\n<<: b\n", "f.yaml:2:1: merge keys (`<<`) are not supported"),
        ("a:\n  b: !secret x\n", "f.yaml:2:6: a.b: the tag \"!secret\" is not supported"),
        ("? [a]\n: b\n", "f.yaml:1:3: a key is a list, a mapping or an alias"),
        ("a: &x\n  b: *x\n", "f.yaml:2:6: a.b: an alias stands inside what it refers to"),
        ("a: *nothing\n", "f.yaml:1:4: a: this is not YAML: "),
        ("a: 1\nb: 'open\n", "f.yaml:2:4: b: this is not YAML: "),
        ("a:\n\tb: 1\n", "indent with spaces"),
        ("a: b: c\n", "f.yaml:1:5: this is not YAML: "),
        (&deep, "more than 32 levels deep"),
        (&long, "f.yaml:2:4: c: a text has more than 64 KiB"),
        (&flow, "f.yaml:1:1: more than 128 KiB follow in one piece"),
        (&comment, "f.yaml:1:1: more than 128 KiB follow in one piece"),
    ] {
        let (root, problems) = read(text);
        assert!(root.is_none(), "{text}");
        assert!(problems.contains(expected), "{text}\n{problems}\n{expected}");
        assert_eq!(problems.lines().count(), 1, "{problems}");
    }
}

#[test]
fn a_key_that_is_set_twice_names_both_lines_and_the_first_counts() {
    let (root, problems) = read("a:\n  b: 1\n  c: 2\n  b: 3\n");
    assert_eq!(
        problems,
        "f.yaml:4:3: a: the key \"b\" is set twice, here and in line 2; remove one"
    );
    assert_eq!(entries(&entries(&root.unwrap())[0].value).len(), 2);
}

#[test]
fn an_alias_is_its_anchor_with_its_position() {
    let (root, problems) = read("a: &x\n  b: 1\nc: *x\n");
    assert_eq!(problems, "");
    let root = root.unwrap();
    let [a, c] = entries(&root) else { panic!() };
    assert_eq!(a.value, c.value);
    assert_eq!(c.value.at.line, 1);
}

#[test]
fn aliases_count_as_copies() {
    // Each level has nine of the one before.
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let items = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let (root, problems) = read(&bomb);
    assert!(root.is_none());
    assert!(problems.contains("more than 10000 values, aliases included"), "{problems}");
    // The same with depth: each level is one deeper.
    let mut bomb = String::from("a0: &a0 [x]\n");
    for level in 1..100 {
        bomb.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    let (_, problems) = read(&bomb);
    assert!(problems.contains("more than 32 levels deep"), "{problems}");
    // The same with text.
    let text = format!("a: &x {}\nb: [{}]\n", "y".repeat(60_000), "*x, ".repeat(100));
    let (_, problems) = read(&text);
    assert!(problems.contains("more than 1 MiB of text"), "{problems}");
}

#[test]
fn as_many_levels_and_values_as_allowed_are_read() {
    let deep = format!("{}1{}", "[".repeat(MOST_DEPTH), "]".repeat(MOST_DEPTH));
    assert_eq!(read(&deep).1, "");
    let deeper = format!("[{deep}]");
    assert!(read(&deeper).1.contains("levels deep"));
    let wide = format!("[{}]", vec!["1"; MOST_NODES - 1].join(","));
    assert_eq!(read(&wide).1, "");
    let wider = format!("[{}]", vec!["1"; MOST_NODES].join(","));
    assert!(read(&wider).1.contains("more than 10000 values"));
    let long = format!("a: {}", "x".repeat(MOST_SCALAR));
    assert_eq!(read(&long).1, "");
}

#[test]
fn variables_cannot_make_a_tree_large() {
    let long = |_: &str| Some("x".repeat(60_000).into());
    let text = format!("[{}]", "\"${A}\",".repeat(5000));
    let (_, problems) = read_with(&text, &long);
    assert!(problems.contains("more than 1 MiB of text once aliases and variables"), "{problems}");
    let (_, problems) = read_with("a: ${A}${A}", &long);
    assert!(problems.contains("f.yaml:1:4: a: the value is too long"), "{problems}");
}

/// The table of the data model's page: input, the value after substitution, and its type.
#[test]
fn the_table_of_the_specification_holds() {
    let variables = |name: &str| {
        Some(
            match name {
                "STRING_VALUE" => "value",
                "BOOL_VALUE" => "true",
                "INT_VALUE" => "1",
                "FLOAT_VALUE" => "1.1",
                "HEX_VALUE" => "0xdeadbeef",
                "INVALID_MAP_VALUE" => "value\nkey:value",
                "DO_NOT_REPLACE_ME" => "Never use this value",
                "REPLACE_ME" => "${DO_NOT_REPLACE_ME}",
                "VALUE_WITH_ESCAPE" => "value$$",
                _ => return None,
            }
            .into(),
        )
    };
    let text = |text: &str| Some((text.to_owned(), Resolved::Text));
    for (input, expected) in [
        ("key: ${STRING_VALUE}", text("value")),
        ("key: ${BOOL_VALUE}", Some(("true".into(), Resolved::Boolean(true)))),
        ("key: ${INT_VALUE}", Some(("1".into(), Resolved::Whole(1)))),
        ("key: ${FLOAT_VALUE}", Some(("1.1".into(), Resolved::Number(1.1)))),
        ("key: ${HEX_VALUE}", Some(("0xdeadbeef".into(), Resolved::Whole(0xdead_beef)))),
        ("key: \"${STRING_VALUE}\"", text("value")),
        ("key: \"${BOOL_VALUE}\"", text("true")),
        ("key: \"${INT_VALUE}\"", text("1")),
        ("key: \"${FLOAT_VALUE}\"", text("1.1")),
        ("key: \"${HEX_VALUE}\"", text("0xdeadbeef")),
        ("key: ${env:STRING_VALUE}", text("value")),
        ("key: ${INVALID_MAP_VALUE}", text("value\nkey:value")),
        ("key: foo ${STRING_VALUE} ${FLOAT_VALUE}", text("foo value 1.1")),
        ("key: ${UNDEFINED_KEY}", Some((String::new(), Resolved::Null))),
        ("key: ${UNDEFINED_KEY:-fallback}", text("fallback")),
        ("${STRING_VALUE}: value", text("value")),
        ("key: ${REPLACE_ME}", text("${DO_NOT_REPLACE_ME}")),
        ("key: ${UNDEFINED_KEY:-${STRING_VALUE}}", text("${STRING_VALUE}")),
        ("key: ${STRING_VALUE:?error}", None),
        ("key: $${STRING_VALUE}", text("${STRING_VALUE}")),
        ("key: $$${STRING_VALUE}", text("$value")),
        ("key: $$$${STRING_VALUE}", text("$${STRING_VALUE}")),
        ("key: $${STRING_VALUE:-fallback}", text("${STRING_VALUE:-fallback}")),
        ("key: $${STRING_VALUE:-${STRING_VALUE}}", text("${STRING_VALUE:-value}")),
        ("key: ${UNDEFINED_KEY:-$${UNDEFINED_KEY}}", text("${UNDEFINED_KEY:-${UNDEFINED_KEY}}")),
        ("key: ${VALUE_WITH_ESCAPE}", text("value$$")),
        ("key: a $$ b", text("a $ b")),
        ("key: a $ b", text("a $ b")),
    ] {
        let (root, problems) = read_with(input, &variables);
        let root = root.unwrap();
        let [entry] = entries(&root) else { panic!("{input}") };
        let key = if input.starts_with("key") { "key" } else { "${STRING_VALUE}" };
        assert_eq!(entry.key, key, "{input}");
        match expected {
            Some(expected) => {
                assert_eq!(problems, "", "{input}");
                let Scalar { text, is_plain, .. } = scalar(&entry.value).clone();
                let resolved = if is_plain { resolve(&text) } else { Resolved::Text };
                assert_eq!((text, resolved), expected, "{input}");
            }
            None => {
                assert_eq!(entry.value.content, Content::Broken, "{input}");
                assert!(problems.starts_with("f.yaml:1:6: key: a reference"), "{problems}");
            }
        }
    }
}
