//! A real Keystone of the test's own, with the people of the scenarios in it.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::folder::Folder;
use crate::http::{Endpoint, Request, Response};
use crate::{environment, wait};

/// Sets Keystone up, once for a folder, and serves it.
const SERVE: &str = include_str!("serve_keystone.py");

/// Everybody's password.
const PASSWORD: &str = "a secret for acceptance";

/// How long tokens are good, in seconds, where that is of no interest.
const LIFETIME: u32 = 3600;

/// How long it may take until it answers: it is a large program, and several are started at once.
const START: Duration = Duration::from_secs(120);

/// Somebody with a role in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: &'static str,
    /// The project.
    pub project: &'static str,
    role: &'static str,
}

/// An administrator.
pub const ADMIN: Person = Person { name: "admin", project: "admin", role: "admin" };
/// Who may change what the project `one` has.
pub const MEMBER: Person = Person { name: "ann", project: "one", role: "member" };
/// Who may look at what the project `one` has.
pub const READER: Person = Person { name: "rob", project: "one", role: "reader" };
/// A member of another project.
pub const OTHER: Person = Person { name: "bob", project: "two", role: "member" };
/// The user under whose name the image service itself asks.
pub const SERVICE: Person = Person { name: "glance", project: "service", role: "service" };

/// A Keystone; it ends with this value.
pub struct Keystone {
    folder: Folder,
    process: Option<Child>,
    lifetime: u32,
    /// The administrator's token, and when it was given.
    admin: RefCell<Option<(Instant, String)>>,
    /// Where it answers.
    pub endpoint: Endpoint,
}

impl Keystone {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not answer, or `GLANCE_TEST_KEYSTONE` is not set: `cargo xtask acceptance` sets it.
    #[must_use]
    pub fn start() -> Self {
        Self::with_lifetime(LIFETIME)
    }

