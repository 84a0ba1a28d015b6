//! No message and no `Debug` output shows a value that may be a secret.

use super::*;

const SECRET: &str = "hunter2QQ";

/// Files with the secret in a wrong or an odd place.
fn files() -> Vec<String> {
    let otlp = |inner: &str| with_exporter(&format!("otlp_http:\n  {inner}"));
    vec![
        otlp("headers: {authorization: ${SECRET}}"),
        otlp("headers: [{name: a, value: [${SECRET}]}]"),
        otlp("headers: [{name: '${SECRET} x', value: a}]"),
        otlp("headers: [{name: a, value: \"${SECRET}\\n\"}]"),
        otlp("headers: [{name: a, value: ${SECRET}, extra: ${SECRET}}]"),
        otlp("headers: ${SECRET}"),
        otlp("headers_list: ${SECRET}"),
        otlp("headers_list: a=%zz${SECRET}"),
        otlp("headers_list: [${SECRET}]"),
        otlp("tls: {ca_file: ${SECRET}}"),
        otlp("tls: {key_file: '-----BEGIN PRIVATE KEY-----${SECRET}'}"),
        otlp("tls: ${SECRET}"),
        otlp("endpoint: http://user:${SECRET}@"),
        otlp("endpoint: ftp://user:${SECRET}@host"),
        otlp("endpoint: user:${SECRET}@host:4318"),
        otlp("endpoint: http://host:99999/?token=${SECRET}"),
        otlp("compression: Bearer ${SECRET}"),
        otlp("timeout: 'authorization: ${SECRET}'"),
        "resource: {attributes_list: '${SECRET}'}".to_owned(),
        "resource: {attributes_list: 'a=%zz${SECRET}'}".to_owned(),
        "propagator: {composite_list: 'Bearer ${SECRET}'}".to_owned(),
        "log_level: 'token=${SECRET}'".to_owned(),
        "disabled: http://user:${SECRET}@host/".to_owned(),
    ]
}

#[test]
fn no_problem_shows_a_secret() {
    for text in files() {
        let error = read_with(&text, &[("SECRET", SECRET)]).expect_err(&text);
        let message = format!("{error} {error:?} {error:#?}");
        assert!(!message.contains(SECRET), "{text}\n{message}");
    }
}

#[test]
fn no_debug_output_shows_a_header() {
    let text = with_exporter(&format!(
        "otlp_http:\n  headers: [{{name: a, value: {SECRET}}}]\n  headers_list: b={SECRET}"
    ));
    let file = read(&text).unwrap();
    let shown = format!("{file:?} {file:#?}");
    assert!(shown.contains("Sensitive") && !shown.contains(SECRET), "{shown}");
}

#[test]
fn a_substituted_value_names_its_variable() {
    let text = "attribute_limits: {attribute_count_limit: '${COUNT}${MORE}'}";
    let error = read_with(text, &[("COUNT", "many"), ("MORE", "")]).unwrap_err().to_string();
    assert!(error.contains("\"many\" (from ${COUNT}, ${MORE}) is not allowed"), "{error}");
    let text = with_exporter("otlp_http:\n  headers_list: ${HEADERS}");
    let error = read_with(&text, &[("HEADERS", SECRET)]).unwrap_err().to_string();
    assert!(error.contains("the value (not shown) (from ${HEADERS}) is not allowed"), "{error}");
}
