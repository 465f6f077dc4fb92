//! Requests that schemathesis makes up from the OpenAPI document, sensible and broken ones: none may fail the service,
//! and all answers must be as the document says.

use std::fs;
use std::process::Command;

use acceptance::{Server, clients, environment};

/// Tells schemathesis how the media types of patches are written.
const HOOKS: &str = "import schemathesis
for version in ('0', '1'):
    schemathesis.serializer.alias(f'application/openstack-images-v2.{version}-json-patch', 'application/json')
";

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                      allow_header_conformance";

/// The program, about to make requests up for the service; `settings` are lines of its configuration file.
fn schemathesis(server: &Server, settings: &str) -> Command {
    let [hooks, config] = ["hooks.py", "schemathesis.toml"].map(|name| server.folder().file(name));
    fs::write(&hooks, HOOKS).unwrap();
    fs::write(&config, settings).unwrap();
    let examples = if environment::is_full() { "1000" } else { "40" };
    let seed = environment::number("GLANCE_ACCEPTANCE_SEED").unwrap_or(1).to_string();
    let mut command = Command::new(environment::schemathesis());
    let folder = hooks.parent().unwrap();
    // It keeps a cache in the current folder.
    command.current_dir(folder).env("PYTHONPATH", folder).env("SCHEMATHESIS_HOOKS", "hooks");
    command.arg("--config-file").arg(config).args(["--no-color", "run"]);
    command.arg(format!("{}/openapi.json", server.endpoint().url()));
    command.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--warnings", "off", "--no-shrink"]);
    command.args(["--generation-database", "none", "--request-timeout", "30", "-n", examples, "--seed", &seed]);
    command
}

#[test]
fn answers_are_as_described() {
    let server = Server::start();
    let said = clients::run(&mut schemathesis(&server, ""));
    assert!(said.contains("No issues found"), "{said}");
}

#[test]
fn answers_about_images_are_as_described() {
    let server = Server::start();
    let images = [server.images().create_raw("queued"), server.images().create_with_data("active", b"data")];
    for id in images {
        let settings = format!("[parameters]\nimage_id = \"{id}\"\nmember_id = \"friend\"\n");
        let mut program = schemathesis(&server, &settings);
        program.args(["--include-path-regex", "image_id", "--exclude-operation-id", "deleteImage"]);
        let said = clients::run(&mut program);
        assert!(said.contains("No issues found"), "{said}");
        assert_eq!(server.images().show(&id)["id"], id);
    }
}
