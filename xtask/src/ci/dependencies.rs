//! The rules on who may depend on whom, checked against what the manifests say.

use crate::error::Result;
use crate::json::Json;
use crate::{shell, workspace};

/// Crates that know nothing of the project's other crates.
const ALONE: &[&str] = &["glance-domain", "image-format", "keystone-auth", "multi-digest", "oslo", "xtask"];

/// Crates that only the named package may depend on.
const RESERVED: &[(&str, &str)] =
    &[("sqlx", "glance-db"), ("sea-query", "glance-db"), ("sea-query-sqlx", "glance-db"), ("axum", "glance-server")];

/// What talks to the project over the wire only.
const OUTSIDE: &str = "acceptance";

/// A package of the workspace and the names of the crates that it depends on in any way.
struct Package {
    name: String,
    dependencies: Vec<String>,
}

/// Checks the rules.
pub(super) fn check() -> Result<()> {
    let mut metadata = workspace::cargo();
    metadata.args(["metadata", "--format-version", "1", "--no-deps", "--locked"]);
    let packages = read(&Json::parse(&shell::output(&mut metadata)?)?);
    let broken = broken_rules(&packages);
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n").into()) }
}

fn read(metadata: &Json) -> Vec<Package> {
    let name = |json: &Json| json.get("name").text().to_owned();
    let package = |json: &Json| Package {
        name: name(json),
        dependencies: json.get("dependencies").items().iter().map(name).collect(),
    };
    metadata.get("packages").items().iter().map(package).collect()
}

fn broken_rules(packages: &[Package]) -> Vec<String> {
    let is_ours = |name: &str| packages.iter().any(|package| package.name == name);
    let mut broken = Vec::new();
    for name in ALONE.iter().chain(RESERVED.iter().map(|(_, owner)| owner)).filter(|name| !is_ours(name)) {
        broken.push(format!("the rules name {name}, which is no package of the workspace"));
    }
    for Package { name, dependencies } in packages {
        let stays_alone = ALONE.contains(&name.as_str()) || name == OUTSIDE;
        for dependency in dependencies.iter().filter(|dependency| *dependency != name) {
            if stays_alone && is_ours(dependency) {
                broken.push(format!("{name} depends on {dependency}: it may depend on no package of the workspace"));
            }
            if dependency == "glance-server" {
                broken.push(format!("{name} depends on glance-server: nothing may"));
            }
            if let Some((_, owner)) = RESERVED.iter().find(|(reserved, owner)| reserved == dependency && owner != name)
            {
                broken.push(format!("{name} depends on {dependency}: only {owner} may"));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"packages": [
        {"name": "glance-domain", "dependencies": [{"name": "serde_json"}]}, {"name": "image-format", "dependencies": []},
        {"name": "keystone-auth", "dependencies": []}, {"name": "oslo", "dependencies": []},
        {"name": "multi-digest", "dependencies": [{"name": "openssl-sys"}]},
        {"name": "xtask", "dependencies": []}, {"name": "acceptance", "dependencies": [{"name": "serde_json"}]},
        {"name": "glance-db", "dependencies": [{"name": "sqlx"}, {"name": "glance-domain"}]},
        {"name": "glance-server", "dependencies": [{"name": "axum"}, {"name": "glance-db"}]}]}"#;

    fn broken(metadata: &str) -> Vec<String> {
        broken_rules(&read(&Json::parse(metadata).unwrap()))
    }

    #[test]
    fn accepts_the_layout_of_the_design() {
        assert_eq!(broken(GOOD), Vec::<String>::new());
    }

    #[test]
    fn finds_each_kind_of_broken_rule() {
        let cases = [
            (r#""oslo", "dependencies": ["#, r#""oslo", "dependencies": [{"name": "glance-db"}"#),
            (r#"[{"name": "serde_json"}]},"#, r#"[{"name": "glance-server"}]},"#),
            (r#"[{"name": "axum"},"#, r#"[{"name": "sea-query"},"#),
            (r#""acceptance", "dependencies": ["#, r#""acceptance", "dependencies": [{"name": "glance-db"},"#),
            (r#"{"name": "image-format", "dependencies": []},"#, ""),
        ];
        for (good, bad) in cases {
            let metadata = GOOD.replacen(good, bad, 1);
            assert_ne!(metadata, GOOD);
            assert!(!broken(&metadata).is_empty(), "{bad}");
        }
    }
}
