//! Definitions of metadata, from files and to files.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use glance_db::{Database, Definition, Loaded, Merge};
use oslo::config::Config;

use super::arguments;
use crate::app::clock::Clock;

pub(super) async fn load(db: &Database, options: &Config, wanted: &arguments::Load) -> anyhow::Result<ExitCode> {
    let merge = match wanted.wishes() {
        [false, false, false] => Merge::Skip,
        [false, ..] => {
            bail!("To use --prefer_new or --overwrite you need to combine of these options with --merge option.")
        }
        [true, false, false] => Merge::PreferExisting,
        [true, true, false] => Merge::PreferNew,
        [true, false, true] => Merge::Overwrite,
        [true, true, true] => {
            bail!("Please provide no more than one option from this list: --prefer_new, --overwrite")
        }
    };
    let path = source(options, wanted.path())?;
    let files = files(&path).with_context(|| path.display().to_string())?;
    if files.is_empty() {
        bail!("Json schema files not found in {}. Aborting.", path.display());
    }
    let mut unreadable = 0;
    for file in &files {
        if let Err(error) = load_file(db, file, merge).await {
            tracing::error!("Failed to load {}: {error:#}", file.display());
            unreadable += 1;
        }
    }
    tracing::info!("Metadata loading finished");
    if unreadable > 0 {
        bail!("{unreadable} of {} files could not be loaded; the log tells why.", files.len());
    }
    Ok(ExitCode::SUCCESS)
}

async fn load_file(db: &Database, file: &Path, merge: Merge) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file)?;
    let definition: Definition = serde_json::from_str(&text)?;
    match db.load_metadefs(&definition, merge, Clock::system().now()).await? {
        Loaded::Stored => tracing::info!("File {} loaded to database.", file.display()),
        Loaded::Skipped => {
            tracing::info!("Skipping namespace {}. It already exists in the database.", definition.namespace);
        }
    }
    Ok(())
}

pub(super) async fn unload(db: &Database) -> anyhow::Result<ExitCode> {
    db.unload_metadefs().await?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn export(db: &Database, options: &Config, path: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let folder = source(options, path)?;
    for definition in db.export_metadefs().await? {
        let file = folder.join(file_name(&definition));
        let text = serde_json::to_string_pretty(&definition)?;
        std::fs::write(&file, text + "\n").with_context(|| file.display().to_string())?;
        tracing::info!("Namespace {} saved in {}", definition.namespace, file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// The path given, or the folder that the configuration names.
fn source(options: &Config, path: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match path {
        Some(path) => Ok(path),
        None => Ok(PathBuf::from(options.get::<String>("DEFAULT", "metadata_source_path")?)),
    }
}

/// The file itself, or the JSON files of a folder by name.
fn files(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.is_file() && file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

/// The letters and digits of the namespace's name for people, as upstream makes it.
fn file_name(definition: &Definition) -> String {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let shown = definition.display_name.as_deref().map(letters).filter(|name| !name.is_empty());
    shown.unwrap_or_else(|| letters(&definition.namespace)) + ".json"
}
