//! What it costs to know who asks: the same catalogue behind `authtoken` with a real Keystone, and behind nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Stage;
use super::load::{self, IDENTITY, PLAIN};
use super::report::Results;
use crate::background::{Background, free_port};
use crate::error::Result;
use crate::{http, python, shell};

/// How the user asks for this alone.
pub(super) const NAME: &str = "tokens";

/// The columns of the table.
pub(super) const COLUMNS: [&str; 2] = ["with a token", "without"];

/// The acceptance tests start their Keystone with the same script.
const KEYSTONE: &str = include_str!("../../../tests/acceptance/src/serve_keystone.py");

const PASSWORD: &str = "bench";
const START: Duration = Duration::from_secs(120);

/// Of each service in turn, so that a disturbance meets both.
const TURNS: usize = 3;

/// Asks both services the same.
pub(super) fn measure(stage: &Stage, results: &mut Results) -> Result<()> {
    println!("tokens");
    let folder = stage.folder.join(NAME);
    fs::create_dir_all(&folder)?;
    let (_keystone, identity) = keystone(&folder)?;
    let config = |flavor| configure(&folder, flavor, identity);
    let (open, guarded) = (config("")?, config("keystone")?);
    let mut manage = Command::new(stage.programs.join("glance-server"));
    shell::output(manage.arg("manage").arg("--config-file").arg(&open).args(["db", "sync"]))?;
    let (_open, open) = serve(stage, &folder, &open)?;
    let (_guarded, guarded) = serve(stage, &folder, &guarded)?;
    let id = load::create(open, PLAIN, 0)?;
    let token = token(identity)?;
    let token = [("X-Auth-Token", token.as_str())];
    for (metric, path) in [
        ("schema, requests/s", "/v2/schemas/image".to_owned()),
        ("image, requests/s", format!("/v2/images/{id}")),
        // Of all images, which is the same question to the database whether the administrator has a project or not.
        ("list of 1, requests/s", "/v2/images?visibility=all&limit=1".to_owned()),
    ] {
        for _ in 0..TURNS {
            let sides = [(COLUMNS[0], guarded, &token[..]), (COLUMNS[1], open, &IDENTITY[..])];
            for (column, port, headers) in sides {
                let answers = load::ask_as(port, &path, headers, 32, stage.plan.seconds)?;
                println!("  {column}, {metric}: {:.0}", answers.rate);
                results.add(column, metric, answers.rate);
            }
        }
    }
    Ok(())
}

/// A Keystone on SQLite, and its port.
fn keystone(folder: &Path) -> Result<(Background, u16)> {
    let (port, place) = (free_port()?, folder.join("keystone"));
    fs::create_dir_all(&place)?;
    let mut command = Command::new(python::KEYSTONE.programs()?.join("python"));
    command.args(["-W", "ignore", "-c", KEYSTONE, &port.to_string()]).arg(place).args(["3600", PASSWORD]);
    let mut server = Background::start("keystone", &command, None, &folder.join("keystone.log"))?;
    server.wait_until(START, || http::call(port, "GET", "/v3", &[], "").is_ok())?;
    Ok((server, port))
}

/// A configuration with that flavor, over a catalogue and a store that all flavors share.
fn configure(folder: &Path, flavor: &str, identity: u16) -> Result<PathBuf> {
    let (file, place, url) = (folder.join(format!("api-{flavor}.conf")), folder.display(), url(identity));
    let text = format!(
        "[DEFAULT]\nenabled_backends = fast:file\n\
         [database]\nconnection = sqlite:///{place}/glance.sqlite\n\
         [glance_store]\ndefault_backend = fast\n\
         [fast]\nfilesystem_store_datadir = {place}/images\n\
         [os_glance_staging_store]\nfilesystem_store_datadir = {place}/staging\n\
         [os_glance_tasks_store]\nfilesystem_store_datadir = {place}/tasks\n\
         [paste_deploy]\nflavor = {flavor}\n\
         [keystone_authtoken]\nauth_url = {url}\nwww_authenticate_uri = {url}\nauth_type = password\n\
         username = admin\npassword = {PASSWORD}\nuser_domain_id = default\nproject_name = admin\n\
         project_domain_id = default\n"
    );
    fs::write(&file, text)?;
    Ok(file)
}

fn serve(stage: &Stage, folder: &Path, config: &Path) -> Result<(Background, u16)> {
    let port = free_port()?;
    let mut command = Command::new(stage.programs.join("glance-server"));
    command.args(["api", "--bind-host", "127.0.0.1", "--bind-port", &port.to_string()]);
    command.arg("--config-file").arg(config);
    let mut server = Background::start("glance-server", &command, None, &folder.join(format!("{port}.log")))?;
    server.wait_until(START, || http::is_healthy(port))?;
    Ok((server, port))
}

/// A token of the administrator.
fn token(identity: u16) -> Result<String> {
    let login = format!(
        r#"{{"auth": {{"identity": {{"methods": ["password"], "password": {{"user": {{"name": "admin",
            "domain": {{"id": "default"}}, "password": "{PASSWORD}"}}}}}},
            "scope": {{"project": {{"name": "admin", "domain": {{"id": "default"}}}}}}}}}}"#
    );
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "-D", "-", "-o", "/dev/null"]);
    curl.args(["-H", "Content-Type: application/json", "-d", &login]).arg(format!("{}/auth/tokens", url(identity)));
    let head = shell::output(&mut curl)?;
    let token = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("x-subject-token").then(|| value.trim().to_owned())
    });
    token.ok_or_else(|| "Keystone makes no token".into())
}

fn url(identity: u16) -> String {
    format!("http://127.0.0.1:{identity}/v3")
}
