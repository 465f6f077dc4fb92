//! From events to lines in files.

use std::path::Path;
use std::sync::Arc;

use oslo::config::{Config, Sources};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::app::context::RequestContext;
use crate::config::load::snapshot;
use crate::config::options::TABLES;

fn options(text: &str) -> Config {
    let mut sources = Sources::new();
    sources.add_text("glance-api.conf", &format!("[DEFAULT]\n{text}\n")).unwrap();
    Config::new(sources, TABLES)
}

fn plan(folder: &Path, more: &str) -> Plan {
    let text = format!("log_dir = {}\n{more}", folder.display());
    Plan::from_options("glance-api", &options(&text)).unwrap()
}

fn context() -> RequestContext {
    let config = Arc::new(snapshot(&options(""), None).unwrap());
    let project = Some(glance_domain::ProjectId::new("p1"));
    let mut context = RequestContext::administrator("req-1".to_owned(), project, config);
    context.user = Some("u1".to_owned());
    std::sync::Arc::make_mut(&mut context.credentials).insert("user_domain_id".to_owned(), "d1".into());
    context
}

/// What `work` logs to the file under these options.
fn logged(more: &str, work: impl FnOnce(&Logging)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (logging, layer) = Logging::prepare(plan(folder.path(), more)).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || work(&logging));
    drop(logging);
    let text = std::fs::read_to_string(folder.path().join("glance-api.log")).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The line behind time and process.
fn rest(line: &str) -> &str {
    let (time, rest) = line.split_at("2026-11-22 23:43:17.123".len());
    chrono::NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S%.3f").unwrap();
    let rest = rest.strip_prefix(&format!(" {} ", std::process::id()));
    rest.unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn lines_have_the_form_of_oslo_log() {
    let lines = logged("", |_| {
        tracing::info!(bytes = 5, "stored");
        tracing::debug!("not at this level");
        tracing::warn!(target: "sqlx::query", "slow");
        tracing::info!(target: "sqlx::query", "fast");
        request_span(&context(), None).in_scope(|| {
            tracing::error!(error = "disk is full", image = "i1", "cannot store\nforged [req-2]");
        });
    });
    let lines: Vec<&str> = lines.iter().map(|line| rest(line)).collect();
    assert_eq!(
        lines,
        [
            "INFO glance.logging.tests [-] stored bytes=5",
            "WARNING sqlalchemy.query [-] slow",
            "ERROR glance.logging.tests [None req-1 u1 p1 - - d1 -] cannot store\\nforged [req-2] image=i1: disk is full",
        ]
    );
}

#[test]
fn statements_are_logged_for_those_who_ask() {
    for (verbosity, lines) in [("0", 0), ("49", 0), ("50", 1), ("100", 1)] {
        let found = logged(&format!("[database]\nconnection_debug = {verbosity}"), |_| {
            tracing::info!(target: "sqlx::query", "SELECT 1");
            tracing::debug!(target: "sqlx::query", "what libraries tell at lower levels");
        });
        assert_eq!(found.len(), lines, "{verbosity}");
    }
}

#[test]
fn documents_carry_request_project_and_image() {
    let lines = logged("use_json = true", |_| {
        request_span(&context(), Some("i2")).in_scope(|| tracing::info!(image = "i1", "deleted"));
    });
    let document: Value = serde_json::from_str(&lines[0]).unwrap();
    for (pointer, expected) in [
        ("/message", "deleted image=i1"),
        ("/levelname", "INFO"),
        ("/context/request_id", "req-1"),
        ("/context/project_id", "p1"),
        ("/context/user_id", "u1"),
        ("/extra/image", "i1"),
        ("/extra/image_id", "i2"),
    ] {
        assert_eq!(document.pointer(pointer).and_then(Value::as_str), Some(expected), "{pointer}");
    }
}

#[test]
fn a_reload_changes_the_level_and_a_moved_file_is_opened_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("glance-api.log");
    let (logging, layer) = Logging::prepare(plan(folder.path(), "")).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let debug = || tracing::debug!("details");
        debug();
        std::fs::rename(&path, folder.path().join("old")).unwrap();
        logging.reload(plan(folder.path(), "debug = true"));
        debug();
    });
    drop(logging);
    assert_eq!(std::fs::read_to_string(folder.path().join("old")).unwrap(), "");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(rest(text.trim_end()).starts_with("DEBUG glance.logging.tests [-] details "), "{text}");
}

