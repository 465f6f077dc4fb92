//! Validation against an identity service that fails in every way a real one does not on demand.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keystone_auth::{
    AuthMethod, Expired, HttpOptions, Interface, PasswordCredentials, Refused, Scope, Secret, Validator,
    ValidatorOptions,
};

/// What it answers: status and body, for a login or a question about a token.
type Script = Box<dyn Fn(&str) -> (u16, String) + Send + Sync>;

/// An identity service in the hands of the test.
struct Identity {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Identity {
    fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v3", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, script) = (requests.clone(), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, script) = (seen.clone(), script.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &seen, &script));
            }
        });
        Self { url, requests }
    }

    fn questions(&self) -> usize {
        self.requests.lock().unwrap().iter().filter(|request| request.starts_with("GET")).count()
    }

    fn validator(&self) -> Validator {
        self.validator_with(Some(Duration::from_secs(300)))
    }

    fn validator_with(&self, cache_time: Option<Duration>) -> Validator {
        let credentials = PasswordCredentials {
            auth_url: self.url.clone(),
            username: Some("glance".to_owned()),
            user_id: None,
            user_domain_id: None,
            user_domain_name: None,
            password: Secret::new("secret"),
            scope: Scope::default(),
        };
        Validator::new(ValidatorOptions {
            auth: AuthMethod::Password(Box::new(credentials)),
            http: HttpOptions { timeout: Duration::from_millis(500), retries: 1, ..HttpOptions::default() },
            interface: Interface::Internal,
            region: None,
            with_catalog: false,
            cache_time,
        })
        .unwrap()
    }
}

fn serve(stream: TcpStream, seen: &Mutex<Vec<String>>, script: &Script) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    seen.lock().unwrap().push(head.clone());
    let (status, body) = script(&head);
    let answer = format!(
        "HTTP/1.1 {status} X\r\nx-subject-token: own\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // The other side may have given up already.
    let _ = (&stream).write_all(answer.as_bytes());
}

fn token(expires: &str) -> String {
    format!(r#"{{"token": {{"user": {{"id": "u"}}, "expires_at": "{expires}", "roles": [{{"name": "reader"}}]}}}}"#)
}

fn good() -> String {
    token("2099-01-01T00:00:00.000000Z")
}

/// Answers logins well, and questions with this.
fn answering(status: u16, body: String) -> Identity {
    Identity::start(Box::new(move |head| if head.starts_with("POST") { (201, good()) } else { (status, body.clone()) }))
}

fn is_unavailable(verdict: &Result<Arc<keystone_auth::Token>, Refused>) -> bool {
    matches!(verdict, Err(Refused::Unavailable(_)))
}

#[tokio::test]
async fn a_valid_token_is_asked_about_once() {
    let identity = answering(200, good());
    let validator = identity.validator();
    for _ in 0..3 {
        assert_eq!(validator.validate(" sent\n", Expired::Refused).await.unwrap().user.id, "u");
    }
    assert_eq!(identity.questions(), 1);
    let question = identity.requests.lock().unwrap()[1].clone();
    assert!(question.starts_with("GET /v3/auth/tokens?nocatalog= HTTP/1.1"), "{question}");
    assert!(question.contains("x-subject-token: sent\r\n") && question.contains("x-auth-token: own\r\n"), "{question}");
}

#[tokio::test]
async fn callers_at_the_same_time_share_a_question() {
    let identity = answering(404, "{}".to_owned());
    let validator = identity.validator();
    let verdicts = futures_util::future::join_all((0..50).map(|_| validator.validate("bad", Expired::Refused))).await;
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Err(Refused::Invalid))));
    assert_eq!(identity.questions(), 1);
    // What is invalid is asked about again: nothing is remembered about it.
    assert!(validator.validate("bad", Expired::Refused).await.is_err());
    assert_eq!(identity.questions(), 2);
}

#[tokio::test]
async fn an_expired_token_is_good_only_for_services() {
    let identity = answering(200, token("2020-01-01T00:00:00Z"));
    let validator = identity.validator_with(None);
    assert!(matches!(validator.validate("old", Expired::Refused).await, Err(Refused::Invalid)));
    assert_eq!(validator.validate("old", Expired::Allowed).await.unwrap().user.id, "u");
    assert!(identity.requests.lock().unwrap()[2].contains("allow_expired=1"));
}

#[tokio::test]
async fn what_cannot_be_a_token_is_never_sent() {
    let identity = answering(200, good());
    let validator = identity.validator();
    for sent in ["", "  ", "a b", "a\r\nx: y", "é", &"x".repeat(20_000)] {
        assert!(matches!(validator.validate(sent, Expired::Refused).await, Err(Refused::Invalid)));
    }
    assert!(identity.requests.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nonsense_opens_no_door_and_recovers() {
    let answers = Arc::new(AtomicUsize::new(0));
    let count = answers.clone();
    let identity = Identity::start(Box::new(move |head| {
        if head.starts_with("POST") {
            return (201, good());
        }
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => (200, "<html>".to_owned()),
            1 => (200, r#"{"token": {}}"#.to_owned()),
            2 => (500, String::new()),
            3 => (302, String::new()),
            _ => (200, good()),
        }
    }));
    let validator = identity.validator();
    for _ in 0..4 {
        let verdict = validator.validate("sent", Expired::Refused).await;
        assert!(is_unavailable(&verdict), "{verdict:?}");
    }
    assert!(validator.validate("sent", Expired::Refused).await.is_ok());
}

#[tokio::test]
async fn a_service_that_is_slow_or_gone_is_unavailable() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let identity = Identity { url: format!("http://{}", silent.local_addr().unwrap()), requests: Arc::default() };
    assert!(is_unavailable(&identity.validator().validate("sent", Expired::Refused).await));
    drop(silent);
    assert!(is_unavailable(&identity.validator().validate("sent", Expired::Refused).await));
}

#[tokio::test]
async fn a_revoked_login_is_renewed_and_a_refused_one_is_nobody_elses_fault() {
    let questions = Arc::new(AtomicUsize::new(0));
    let count = questions.clone();
    let identity = Identity::start(Box::new(move |head| match head.starts_with("POST") {
        true => (201, good()),
        false if count.fetch_add(1, Ordering::SeqCst) == 0 => (401, String::new()),
        false => (200, good()),
    }));
    assert!(identity.validator().validate("sent", Expired::Refused).await.is_ok());
    assert_eq!(identity.requests.lock().unwrap().iter().filter(|request| request.starts_with("POST")).count(), 2);

    let refusing = Identity::start(Box::new(|_| (401, r#"{"error": {"message": "no"}}"#.to_owned())));
    let verdict = refusing.validator().validate("sent", Expired::Refused).await;
    assert!(is_unavailable(&verdict), "{verdict:?}");
}
