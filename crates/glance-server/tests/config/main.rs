//! `glance-server config` as operators call it, on configurations such as deployment tools write them.

#![expect(clippy::unwrap_used, reason = "a test ends at what it does not expect")]

use std::path::Path;
use std::process::{Command, Output};

fn config(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_glance-server")).arg("config").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn configurations_of_deployment_tools_have_no_unknown_option() {
    for tool in ["devstack", "kolla-ansible", "openstack-ansible", "puppet-glance"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/deployments/{tool}.conf"));
        let output = config(&["check", "--verbose", file.to_str().unwrap()]);
        let said = text(&output);
        let unknown: Vec<&str> = said.lines().filter(|line| line.starts_with("UNKNOWN")).collect();
        assert!(unknown.is_empty(), "{}", unknown.join("\n"));
        assert!(output.status.success() && said.contains("0 UNKNOWN, 0 INVALID"), "{said}");
        assert!(said.contains(&format!("{tool}.conf:")), "{said}");
        assert!(!said.contains("secret@"), "{said}");
    }
}

#[test]
fn mistakes_are_named_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("glance-api.conf");
    std::fs::write(&file, "[DEFAULT]\nbind_port = 99999\nbind_prot = 9292\n[database]\nconnection = x\n").unwrap();
    let output = config(&["check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    let file = file.display();
    assert!(said.contains(&format!("INVALID    {file}:2: [DEFAULT] bind_port: 99999 is too large")), "{said}");
    assert!(said.contains(&format!("UNKNOWN    {file}:3: [DEFAULT] bind_prot")), "{said}");
    assert!(said.contains(&format!("DANGEROUS  {file}:5: {file}: everybody on this machine can read")), "{said}");
}

#[test]
fn the_sample_is_a_configuration_without_options() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("glance-api.conf");
    let output = config(&["sample"]);
    assert!(output.status.success());
    std::fs::write(&file, &output.stdout).unwrap();
    let said = text(&config(&["check", "-v", file.to_str().unwrap()]));
    assert!(said.starts_with("0 used, 0 ignored"), "{said}");
    // With every option at its default, each is known and accepted.
    let all: String = text(&output).lines().map(uncommented).collect();
    std::fs::write(&file, all).unwrap();
    let said = text(&config(&["check", "-v", file.to_str().unwrap()]));
    assert!(said.contains("0 UNKNOWN, 0 INVALID"), "{said}");
    assert!(said.lines().count() > 250, "{said}");
}

/// An assignment that is commented out becomes one; prose stays a comment.
fn uncommented(line: &str) -> String {
    let assignment = line.strip_prefix('#').filter(|rest| !rest.starts_with(' ') && rest.contains(" = "));
    match assignment.filter(|rest| !rest.ends_with("<none>")) {
        Some(assignment) => format!("{assignment}\n"),
        None => format!("{line}\n"),
    }
}
