//! `glance-server policy`: which rules are in force, and what they allow.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use oslo::config::{Config, Sources};
use oslo::policy::{Answers, Credentials, Policy, RuleDefault, Verdict, sample};
use serde_json::{Map, Value, json};

use crate::config::options::TABLES as OPTIONS;
use crate::config::policy::enforcer;
use crate::policies::TABLES;

/// Look at the rules about who may do what.
#[derive(Debug, Parser)]
#[command(name = "glance-server policy", version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print a policy file with every default rule, commented out
    Sample,
    /// Print every rule in force, those of policy files included
    List(Configuration),
    /// Say which rules somebody passes
    ///
    /// The exit status is 1 when the rule that was asked for is not passed.
    Check {
        #[command(flatten)]
        configuration: Configuration,
        /// Who asks: a JSON file with the body of a Keystone token, or with credentials such as roles and project_id
        #[arg(long, value_name = "FILE")]
        access: PathBuf,
        /// What is asked about: a JSON file with attributes such as project_id and visibility [default: what is the
        /// caller's own]
        #[arg(long, value_name = "FILE")]
        target: Option<PathBuf>,
        /// Ask this rule only
        #[arg(long, value_name = "NAME")]
        rule: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Configuration {
    /// Read this configuration file; policy files are looked for beside it
    #[arg(long, value_name = "FILE")]
    config_file: Vec<PathBuf>,
}

/// Runs the program.
///
/// # Errors
/// For files that cannot be used.
pub fn main(arguments: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let arguments: Arguments = match super::parse(arguments)? {
        Ok(arguments) => arguments,
        Err(answered) => return Ok(answered),
    };
    let mut out = std::io::stdout().lock();
    match arguments.what {
        What::Sample => {
            let rules: Vec<RuleDefault> = TABLES.iter().copied().flatten().copied().collect();
            out.write_all(sample(&rules).as_bytes())?;
        }
        What::List(configuration) => {
            for (name, check) in policy_of(&configuration)?.rules() {
                writeln!(out, "{}: {}", json!(name), json!(check.to_string()))?;
            }
        }
        What::Check { configuration, access, target, rule } => {
            let policy = policy_of(&configuration)?;
            let credentials = credentials(read(&access)?);
            let target = target.map_or_else(|| Ok(own(&credentials)), |file| read(&file))?;
            return report(&policy, &credentials, &target, rule.as_deref(), &mut out);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn policy_of(configuration: &Configuration) -> anyhow::Result<std::sync::Arc<Policy>> {
    let mut sources = Sources::new();
    for file in &configuration.config_file {
        sources.add_file(file)?;
    }
    let policy = enforcer(&Config::new(sources, OPTIONS))?.policy();
    for problem in policy.problems() {
        writeln!(std::io::stderr(), "{problem}")?;
    }
    Ok(policy)
}

fn read(file: &Path) -> anyhow::Result<Map<String, Value>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON object", file.display()))
}

/// Credentials as rules know them, from those or from the body of a Keystone token.
fn credentials(document: Map<String, Value>) -> Credentials {
    let Some(token) = document.get("token") else { return document };
    let names = token["roles"].as_array().into_iter().flatten().filter_map(|role| role.get("name").cloned());
    let mut credentials = Credentials::new();
    credentials.insert("roles".into(), names.collect());
    for (name, pointer) in [
        ("project_id", "/project/id"),
        ("user_id", "/user/id"),
        ("domain_id", "/domain/id"),
        ("user_domain_id", "/user/domain/id"),
        ("project_domain_id", "/project/domain/id"),
    ] {
        credentials.insert(name.into(), token.pointer(pointer).cloned().unwrap_or_default());
    }
    if token.get("system").is_some() {
        credentials.insert("system_scope".into(), json!("all"));
    }
    credentials
}

/// Something that belongs to the caller's project.
fn own(credentials: &Credentials) -> Map<String, Value> {
    let project = credentials.get("project_id").cloned().unwrap_or_default();
    ["project_id", "owner"].map(|name| (name.to_owned(), project.clone())).into_iter().collect()
}

fn report(
    policy: &Policy,
    credentials: &Credentials,
    target: &Map<String, Value>,
    only: Option<&str>,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let mut all_passed = true;
    let names = match only {
        Some(name) => vec![name],
        None => policy.rules().into_iter().map(|(name, _)| name).collect(),
    };
    for name in names {
        let verdict = match policy.evaluate(name, target, credentials, &Answers::default()) {
            Ok(Verdict::Allowed) => "passed",
            Ok(Verdict::Denied) => "failed",
            Ok(Verdict::NeedsRemote(_)) => "asks another server",
            Err(_) => "cannot be evaluated",
        };
        all_passed &= verdict == "passed";
        writeln!(out, "{verdict}: {name}")?;
    }
    Ok(if all_passed || only.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(role: &str) -> Credentials {
        let document = json!({"token": {
            "roles": [{"id": "1", "name": role}], "project": {"id": "p"}, "user": {"id": "u"},
        }});
        credentials(document.as_object().cloned().unwrap_or_default())
    }

    #[test]
    fn a_token_tells_who_may_what() {
        let policy = policy_of(&Configuration { config_file: Vec::new() }).unwrap();
        let ask = |role: &str, rule: &str| {
            let (credentials, mut out) = (token(role), Vec::new());
            report(&policy, &credentials, &own(&credentials), Some(rule), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(ask("member", "modify_image"), "passed: modify_image\n");
        assert_eq!(ask("reader", "modify_image"), "failed: modify_image\n");
        assert_eq!(ask("member", "publicize_image"), "failed: publicize_image\n");
        assert_eq!(ask("admin", "publicize_image"), "passed: publicize_image\n");
    }
}
