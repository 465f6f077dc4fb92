//! `cargo xtask install`: the two programs, and the names under which operators know the server's.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Context as _, Result};
use crate::packages::{self, Purpose};
use crate::{shell, workspace};

pub(crate) const HELP: &str = "\
Usage: cargo xtask install [--prefix DIR]

Builds for release and installs below DIR/bin (default: /usr/local)
    glance         the client
    glance-server  the service and its commands, also as
                   glance-api glance-registry glance-manage glance-scrubber glance-replicator glance-cache-manage
                   glance-control glance-status
and below DIR/etc/glance
    glance-api.conf.sample  explains every option
    metadefs                definitions of metadata, for `glance-manage db load_metadefs`,
                            which looks into /etc/glance/metadefs unless it is told --path
";

/// Names of upstream's programs; each is a link to `glance-server`, which acts by the name it is called by.
const NAMES: &[&str] = &[
    "glance-api",
    "glance-registry",
    "glance-manage",
    "glance-scrubber",
    "glance-replicator",
    "glance-cache-manage",
    "glance-control",
    "glance-status",
];

/// `cargo xtask install`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let prefix = match arguments {
        [] => PathBuf::from("/usr/local"),
        [option, folder] if option == "--prefix" => PathBuf::from(folder),
        _ => return Err(HELP.into()),
    };
    packages::ensure(&[Purpose::Build])?;
    let built = workspace::build_release()?;
    let folder = prefix.join("bin");
    install(&built, &folder)?;
    let sample = write_sample(&built, &prefix)?;
    println!("installed glance, glance-server and {} into {}", NAMES.join(", "), folder.display());
    println!("installed {}", sample.display());
    let metadefs = prefix.join("etc/glance/metadefs");
    install_metadefs(&workspace::root().join("etc/metadefs"), &metadefs)?;
    println!("installed {}", metadefs.display());
    Ok(())
}

/// The sample comes from the program itself, so it has exactly the options that the program has.
fn write_sample(built: &Path, prefix: &Path) -> Result<PathBuf> {
    let text = shell::output(Command::new(built.join("glance-server")).args(["config", "sample"]))?;
    let file = prefix.join("etc/glance/glance-api.conf.sample");
    fs::create_dir_all(prefix.join("etc/glance")).context(prefix.display())?;
    fs::write(&file, text).context(file.display())?;
    Ok(file)
}

fn install(built: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).context(folder.display())?;
    for program in ["glance", "glance-server"] {
        // A running program cannot be overwritten, but its name can be given to another file.
        let new = folder.join(format!(".{program}.new"));
        fs::copy(built.join(program), &new).context(new.display())?;
        fs::rename(&new, folder.join(program))?;
    }
    for name in NAMES {
        let link = folder.join(name);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        symlink("glance-server", &link).context(link.display())?;
    }
    Ok(())
}

/// Files that an operator has added stay.
fn install_metadefs(source: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).context(folder.display())?;
    for entry in fs::read_dir(source).context(source.display())? {
        let file = entry?.path();
        let Some(name) = file.file_name().filter(|_| file.extension().is_some_and(|kind| kind == "json")) else {
            continue;
        };
        fs::copy(&file, folder.join(name)).context(file.display())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installs_twice_over_itself() {
        let folder = std::env::temp_dir().join(format!("xtask-install-{}", std::process::id()));
        let (built, bin) = (folder.join("built"), folder.join("bin"));
        fs::create_dir_all(&built).unwrap();
        for round in ["first", "second"] {
            fs::write(built.join("glance"), round).unwrap();
            fs::write(built.join("glance-server"), round).unwrap();
            install(&built, &bin).unwrap();
            assert_eq!(fs::read_to_string(bin.join("glance-manage")).unwrap(), round);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn definitions_join_those_of_the_operator() {
        let folder = std::env::temp_dir().join(format!("xtask-metadefs-{}", std::process::id()));
        let (source, target) = (folder.join("source"), folder.join("etc/glance/metadefs"));
        fs::create_dir_all(&source).unwrap();
        fs::create_dir_all(&target).unwrap();
        fs::write(source.join("ours.json"), "new").unwrap();
        fs::write(source.join("README.md"), "no definition").unwrap();
        fs::write(target.join("ours.json"), "old").unwrap();
        fs::write(target.join("theirs.json"), "theirs").unwrap();
        install_metadefs(&source, &target).unwrap();
        assert_eq!(fs::read_to_string(target.join("ours.json")).unwrap(), "new");
        assert_eq!(fs::read_to_string(target.join("theirs.json")).unwrap(), "theirs");
        assert!(!target.join("README.md").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
