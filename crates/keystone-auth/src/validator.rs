//! Whether a token that somebody sent is good: asked once, remembered for a while, and never assumed.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode};

use crate::auth::AuthMethod;
use crate::cache::Cache;
use crate::cloud::Interface;
use crate::counts::{Counts, Lookups};
use crate::error::{Error, ErrorKind};
use crate::http::{Http, HttpOptions};
use crate::memcached::MemcachedOptions;
use crate::session::{Login, Session, tokens_url};
use crate::shared_cache::{Protection, SharedCache};
use crate::token::Token;

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 << 10;

/// How many questions may be under way before the finished ones are forgotten.
const QUESTIONS: usize = 256;

/// How tokens are validated. The names in brackets are those of `[keystone_authtoken]`.
#[derive(Debug, Clone)]
pub struct ValidatorOptions {
    /// The service's own credentials (`auth_type` and what belongs to it).
    pub auth: AuthMethod,
    /// How the identity service is talked to.
    pub http: HttpOptions,
    /// Which endpoint of the identity service to use (`interface`).
    pub interface: Interface,
    /// In which region (`region_name`).
    pub region: Option<String>,
    /// Whether tokens come with their catalogue (`include_service_catalog`).
    pub with_catalog: bool,
    /// How long a valid token is remembered (`token_cache_time`); `None` for not at all.
    pub cache_time: Option<Duration>,
    /// Where it is remembered besides, for other services; of no effect without `cache_time`.
    pub shared: Option<(MemcachedOptions, Protection)>,
}

/// Whether an expired token is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expired {
    /// It is not.
    Refused,
    /// It is: a service continues what the user began while the token was valid.
    Allowed,
}

/// Why a token was not accepted.
#[derive(Debug, Clone)]
pub enum Refused {
    /// It is no valid token.
    Invalid,
    /// Nobody can tell now.
    Unavailable(Arc<Error>),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid => f.write_str("the token is not valid"),
            Self::Unavailable(error) => error.fmt(f),
        }
    }
}

/// What is made of a token once, for all the requests that come with it: the token itself, or more.
pub trait Bearer: Send + Sync + 'static {
    /// Makes it of the token that was sent as `sent`.
    fn of_token(sent: &str, token: Token) -> Self;

    /// The token.
    fn token(&self) -> &Token;
}

impl Bearer for Token {
    fn of_token(_: &str, token: Token) -> Self {
        token
    }

    fn token(&self) -> &Token {
        self
    }
}

type Verdict<T> = Result<Arc<T>, Refused>;
type Question<T> = Shared<BoxFuture<'static, Verdict<T>>>;
type Questions<T> = HashMap<Key, WeakShared<BoxFuture<'static, Verdict<T>>>>;
type Key = (Arc<str>, Expired);

/// Validates tokens with an identity service. Clones share what they know.
pub struct Validator<T: Bearer = Token> {
    asker: Arc<Asker<T>>,
    questions: Arc<Mutex<Questions<T>>>,
}

impl<T: Bearer> Clone for Validator<T> {
    fn clone(&self) -> Self {
        Self { asker: self.asker.clone(), questions: self.questions.clone() }
    }
}

impl<T: Bearer> fmt::Debug for Validator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").field("auth_url", &self.asker.session.auth_url()).finish_non_exhaustive()
    }
}

struct Asker<T> {
    session: Session,
    http: Http,
    options: ValidatorOptions,
    cache: Cache<T>,
    shared: Option<SharedCache>,
    counts: Counts,
}

impl<T: Bearer> Validator<T> {
    /// A validator; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When the settings for TLS cannot be used, the credentials are none that obtain tokens, or a server of memcached
    /// has a name that makes no sense.
    pub fn new(options: ValidatorOptions) -> Result<Self, Error> {
        let http = Http::new(&options.http)?;
        let session = Session::with(options.auth.clone(), http.clone())?;
        let cache = Cache::new(options.cache_time);
        let shared = options.shared.clone().zip(options.cache_time);
        let shared = shared.map(|((memcached, protection), keep)| SharedCache::new(memcached, protection, keep));
        let shared = shared.transpose().map_err(|name| {
            Error::new(ErrorKind::Invalid, format!("memcached_servers: '{name}' is no address of a server"))
        })?;
        let asker = Asker { session, http, options, cache, shared, counts: Counts::default() };
        Ok(Self { asker: Arc::new(asker), questions: Arc::default() })
    }

    /// Where the identity service is, as the service's own credentials name it.
    #[must_use]
    pub fn auth_url(&self) -> &str {
        self.asker.session.auth_url()
    }

    /// How tokens were judged so far.
    #[must_use]
    pub fn lookups(&self) -> Lookups {
        self.asker.counts.read()
    }

