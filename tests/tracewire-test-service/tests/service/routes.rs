//! Mode `server` answers as its table says.

use crate::process::Service;

#[test]
fn every_route_answers() {
    let service = Service::start(&[]);
    for (request, status) in [
        ("GET /users/1 HTTP/1.1", 200),
        ("POST /orders HTTP/1.1\n\n{}", 201),
        ("GET /boom HTTP/1.1", 500),
        ("GET /any/1 HTTP/1.1", 200),
        ("PATCH /any/1 HTTP/1.1", 200),
        ("PURGE /any/1 HTTP/1.1", 200),
        ("GET /search?q=1 HTTP/1.1", 200),
        ("GET /missing-item/1 HTTP/1.1", 404),
        ("GET /old HTTP/1.1", 307),
        ("GET /api/v1/items/1 HTTP/1.1", 200),
        ("GET /nowhere HTTP/1.1", 404),
        ("POST /test HTTP/1.1\ncontent-type: application/json\n\n[]", 200),
    ] {
        let answer = service.send(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
    }
    // Nothing answers a panic; the service goes on.
    assert_eq!(service.send("GET /panic HTTP/1.1"), "");
    assert!(service.send("GET /users/1 HTTP/1.1").starts_with("HTTP/1.1 200"));
}

#[test]
fn old_leads_to_a_user() {
    let service = Service::start(&[]);
    let answer = service.send("GET /old HTTP/1.1").to_lowercase();
    assert!(answer.contains("location: /users/1\r\n"), "{answer}");
}
