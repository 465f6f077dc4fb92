//! Where configuration is searched if nobody names a file.

use std::path::{Path, PathBuf};

/// The directories for a project, best first: `~/.project`, `~`, `/etc/project`, `/etc`.
///
/// `etc` is normally `/etc`; without a home the first two are left out.
#[must_use]
pub fn config_directories(project: &str, home: Option<&Path>, etc: &Path) -> Vec<PathBuf> {
    let mut found = Vec::with_capacity(4);
    if let Some(home) = home {
        found.push(home.join(format!(".{project}")));
        found.push(home.to_owned());
    }
    found.push(etc.join(project));
    found.push(etc.to_owned());
    found
}

/// The files `project.conf` and `program.conf`, each from the first directory that has it.
///
/// `exists` answers whether there is a file; [`Path::exists`] is the normal choice.
#[must_use]
pub fn default_config_files(
    directories: &[PathBuf],
    project: &str,
    program: &str,
    exists: impl Fn(&Path) -> bool,
) -> Vec<PathBuf> {
    first_of_each(directories, [project, program].map(|name| format!("{name}.conf")), exists)
}

/// The directories `project.conf.d` and `program.conf.d`, each from the first directory that has it.
#[must_use]
pub fn default_config_directories(
    directories: &[PathBuf],
    project: &str,
    program: &str,
    exists: impl Fn(&Path) -> bool,
) -> Vec<PathBuf> {
    first_of_each(directories, [project, program].map(|name| format!("{name}.conf.d")), exists)
}

fn first_of_each(directories: &[PathBuf], names: [String; 2], exists: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let find = |name: &String| directories.iter().map(|directory| directory.join(name)).find(|path| exists(path));
    names.iter().filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_comes_from_the_first_directory() {
        let directories = config_directories("glance", Some(Path::new("/home/g")), Path::new("/etc"));
        let there = ["/etc/glance/glance.conf", "/etc/glance.conf", "/home/g/glance-api.conf"];
        let exists = |path: &Path| there.iter().any(|known| Path::new(known) == path);
        let found = default_config_files(&directories, "glance", "glance-api", exists);
        assert_eq!(found, ["/etc/glance/glance.conf", "/home/g/glance-api.conf"].map(PathBuf::from));
        let none = default_config_directories(&directories, "glance", "glance-api", exists);
        assert!(none.is_empty());
    }
}
