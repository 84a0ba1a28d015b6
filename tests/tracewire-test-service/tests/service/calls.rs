//! What mode `client` sends and records is what it was asked for.

use crate::process::{Service, Witness};
use std::{fs, process::Stdio, thread};

#[cfg(unix)]
#[test]
fn credentials_in_a_url_reach_the_middleware_and_no_exporter() {
    let shown = std::env::temp_dir().join(format!("tracewire-calls-{}", std::process::id()));
    let output = fs::File::create(&shown).unwrap();
    let variables = [("SERVICE_MODE", "client"), ("OTEL_TRACES_EXPORTER", "console")];
    let service = Service::start_with(&variables, |command| {
        command.stdout(Stdio::from(output.try_clone().unwrap())).stderr(output);
    });
    let witness = Witness::new();
    let url = witness.url().replace("http://", "http://ada:SECRET@");
    let head = thread::scope(|scope| {
        let head = scope.spawn(|| witness.next());
        let request =
            format!("POST /call HTTP/1.1\nx-method: GET\nx-url: {url}a?token=SECRET&id=1");
        let answer = service.send(&request);
        assert!(answer.contains(r#""status":200"#), "{answer}");
        head.join().unwrap()
    });
    assert!(head.starts_with("get /a?token=secret&id=1"), "{head}");
    assert!(!head.contains("authorization"), "{head}");
    assert!(service.terminate().success());
    let all = fs::read_to_string(&shown).unwrap();
    fs::remove_file(&shown).unwrap();
    let recorded = url.replace("ada:SECRET", "REDACTED:REDACTED");
    assert!(all.contains(&format!("{recorded}a?token=REDACTED&id=1")), "{all}");
    assert!(!all.contains("SECRET"), "{all}");
}
