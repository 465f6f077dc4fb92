//! An identity service in the hands of a test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keystone_auth::{
    AuthMethod, HttpOptions, Interface, PasswordCredentials, Scope, Secret, Validator, ValidatorOptions,
};

/// What it answers: status and body, for a login or a question about a token.
pub(crate) type Script = Box<dyn Fn(&str) -> (u16, String) + Send + Sync>;

/// It keeps the heads of the requests that it got.
pub(crate) struct Identity {
    pub(crate) url: String,
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
}

impl Identity {
    pub(crate) fn start(script: Script) -> Self {
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

    pub(crate) fn questions(&self) -> usize {
        self.requests.lock().unwrap().iter().filter(|request| request.starts_with("GET")).count()
    }

    pub(crate) fn validator(&self) -> Validator {
        self.validator_with(Some(Duration::from_secs(300)))
    }

    pub(crate) fn validator_with(&self, cache_time: Option<Duration>) -> Validator {
        Validator::new(self.options(cache_time)).unwrap()
    }

    /// One that does not wait for long.
    pub(crate) fn hasty_validator(&self) -> Validator {
        let mut options = self.options(None);
        options.http.timeout = Duration::from_millis(500);
        Validator::new(options).unwrap()
    }

    pub(crate) fn options(&self, cache_time: Option<Duration>) -> ValidatorOptions {
        let credentials = PasswordCredentials {
            auth_url: self.url.clone(),
            username: Some("glance".to_owned()),
            user_id: None,
            user_domain_id: None,
            user_domain_name: None,
            password: Secret::new("secret"),
            scope: Scope::default(),
        };
        ValidatorOptions {
            auth: AuthMethod::Password(Box::new(credentials)),
            http: HttpOptions { timeout: Duration::from_secs(20), retries: 1, ..HttpOptions::default() },
            interface: Interface::Internal,
            region: None,
            with_catalog: false,
            cache_time,
            shared: None,
        }
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

pub(crate) fn token(expires: &str) -> String {
    format!(r#"{{"token": {{"user": {{"id": "u"}}, "expires_at": "{expires}", "roles": [{{"name": "reader"}}]}}}}"#)
}

pub(crate) fn good() -> String {
    token("2099-01-01T00:00:00.000000Z")
}

/// Answers logins well, and questions with this.
pub(crate) fn answering(status: u16, body: String) -> Identity {
    Identity::start(Box::new(move |head| if head.starts_with("POST") { (201, good()) } else { (status, body.clone()) }))
}