#[test]
fn too_many_lines_are_dropped_after_a_complaint() {
    let limit = "rate_limit_burst = 2\nrate_limit_interval = 3600\nrate_limit_except_level = ERROR";
    let lines = logged(limit, |_| {
        for number in 0..5 {
            tracing::info!("line {number}");
        }
        tracing::error!("kept");
    });
    let messages: Vec<&str> = lines.iter().filter_map(|line| line.split_once("[-] ")).map(|(_, text)| text).collect();
    assert_eq!(messages, ["line 0", "line 1", "Logging rate limit: drop after 2 records/3600 sec", "kept"]);
}

#[test]
fn a_python_file_decides_alone() {
    let folder = tempfile::tempdir().unwrap();
    let [log, file] = ["images.log", "logging.conf"].map(|name| folder.path().join(name));
    let text = format!(
        "[loggers]\nkeys = root, tests\n[handlers]\nkeys = none, file\n[formatters]\nkeys = short\n\
         [logger_root]\nlevel = DEBUG\nhandlers = none\n[logger_tests]\nqualname = glance.logging\nlevel = INFO\n\
         handlers = file\npropagate = 0\n[handler_none]\nclass = NullHandler\n[handler_file]\nclass = FileHandler\n\
         args = ('{}',)\nformatter = short\n[formatter_short]\nformat = %(levelname)s|%(message)s\n",
        log.display()
    );
    std::fs::write(&file, text).unwrap();
    let plan = Plan::from_options("glance-api", &options(&format!("log-config = {}", file.display()))).unwrap();
    let (logging, layer) = Logging::prepare(plan).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::debug!("no");
        tracing::info!("yes");
        tracing::info!(target: "glance_server::other", "no");
        tracing::debug!(target: "hyper::proto", "never");
    });
    drop(logging);
    assert_eq!(std::fs::read_to_string(log).unwrap(), "INFO|yes\n");
}

#[test]
fn mistakes_name_their_place() {
    let message = |text: &str| format!("{:#}", Plan::from_options("glance-api", &options(text)).unwrap_err());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("logging.conf");
    std::fs::write(&file, "[loggers]\nkeys=root\n[handlers]\nkeys=h\n[handler_h]\nclass=Nix\n[formatters]\nkeys=\n")
        .unwrap();
    let found = message(&format!("log_config_append = {}", file.display()));
    assert!(found.contains("logging.conf: line 6: handlers of class Nix"), "{found}");
    assert!(message("syslog_log_facility = nix").contains("syslog_log_facility"));
    assert!(message("default_log_levels = glance=LOUD").contains("glance=LOUD"));
    assert!(message("logging_default_format_string = %(message").contains("logging_default_format_string"));
    assert!(message("log_file = x\nlog_rotation_type = sometimes").contains("glance-api.conf:3"));
}

/// Texts that may stand in no line, in the places where programs put them.
fn mention_secrets() {
    let error = std::io::Error::other("mysql://glance:geheim@db/glance refuses");
    request_span(&context(), None).in_scope(|| {
        tracing::error!(%error, url = "rabbit://guest:geheim@mq/", "cannot reach swift+https://u:geheim@host/v1");
        tracing::warn!(password = "geheim und mehr", "X-Auth-Token: geheim, more");
        tracing::info!(location = "s3://key:geheim@host/bucket", "asked with {{'secret_key': 'geheim'}}");
        tracing::debug!("GET /v1/x?temp_url_sig=geheim&temp_url_expires=1 Authorization: Bearer geheim");
    });
}

#[test]
fn secrets_appear_in_no_form_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (file, log) = (folder.path().join("logging.conf"), folder.path().join("python.log"));
    let python = format!(
        "[loggers]\nkeys = root\n[handlers]\nkeys = h\n[formatters]\nkeys = f\n[logger_root]\nlevel = DEBUG\n\
         handlers = h\n[handler_h]\nclass = FileHandler\nargs = ('{}',)\nformatter = f\n[formatter_f]\n\
         format = %(message)s\n",
        log.display()
    );
    std::fs::write(&file, python).unwrap();
    let mut all = Vec::new();
    let context = "logging_context_format_string = %(user_name)s %(error_summary)s %(message)s";
    for form in ["debug = true", "debug = true\nuse_json = true", &format!("debug = true\n{context}")] {
        all.extend(logged(form, |_| mention_secrets()));
    }
    let plan = Plan::from_options("glance-api", &options(&format!("log-config = {}", file.display()))).unwrap();
    let (logging, layer) = Logging::prepare(plan).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), mention_secrets);
    drop(logging);
    all.extend(std::fs::read_to_string(log).unwrap().lines().map(str::to_owned));
    assert_eq!(all.len(), 16);
    let told: Vec<&String> = all.iter().filter(|line| line.contains("geheim")).collect();
    assert!(told.is_empty(), "{told:#?}");
    assert!(all.iter().all(|line| line.contains("***")), "{all:#?}");
}
