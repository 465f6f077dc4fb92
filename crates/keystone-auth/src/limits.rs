//! Unified limits: how much of each resource a project may have, as the identity service says.
//!
//! The limits of a project are asked together, shared by whoever asks at the same time, and remembered for a moment.
//! What cannot be asked is an error, never a limit. Format: the "unified limits" of version 3 of the Identity API.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::auth::AuthMethod;
use crate::cloud::Interface;
use crate::error::{Error, ErrorKind};
use crate::http::HttpOptions;
use crate::session::{Login, Session, identity_url};

/// How many projects are remembered before those whose limits are old are forgotten.
const PROJECTS: usize = 1024;

/// How limits are asked. The names in brackets are those of `[oslo_limit]`.
#[derive(Debug, Clone)]
pub struct LimitsOptions {
    /// The service's own credentials (`auth_type` and what belongs to it).
    pub auth: AuthMethod,
    /// How the identity service is talked to.
    pub http: HttpOptions,
    /// Where it is, instead of what the catalogue says (`endpoint_override`).
    pub endpoint: Option<String>,
    /// Which of its endpoints to use, the best first (`valid_interfaces`).
    pub interfaces: Vec<Interface>,
    /// In which region (`region_name`).
    pub region: Option<String>,
    /// Whose limits they are.
    pub service: LimitedService,
    /// How long limits are remembered; zero for not at all.
    pub cache_time: Duration,
}

/// The service that limits are registered for. The names in brackets are those of `[oslo_limit]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitedService {
    /// That of the endpoint with this id, in its region (`endpoint_id`).
    OfEndpoint(String),
    /// That of the only endpoint which fits.
    Matching {
        /// The type of the service (`endpoint_service_type`).
        kind: Option<String>,
        /// Its name (`endpoint_service_name`).
        name: Option<String>,
        /// The region of the endpoint (`endpoint_region_name`).
        region: Option<String>,
        /// For whom the endpoint is (`endpoint_interface`).
        interface: Interface,
    },
}

/// How much a project may have of each resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectLimits(BTreeMap<String, i64>);

impl ProjectLimits {
    /// The limit for a resource. Negative numbers stand for any amount; of a resource without a limit nobody may have
    /// anything.
    #[must_use]
    pub fn of(&self, resource: &str) -> i64 {
        self.0.get(resource).copied().unwrap_or(0)
    }
}

/// How old an answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// As old as the options say.
    Remembered,
    /// Asked after this.
    Now,
}

type Answer = Result<Arc<ProjectLimits>, Arc<Error>>;
type Question = Shared<BoxFuture<'static, Answer>>;
/// The latest question about each project, and when it was asked.
type Questions = HashMap<Option<String>, (Instant, Question)>;

/// Asks for limits. Clones share what they know.
#[derive(Clone)]
pub struct Limits {
    asker: Arc<Asker>,
    questions: Arc<Mutex<Questions>>,
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").field("auth_url", &self.asker.session.auth_url()).finish_non_exhaustive()
    }
}

impl Limits {
    /// Limits; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// When the settings for TLS cannot be used, the credentials are none that obtain tokens, or nothing says whose
    /// limits they are.
    pub fn new(options: LimitsOptions) -> Result<Self, Error> {
        if let LimitedService::Matching { kind: None, name: None, .. } = &options.service {
            let text = "limits need an endpoint_id, an endpoint_service_type or an endpoint_service_name";
            return Err(Error::new(ErrorKind::Incomplete, text));
        }
        let session = Session::new(options.auth.clone(), &options.http)?;
        let asker = Asker { session, options, registrant: Mutex::default() };
        Ok(Self { asker: Arc::new(asker), questions: Arc::default() })
    }

    /// How much the project may have; without a project, how much every project may have that has no limits of its own.
    ///
    /// # Errors
    ///
    /// When the identity service does not help, or does not know the service whose limits they are.
    pub async fn of_project(&self, project: Option<&str>, freshness: Freshness) -> Answer {
        self.question(project, freshness).await
    }

    fn question(&self, project: Option<&str>, freshness: Freshness) -> Question {
        let keep = self.asker.options.cache_time;
        let key = project.map(str::to_owned);
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked, question)) = questions.get(&key) {
            let failed = matches!(question.peek(), Some(Err(_)));
            if freshness == Freshness::Remembered && !failed && asked.elapsed() < keep {
                return question.clone();
            }
        }
        if questions.len() >= PROJECTS {
            questions.retain(|_, (asked, _)| asked.elapsed() < keep);
        }
        let (asker, asked_for) = (self.asker.clone(), key.clone());
        let question = async move { asker.ask(asked_for.as_deref()).await }.boxed().shared();
        questions.insert(key, (Instant::now(), question.clone()));
        question
    }
}

struct Asker {
    session: Session,
    options: LimitsOptions,
    /// Whose limits they are, once that is known.
    registrant: Mutex<Option<Registrant>>,
}

