//! What the caller of the tests says in environment variables.

use std::path::{Path, PathBuf};

/// The text of a variable, if it is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the one place where these tests read the environment")]
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The server's program: `GLANCE_SERVER`, or what cargo built beside the tests.
///
/// # Panics
/// When there is neither.
#[must_use]
pub fn server_program() -> PathBuf {
    program("GLANCE_SERVER", "glance-server")
}

/// The client's program: `GLANCE_CLIENT`, or what cargo built beside the tests.
///
/// # Panics
/// When there is neither.
#[must_use]
pub fn client_program() -> PathBuf {
    program("GLANCE_CLIENT", "glance")
}

/// A program of the Python clients, below `GLANCE_TEST_CLIENTS`.
///
/// # Panics
/// When the variable is not set: `cargo xtask acceptance` makes the folder and sets it.
#[must_use]
pub fn python_program(name: &str) -> PathBuf {
    let folder = variable("GLANCE_TEST_CLIENTS").unwrap_or_else(|| panic!("GLANCE_TEST_CLIENTS is not set"));
    Path::new(&folder).join(name)
}

/// The program of schemathesis: `GLANCE_TEST_SCHEMATHESIS`.
///
/// # Panics
/// When the variable is not set: `cargo xtask acceptance` installs it and sets the variable.
#[must_use]
pub fn schemathesis() -> PathBuf {
    variable("GLANCE_TEST_SCHEMATHESIS").unwrap_or_else(|| panic!("GLANCE_TEST_SCHEMATHESIS is not set")).into()
}

/// The folder of Tempest's programs: `GLANCE_TEST_TEMPEST`.
///
/// # Panics
/// When the variable is not set: `cargo xtask acceptance` installs Tempest and sets it.
#[must_use]
pub fn tempest() -> PathBuf {
    variable("GLANCE_TEST_TEMPEST").unwrap_or_else(|| panic!("GLANCE_TEST_TEMPEST is not set")).into()
}

/// The folder of Python Glance's programs: that of the interpreter `GLANCE_TEST_PYTHON`.
///
/// # Panics
/// When the variable is not set: `cargo xtask acceptance` makes the folder and sets it.
#[must_use]
pub fn python_glance() -> PathBuf {
    let python = variable("GLANCE_TEST_PYTHON").unwrap_or_else(|| panic!("GLANCE_TEST_PYTHON is not set"));
    Path::new(&python).parent().unwrap().to_owned()
}

/// A number from the environment.
///
/// # Panics
/// When the variable's text is not a number.
#[must_use]
pub fn number(name: &str) -> Option<u64> {
    variable(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Whether the long versions of the tests are wanted.
#[must_use]
pub fn is_full() -> bool {
    variable("GLANCE_ACCEPTANCE_FULL").is_some()
}

fn program(name: &str, built: &str) -> PathBuf {
    if let Some(path) = variable(name) {
        return path.into();
    }
    // Tests are run from target/<profile>/deps.
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(built);
    assert!(path.is_file(), "{} is missing: run `cargo xtask acceptance`, or set {name}", path.display());
    path
}
