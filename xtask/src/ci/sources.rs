//! Rules on the text of the sources that no lint of the compiler covers.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Result};
use crate::workspace;

/// Longer files must have a reason to be in `LONG`.
const MOST_LINES: usize = 500;

/// Files that may be longer, because they are one table.
const LONG: &[&str] = &[];

/// Where the web framework may be named.
const NAMES_AXUM: &[&str] = &[
    "crates/glance-server/src/api/",
    "crates/glance-server/src/api.rs",
    "crates/glance-server/src/server.rs",
    "crates/glance-server/tests/",
];

/// How far above unsafe code the reason for it may be.
const REASON_WITHIN: usize = 4;

/// Checks the rules on all sources of the workspace.
pub(super) fn check() -> Result<()> {
    let root = workspace::root();
    let mut files = Vec::new();
    for folder in ["crates", "tests", "xtask"] {
        collect(&root.join(folder), &mut files)?;
    }
    let mut broken = Vec::new();
    for file in &files {
        let name = file.strip_prefix(&root)?.display().to_string();
        let text = fs::read_to_string(file).context(&name)?;
        broken.extend(if name.ends_with(".toml") { manifest(&name, &text) } else { source(&name, &text) });
    }
    broken.extend(LONG.iter().filter(|name| !root.join(name).exists()).map(|name| format!("{name} is gone")));
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n").into()) }
}

/// Adds the Rust sources and manifests below `folder`.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).context(folder.display())? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|kind| kind == "rs") || path.ends_with("Cargo.toml") {
            files.push(path);
        }
    }
    Ok(())
}

fn manifest(name: &str, text: &str) -> Option<String> {
    let inherits = text.split("\n[").any(|section| section.trim_end() == "lints]\nworkspace = true");
    (!inherits).then(|| format!("{name}: does not inherit the workspace's lints"))
}

fn source(name: &str, text: &str) -> Option<String> {
    let mut broken = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() > MOST_LINES && !LONG.contains(&name) {
        broken.push(format!("{name}: {} lines; look for a seam", lines.len()));
    }
    let axum_allowed = NAMES_AXUM.iter().any(|place| name.starts_with(place)) || !name.starts_with("crates/");
    for (index, line) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let place = format!("{name}:{}", index + 1);
        if !axum_allowed && has_word(code, "axum") {
            broken.push(format!("{place}: names axum outside the API"));
        }
        let reasons = &lines[index.saturating_sub(REASON_WITHIN)..=index];
        if is_unsafe(code) && !reasons.iter().any(|above| above.contains("expect(unsafe_code, reason")) {
            broken.push(format!("{place}: unsafe code without #[expect(unsafe_code, reason = …)]"));
        }
    }
    (!broken.is_empty()).then(|| broken.join("\n"))
}

/// Whether the line opens an unsafe block or marks an item as unsafe. The type of a function does neither.
fn is_unsafe(code: &str) -> bool {
    ["unsafe {", "unsafe fn ", "unsafe impl", "unsafe extern", "unsafe trait", "unsafe("].iter().any(|start| {
        code.trim_start().starts_with(start)
            || code.contains(&format!(" {start}"))
            || code.contains(&format!("#[{start}"))
    })
}

fn has_word(code: &str, word: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axum_is_for_the_api_alone() {
        let line = "use axum::body::Body;\n";
        assert!(source("crates/glance-server/src/app/images.rs", line).is_some());
        assert!(source("crates/glance-server/src/api/v2/images.rs", line).is_none());
        assert!(source("crates/glance-server/src/app/images.rs", "// as axum does\nlet axum_like = 1;\n").is_none());
    }

    #[test]
    fn unsafe_code_has_a_reason() {
        let bare = format!("let x = {} {{ f() }};\n", "unsafe");
        assert!(source("crates/a/src/lib.rs", &bare).is_some());
        let explained = format!("#[expect(unsafe_code, reason = \"because\")]\n{bare}");
        assert!(source("crates/a/src/lib.rs", &explained).is_none());
        assert!(source("crates/a/src/lib.rs", &format!("{} fn f() {{}}\n", "unsafe")).is_some());
        assert!(source("crates/a/src/lib.rs", &format!("run: {} fn(u8),\n", "unsafe")).is_none());
    }

    #[test]
    fn long_files_and_loose_manifests_are_found() {
        assert!(source("crates/a/src/lib.rs", &"\n".repeat(MOST_LINES + 1)).is_some());
        assert!(source("crates/a/src/lib.rs", &"\n".repeat(MOST_LINES)).is_none());
        assert!(manifest("a/Cargo.toml", "[package]\nname = \"a\"\n").is_some());
        assert!(manifest("a/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n\n[dependencies]\n").is_none());
    }
}