/// For whom limits are registered.
#[derive(Debug, Clone, Deserialize)]
struct Registrant {
    service_id: String,
    region_id: Option<String>,
}

#[derive(Deserialize)]
struct Model {
    name: String,
}

#[derive(Deserialize)]
struct WithId {
    id: String,
}

#[derive(Deserialize)]
struct Registered {
    resource_name: String,
    default_limit: i64,
}

#[derive(Deserialize)]
struct OfProject {
    resource_name: String,
    resource_limit: i64,
}

impl Asker {
    async fn ask(&self, project: Option<&str>) -> Answer {
        self.fetch(project).await.map(Arc::new).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            tracing::error!(%error, cause, "limits cannot be asked");
            Arc::new(error)
        })
    }

    async fn fetch(&self, project: Option<&str>) -> Result<ProjectLimits, Error> {
        let registrant = self.registrant().await?;
        let mut query = vec![("service_id", registrant.service_id.as_str())];
        query.extend(registrant.region_id.as_deref().map(|region| ("region_id", region)));
        let registered: Vec<Registered> = self.get("registered_limits", &query, "registered_limits").await?;
        if registered.is_empty() {
            // The service may have been registered anew.
            *self.registrant.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        let own: Vec<OfProject> = match project {
            Some(project) => {
                query.push(("project_id", project));
                self.get("limits", &query, "limits").await?
            }
            None => Vec::new(),
        };
        let mut limits = BTreeMap::new();
        // The first of several counts.
        for (name, limit) in own
            .into_iter()
            .map(|limit| (limit.resource_name, limit.resource_limit))
            .chain(registered.into_iter().map(|limit| (limit.resource_name, limit.default_limit)))
        {
            limits.entry(name).or_insert(limit);
        }
        Ok(ProjectLimits(limits))
    }

    async fn registrant(&self) -> Result<Registrant, Error> {
        let known = self.registrant.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let model: Model = self.get("limits/model", &[], "model").await?;
        if model.name != "flat" {
            let message = format!("the identity service enforces limits by the model '{}', not 'flat'", model.name);
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let found: Registrant = match &self.options.service {
            LimitedService::OfEndpoint(id) => self.get(&format!("endpoints/{id}"), &[], "endpoint").await?,
            LimitedService::Matching { kind, name, region, interface } => {
                let named = [("type", kind), ("name", name)];
                let query: Vec<_> = named.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?))).collect();
                let service: WithId = only(self.get("services", &query, "services").await?, "service")?;
                let mut query = vec![("service_id", service.id.as_str()), ("interface", interface.name())];
                query.extend(region.as_deref().map(|region| ("region_id", region)));
                only(self.get("endpoints", &query, "endpoints").await?, "endpoint")?
            }
        };
        *self.registrant.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
        Ok(found)
    }

    /// What the identity service has under `key` in its document at `path`.
    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)], key: &str) -> Result<T, Error> {
        let url = |login: &Login| {
            let mut url = identity_url(self.identity(login), path)?;
            if !query.is_empty() {
                url.query_pairs_mut().extend_pairs(query);
            }
            Ok::<Url, Error>(url)
        };
        let answer = self.session.get(url).await?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => {
                return Err(Error::new(ErrorKind::Rejected, format!("the identity service has no {path}")));
            }
            StatusCode::FORBIDDEN => {
                let message = format!("the identity service does not let this user see {path}");
                return Err(Error::new(ErrorKind::Rejected, message));
            }
            status => {
                let message = format!("the identity service answers with {status} when asked for {path}");
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
        }
        let document: Result<BTreeMap<String, serde_json::Value>, _> = serde_json::from_slice(&answer.body);
        let value = document.map(|mut document| document.remove(key).unwrap_or_default());
        value.and_then(serde_json::from_value).map_err(|cause| {
            let message = format!("the identity service gives {path} in a form that makes no sense");
            Error::new(ErrorKind::Unavailable, message).with_source(cause)
        })
    }

    /// The endpoint that the options or the catalogue have, or else the URL at which the service logs in.
    fn identity<'a>(&'a self, login: &'a Login) -> &'a str {
        let LimitsOptions { endpoint, interfaces, region, .. } = &self.options;
        let catalog = login.details.catalog.as_ref();
        let listed = catalog.and_then(|catalog| {
            interfaces.iter().find_map(|interface| catalog.url("identity", *interface, region.as_deref()))
        });
        endpoint.as_deref().or(listed).unwrap_or(self.session.auth_url())
    }
}

/// The only one of a list.
fn only<T>(found: Vec<T>, what: &str) -> Result<T, Error> {
    let count = found.len();
    match found.into_iter().next().filter(|_| count == 1) {
        Some(only) => Ok(only),
        None => {
            let message =
                format!("the identity service has {count} {what}s that fit, of which limits need exactly one");
            Err(Error::new(ErrorKind::Rejected, message))
        }
    }
}