    /// Starts one whose tokens are good for that many seconds.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn with_lifetime(seconds: u32) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let endpoint = Endpoint { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
        let mut keystone =
            Self { folder: Folder::new(), process: None, lifetime: seconds, admin: RefCell::default(), endpoint };
        keystone.start_again();
        keystone.move_in();
        keystone
    }

    /// Starts it after [`Self::kill`]; it knows what it knew.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn start_again(&mut self) {
        let log = self.folder.file("keystone-process.log");
        let log = OpenOptions::new().create(true).append(true).open(log).unwrap();
        let python = environment::variable("GLANCE_TEST_KEYSTONE");
        let python = python.unwrap_or_else(|| panic!("GLANCE_TEST_KEYSTONE is not set"));
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", &python, "-W", "ignore", "-c", SERVE]);
        command.arg(self.endpoint.address.port().to_string()).arg(self.folder.path());
        command.args([&self.lifetime.to_string(), PASSWORD]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = self.process.insert(command.spawn().unwrap());
        wait::until_within(START, "Keystone answers", || {
            assert!(process.try_wait().unwrap().is_none(), "Keystone ended at once");
            self.endpoint.try_send(&Request::new("GET", "/v3")).ok()
        });
    }

    /// Ends it at once.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// The URL at which people log in.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/v3", self.endpoint.url())
    }

    /// Registers an image service, and Keystone itself, as a region of that name.
    ///
    /// # Panics
    /// When Keystone refuses.
    pub fn add_region(&self, region: &str, image: Endpoint) {
        for (kind, url) in [("identity", self.url()), ("image", image.url())] {
            let service = self.id(&format!("services?type={kind}"), "services");
            let service = service.unwrap_or_else(|| self.make("services", "service", &json!({"type": kind})));
            if self.id(&format!("regions/{region}"), "region").is_none() {
                self.make("regions", "region", &json!({"id": region}));
            }
            let endpoint = json!({"service_id": service, "region_id": region, "interface": "public", "url": url});
            self.make("endpoints", "endpoint", &endpoint);
        }
    }

    /// The answer to a login, with the token in `X-Subject-Token`.
    ///
    /// # Panics
    /// When Keystone refuses.
    #[must_use]
    pub fn log_in(&self, person: Person) -> Response {
        let domain = json!({"id": "default"});
        let user = json!({"name": person.name, "domain": domain, "password": PASSWORD});
        let identity = json!({"methods": ["password"], "password": {"user": user}});
        let scope = json!({"project": {"name": person.project, "domain": domain}});
        let login = json!({"auth": {"identity": identity, "scope": scope}});
        self.endpoint.send(&Request::new("POST", "/v3/auth/tokens").json(&login)).expect_status(201)
    }

    /// A new token.
    ///
    /// # Panics
    /// When Keystone refuses.
    #[must_use]
    pub fn token(&self, person: Person) -> String {
        self.log_in(person).header("x-subject-token").unwrap().to_owned()
    }

    /// Takes a token back before its time.
    ///
    /// # Panics
    /// When Keystone refuses.
    pub fn revoke(&self, token: &str) {
        let request = Request::new("DELETE", "/v3/auth/tokens").header("X-Subject-Token", token);
        let _ = self.endpoint.send(&request.header("X-Auth-Token", &self.token(ADMIN))).expect_status(204);
    }

    /// A new application credential of the person: its id and its secret.
    ///
    /// # Panics
    /// When Keystone refuses.
    #[must_use]
    pub fn application_credential(&self, person: Person) -> (String, String) {
        let login = self.log_in(person);
        let user = login.json()["token"]["user"]["id"].as_str().unwrap().to_owned();
        let made = Request::new("POST", &format!("/v3/users/{user}/application_credentials"));
        let made = made.header("X-Auth-Token", login.header("x-subject-token").unwrap());
        let made = made.json(&json!({"application_credential": {"name": "acceptance"}}));
        let made = self.endpoint.send(&made).expect_status(201).json();
        let text = |name: &str| made["application_credential"][name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    }

    /// The id of a project.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    pub fn project(&self, name: &str) -> String {
        self.id(&format!("projects?name={name}"), "projects").unwrap()
    }

    /// What the client programs take to act for a person in a region.
    #[must_use]
    pub fn login_arguments(&self, person: Person, region: &str) -> Vec<String> {
        let pairs = [
            ("--os-auth-url", self.url().as_str()),
            ("--os-username", person.name),
            ("--os-password", PASSWORD),
            ("--os-project-name", person.project),
            ("--os-user-domain-id", "default"),
            ("--os-project-domain-id", "default"),
            ("--os-identity-api-version", "3"),
            ("--os-region-name", region),
        ]
        .map(|(name, value)| [name.to_owned(), value.to_owned()]);
        pairs.into_iter().flatten().collect()
    }

    /// The administrator's login as Tempest's configuration has it.
    #[must_use]
    pub fn admin(&self) -> String {
        format!(
            "admin_username = {}\nadmin_password = {PASSWORD}\nadmin_project_name = {}\nadmin_domain_name = Default\n\
             admin_user_domain_name = Default\nadmin_project_domain_name = Default\n",
            ADMIN.name, ADMIN.project
        )
    }

    /// The end of a `glance-api.conf` whose last section is `[paste_deploy]`: Keystone says who asks.
    #[must_use]
    pub fn configuration(&self, url: &str) -> String {
        format!(
            "flavor = keystone\n[keystone_authtoken]\nwww_authenticate_uri = {url}\nauth_url = {url}\n\
             auth_type = password\nusername = {}\npassword = {PASSWORD}\nuser_domain_id = default\n\
             project_name = {}\nproject_domain_id = default\n",
            SERVICE.name, SERVICE.project
        )
    }

    /// An endpoint of an image service for which these limits are registered; its id. The service's user may see the
    /// limits of all projects.
    ///
    /// # Panics
    /// When Keystone refuses.
    #[must_use]
    pub fn limited_endpoint(&self, registered: &[(&str, i64)]) -> String {
        let service = self.make("services", "service", &json!({"type": "image", "name": "glance"}));
        for (resource, limit) in registered {
            let limit = json!({"service_id": service, "resource_name": resource, "default_limit": limit});
            let made = self.ask("POST", "registered_limits", Some(&json!({"registered_limits": [limit]})));
            let _ = made.expect_status(201);
        }
        let user = self.id(&format!("users?name={}", SERVICE.name), "users").unwrap();
        let role = self.id("roles?name=reader", "roles").unwrap();
        let _ = self.ask("PUT", &format!("system/users/{user}/roles/{role}"), None).expect_status(204);
        let endpoint = json!({"service_id": service, "interface": "public", "url": "http://127.0.0.1:9"});
        self.make("endpoints", "endpoint", &endpoint)
    }

    /// Sets how much a project may have of a resource of every [`Self::limited_endpoint`].
    ///
    /// # Panics
    /// When Keystone refuses.
    pub fn limit(&self, project: &str, (resource, limit): (&str, i64)) {
        let found = self.ask("GET", &format!("registered_limits?resource_name={resource}"), None).json();
        let services = found["registered_limits"].as_array().unwrap().iter().map(|limit| limit["service_id"].clone());
        let mut new = Vec::new();
        for service in services {
            let service = service.as_str().unwrap().to_owned();
            let path = format!("limits?project_id={project}&resource_name={resource}&service_id={service}");
            match self.id(&path, "limits") {
                Some(id) => {
                    let change = json!({"limit": {"resource_limit": limit}});
                    let _ = self.ask("PATCH", &format!("limits/{id}"), Some(&change)).expect_status(200);
                }
                None => new.push(json!({"service_id": service, "project_id": project, "resource_name": resource,
                                          "resource_limit": limit})),
            }
        }
        if !new.is_empty() {
            let _ = self.ask("POST", "limits", Some(&json!({"limits": new}))).expect_status(201);
        }
    }

    /// Sections of a `glance-api.conf` by which Keystone's limits count.
    #[must_use]
    pub fn limits_configuration(&self, endpoint: &str) -> String {
        format!(
            "[DEFAULT]\nuse_keystone_limits = true\n[oslo_limit]\nauth_url = {}\nauth_type = password\nusername = {}\n\
             password = {PASSWORD}\nuser_domain_id = default\nsystem_scope = all\nendpoint_id = {endpoint}\n",
            self.url(),
            SERVICE.name
        )
    }

    /// Makes everybody who is not there from the beginning.
    fn move_in(&self) {
        for person in [MEMBER, READER, OTHER, SERVICE] {
            let project = json!({"name": person.project, "domain_id": "default"});
            let project = self
                .id(&format!("projects?name={}", person.project), "projects")
                .unwrap_or_else(|| self.make("projects", "project", &project));
            let user = json!({"name": person.name, "password": PASSWORD, "domain_id": "default"});
            let user = self.make("users", "user", &user);
            let role = self.id(&format!("roles?name={}", person.role), "roles").unwrap();
            let grant = format!("projects/{project}/users/{user}/roles/{role}");
            let _ = self.ask("PUT", &grant, None).expect_status(204);
        }
    }

    /// A token of the administrator, for which Keystone need not compare a password each time.
    fn admin_token(&self) -> String {
        let half = Duration::from_secs(self.lifetime.into()) / 2;
        let mut known = self.admin.borrow_mut();
        match &*known {
            Some((given, token)) if given.elapsed() < half => token.clone(),
            _ => known.insert((Instant::now(), self.token(ADMIN))).1.clone(),
        }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let request = Request::new(method, &format!("/v3/{path}")).header("X-Auth-Token", &self.admin_token());
        self.endpoint.send(&match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    /// The id of the thing, or of the first in a list.
    fn id(&self, path: &str, key: &str) -> Option<String> {
        let answer = self.ask("GET", path, None);
        let found = (answer.status == 200).then(|| answer.json()[key].take())?;
        let found = if found.is_array() { found.get(0)?.clone() } else { found };
        found["id"].as_str().map(str::to_owned)
    }

    fn make(&self, path: &str, key: &str, content: &Value) -> String {
        let answer = self.ask("POST", path, Some(&json!({key: content}))).expect_status(201).json();
        answer[key]["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Keystone {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself; either way it is gone afterwards.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
