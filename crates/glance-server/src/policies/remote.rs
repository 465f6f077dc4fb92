//! Rules that ask other servers (`http://…` and `https://…`), as oslo.policy asks them.
//!
//! A `POST` carries rule, target and credentials, each as JSON in a form, or all in one JSON document. The answer
//! `True` allows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use oslo::policy::{Credentials, RemoteRequest};
use reqwest::{Certificate, Client, Identity};
use serde_json::json;
use url::form_urlencoded;

use super::Target;
use crate::app::error::{Error, Result};

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 4096;

/// How other servers are asked (`[oslo_policy] remote_*`).
#[derive(Clone, Debug)]
pub struct RemoteSettings {
    /// Send one JSON document instead of a form (`remote_content_type`).
    pub json: bool,
    /// Refuse servers without a valid certificate (`remote_ssl_verify_server_crt`).
    pub verify: bool,
    /// Authorities that are trusted (`remote_ssl_ca_crt_file`).
    pub authorities: Option<PathBuf>,
    /// Our certificate (`remote_ssl_client_crt_file`).
    pub certificate: Option<PathBuf>,
    /// Its key (`remote_ssl_client_key_file`).
    pub key: Option<PathBuf>,
    /// How long an answer may take (`remote_timeout`).
    pub timeout: Duration,
}

/// Asks other servers.
#[derive(Debug)]
pub struct Remote {
    client: Client,
    json: bool,
}

impl Remote {
    /// Sets up the client.
    ///
    /// # Errors
    /// For files that cannot be used.
    pub fn new(settings: &RemoteSettings) -> anyhow::Result<Self> {
        let mut builder = Client::builder().timeout(settings.timeout).redirect(reqwest::redirect::Policy::none());
        match (&settings.authorities, settings.verify) {
            (Some(file), true) => {
                let certificates = Certificate::from_pem_bundle(&read(file)?);
                builder = builder.tls_certs_only(certificates.with_context(|| file.display().to_string())?);
            }
            (None, true) => {}
            (_, false) => builder = builder.tls_danger_accept_invalid_certs(true),
        }
        if let Some(certificate) = &settings.certificate {
            let mut pem = read(certificate)?;
            if let Some(key) = &settings.key {
                pem.extend(read(key)?);
            }
            let identity = Identity::from_pem(&pem).with_context(|| certificate.display().to_string())?;
            builder = builder.identity(identity);
        }
        Ok(Self { client: builder.build().context("cannot set up the client of policy servers")?, json: settings.json })
    }

    /// Puts one question to the server that it names.
    pub(super) async fn ask(
        &self,
        question: &RemoteRequest,
        target: &Target<'_>,
        credentials: &Credentials,
    ) -> Result<bool> {
        let (target, rule) = (target.document(), json!(question.rule));
        let (media_type, body) = if self.json {
            let document = json!({"rule": rule, "target": target, "credentials": credentials});
            ("application/json", document.to_string())
        } else {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("rule", &rule.to_string());
            form.append_pair("target", &target.to_string());
            form.append_pair("credentials", &json!(credentials).to_string());
            ("application/x-www-form-urlencoded", form.finish())
        };
        let mut request = self.client.post(&question.url).header(reqwest::header::CONTENT_TYPE, media_type).body(body);
        if let Some(trace) = crate::traces::current() {
            request = request.header("traceparent", trace);
        }
        let mut response = request.send().await.map_err(unanswered)?;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unanswered)? {
            answer.extend_from_slice(&chunk);
            if answer.len() > LONGEST_ANSWER {
                return Ok(false);
            }
        }
        Ok(RemoteRequest::accepts(&String::from_utf8_lossy(&answer)))
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn unanswered(error: reqwest::Error) -> Error {
    tracing::error!(error = %error.without_url(), "a policy server does not answer");
    Error::Unavailable("A server that decides about access does not answer. Please try again later.".into())
}
