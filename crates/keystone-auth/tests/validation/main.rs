//! Validation against an identity service that fails in every way a real one does not on demand.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test ends at what it does not expect")]

mod identity;
mod memcached;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use identity::{Identity, answering, good, token};
use keystone_auth::{Expired, Refused};

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
    assert!(is_unavailable(&identity.hasty_validator().validate("sent", Expired::Refused).await));
    drop(silent);
    assert!(is_unavailable(&identity.hasty_validator().validate("sent", Expired::Refused).await));
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

#[tokio::test]
async fn callers_do_not_queue_for_a_service_that_is_slow() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let identity = Identity { url: format!("http://{}", silent.local_addr().unwrap()), requests: Arc::default() };
    let validator = identity.hasty_validator();
    let tokens: Vec<String> = (0..200).map(|number| format!("token-{number}")).collect();
    let start = Instant::now();
    let verdicts = tokens.iter().map(|sent| validator.validate(sent, Expired::Refused));
    assert!(futures_util::future::join_all(verdicts).await.iter().all(is_unavailable));
    // One after the other they would wait for minutes.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test]
async fn clocks_that_disagree_let_nobody_in_and_stop_nobody() {
    // Every token of this identity service has ended by the clock of this machine: also the one for the service itself,
    // which can be used all the same, because who asks with it is told what the identity service thinks.
    let behind = token("2020-01-01T00:00:00Z");
    let identity = Identity::start(Box::new(move |head| match head.starts_with("POST") {
        true => (201, behind.clone()),
        false if head.contains("x-subject-token: good") => (200, good()),
        false => (200, behind.clone()),
    }));
    let validator = identity.validator();
    for _ in 0..2 {
        assert!(matches!(validator.validate("ended", Expired::Refused).await, Err(Refused::Invalid)));
        assert!(validator.validate("good", Expired::Refused).await.is_ok());
    }
    // The other way round the identity service says that a token has ended, however young it looks from here.
    let ahead = answering(404, good());
    assert!(matches!(ahead.validator().validate("sent", Expired::Refused).await, Err(Refused::Invalid)));
}