    /// What was made of the token `sent`, if it is valid. Whoever asks about the same token at the same time shares the
    /// answer.
    ///
    /// # Errors
    ///
    /// [`Refused::Invalid`], or [`Refused::Unavailable`] when the identity service does not help.
    pub async fn validate(&self, sent: &str, expired: Expired) -> Verdict<T> {
        let sent = sent.trim();
        if sent.is_empty() || sent.len() > LONGEST || !sent.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refused::Invalid);
        }
        let token = match self.asker.cache.get(sent) {
            Some(token) => {
                self.asker.counts.remembered();
                token
            }
            None => self.question(sent, expired).await?,
        };
        if expired == Expired::Refused && token.token().ends_within(Duration::ZERO) {
            return Err(Refused::Invalid);
        }
        Ok(token)
    }

    /// The question about this token: a new one, or the one that is under way.
    fn question(&self, sent: &str, expired: Expired) -> Question<T> {
        let key = (Arc::<str>::from(sent), expired);
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = questions.get(&key).and_then(WeakShared::upgrade);
        if let Some(question) = under_way.filter(|question| question.peek().is_none()) {
            return question;
        }
        if questions.len() >= QUESTIONS {
            questions.retain(|_, question| question.upgrade().is_some_and(|question| question.peek().is_none()));
        }
        let (asker, sent) = (self.asker.clone(), key.0.clone());
        let question = async move { asker.ask(&sent, expired).await }.boxed().shared();
        if let Some(weak) = question.downgrade() {
            questions.insert(key, weak);
        }
        question
    }
}

impl<T: Bearer> Asker<T> {
    async fn ask(&self, sent: &str, expired: Expired) -> Verdict<T> {
        // Between the caller's look and the question, somebody else's may have been answered.
        if let Some(token) = self.cache.get(sent) {
            return Ok(token);
        }
        if let Some(token) = self.shared(sent).await {
            return Ok(token);
        }
        match self.fetch(sent, expired).await {
            Ok(Some((token, document))) => {
                self.counts.valid();
                let token = Arc::new(T::of_token(sent, token));
                self.cache.insert(sent, token.clone(), document.len());
                if let Some(shared) = &self.shared {
                    shared.set(sent, &document).await;
                }
                Ok(token)
            }
            Ok(None) => {
                self.counts.invalid();
                Err(Refused::Invalid)
            }
            Err(error) => {
                self.counts.unavailable();
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::error!(%error, cause, "tokens cannot be validated");
                Err(Refused::Unavailable(Arc::new(error)))
            }
        }
    }

    /// A token that another service has found valid. How long ago is not known, so it is not remembered here: nothing is
    /// believed for longer than the time that is configured.
    async fn shared(&self, sent: &str) -> Option<Arc<T>> {
        let document = self.shared.as_ref()?.get(sent).await?;
        let token = Token::parse(&document).ok()?;
        self.counts.shared();
        Some(Arc::new(T::of_token(sent, token)))
    }

    /// The token and its document; `None` for one that the identity service does not know.
    async fn fetch(&self, sent: &str, expired: Expired) -> Result<Option<(Token, Vec<u8>)>, Error> {
        let mut login = self.session.login().await?;
        let mut answer = self.http.send(self.request(&login, sent, expired)?).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            // The service's own token was revoked, or the identity service has lost its keys.
            self.session.forget(&login).await;
            login = self.session.login().await?;
            answer = self.http.send(self.request(&login, sent, expired)?).await?;
        }
        match answer.status {
            StatusCode::OK => Ok(Some((Token::parse(&answer.body)?, answer.body))),
            StatusCode::NOT_FOUND => Ok(None),
            status => {
                let message = format!("the identity service answers with {status} when asked about a token");
                Err(Error::new(ErrorKind::Unavailable, message))
            }
        }
    }

    fn request(&self, login: &Login, sent: &str, expired: Expired) -> Result<reqwest::Request, Error> {
        let unusable = |cause: reqwest::header::InvalidHeaderValue| {
            Error::new(ErrorKind::Unavailable, "a token cannot be sent").with_source(cause)
        };
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(unusable)?;
            value.set_sensitive(true);
            Ok::<_, Error>(value)
        };
        let mut url = tokens_url(self.identity(login))?;
        if !self.options.with_catalog {
            url.query_pairs_mut().append_pair("nocatalog", "");
        }
        if expired == Expired::Allowed {
            url.query_pairs_mut().append_pair("allow_expired", "1");
        }
        let request = self.http.client.request(Method::GET, url);
        let request = request.header("x-auth-token", secret(login.token.expose())?);
        // Without this header the identity service refuses tokens that are limited by access rules.
        let request = request.header("openstack-identity-access-rules", "1.0");
        let request = request.header("x-subject-token", secret(sent)?).build();
        request.map_err(|cause| Error::new(ErrorKind::Unavailable, "a question cannot be sent").with_source(cause))
    }

    /// The endpoint that the catalogue has, or else the URL at which the service logs in.
    fn identity<'a>(&'a self, login: &'a Login) -> &'a str {
        let ValidatorOptions { interface, region, .. } = &self.options;
        let catalog = login.details.catalog.as_ref();
        let listed = catalog.and_then(|catalog| catalog.url("identity", *interface, region.as_deref()));
        listed.unwrap_or(self.session.auth_url())
    }
}
