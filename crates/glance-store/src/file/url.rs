//! `file:` locations as text.
//!
//! Python's driver writes `file://` and the path as it is, without percent-encoding, and reads it back through
//! `urllib.parse.urlsplit`. What it cannot read back is not written here, and what it reads means the same here.

use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// The schemes of the driver. Only the first is written.
pub(super) const SCHEMES: &[&str] = &["file", "filesystem"];

/// The location of the file at `path`, which has been checked by [`is_expressible`].
pub(super) fn from_path(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// Whether the URL of a file below `path` leads back to it: not so if `?` or `#` would end the path early.
pub(super) fn is_expressible(path: &Path) -> bool {
    path.to_str()
        .is_some_and(|text| path.is_absolute() && !text.contains(|c: char| c.is_ascii_control() || "?#".contains(c)))
}

/// The path in a location: absolute, without `..`, and not that of a hidden file, because unfinished images are hidden.
pub(super) fn to_path(url: &str) -> Result<PathBuf> {
    let rest = SCHEMES
        .iter()
        .find_map(|scheme| url.strip_prefix(scheme)?.strip_prefix("://"))
        .ok_or_else(|| refused("is not a file location"))?;
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    // urlsplit drops line breaks and tabs wherever they are.
    let text: String = rest[..end].chars().filter(|c| !matches!(c, '\t' | '\r' | '\n')).collect();
    let path = PathBuf::from(text.trim());
    if !path.is_absolute() || path.components().any(|part| part == Component::ParentDir) || text.contains('\0') {
        return Err(refused("holds no absolute, plain path"));
    }
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    if path.file_name().is_none_or(hidden) {
        return Err(refused("names no image"));
    }
    Ok(path)
}

fn refused(why: &str) -> Error {
    Error::new(Kind::BadLocation, format!("the location {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read_as_python_reads_them() {
        for (url, path) in [
            ("file:///var/lib/glance/images/1", "/var/lib/glance/images/1"),
            ("filesystem:///a/b", "/a/b"),
            ("file:///a%20b/c", "/a%20b/c"),
            ("file:///a b/ü", "/a b/ü"),
            ("file:///a/b?x=/c#d", "/a/b"),
            ("file:///a/b#x?y", "/a/b"),
            ("file:///a/b;c", "/a/b;c"),
            ("file:///a/\nb \t", "/a/b"),
            ("file:///a//b", "/a/b"),
        ] {
            assert_eq!(to_path(url).unwrap(), Path::new(path), "{url}");
        }
    }

    #[test]
    fn other_locations_are_refused() {
        for url in [
            "",
            "file:",
            "file://",
            "file:///",
            "/a/b",
            "FILE:///a/b",
            "http://a/b",
            "filex:///a",
            "file://a/b",
            "file:///a/../b",
            "file:///a/..",
            "file:///a/.b",
            "file:///a/b\0c",
            "file://?/a/b",
        ] {
            assert_eq!(to_path(url).unwrap_err().kind(), Kind::BadLocation, "{url:?}");
        }
    }

    #[test]
    fn only_paths_that_survive_the_way_into_a_location_and_back_are_expressible() {
        for (path, good) in [("/a b/ü%", true), ("/a?b", false), ("/a#b", false), ("/a\nb", false), ("a/b", false)] {
            assert_eq!(is_expressible(Path::new(path)), good, "{path:?}");
            let file = Path::new(path).join("id");
            assert_eq!(to_path(&from_path(&file)).is_ok_and(|back| back == file), good, "{path:?}");
        }
    }
}
