//! PostgreSQL, which refuses to run as root: then everything of it is done as the user of Debian's package.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Care, Engine, Prepared};
use crate::background::Owner;
use crate::error::{Context as _, Result};
use crate::shell;

/// The user that Debian's package makes, and the name of the superuser in our servers.
const USER: &str = "postgres";

/// Where the data folder is, if it is not in the server's folder.
const ELSEWHERE: &str = "data-is-in";

/// The folder of `initdb` and `postgres`: Debian keeps one for each version, out of the path.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| folder.join("initdb").is_file())
        .collect();
    found.sort();
    found.pop().map(|(_, folder)| folder).or_else(|| shell::find("initdb")?.parent().map(Path::to_owned))
}

pub(super) fn prepare(folder: &Path, care: Care) -> Result<Prepared> {
    let programs = programs().ok_or("PostgreSQL is not installed")?;
    let owner = if shell::is_root() { Some(ids_of(USER)?) } else { None };
    let data = data_folder(folder, owner)?;
    let run_as_owner = |program: &str| {
        let mut command = Command::new(programs.join(program));
        command.current_dir(&data);
        if let Some((uid, gid)) = owner {
            command.uid(uid).gid(gid);
        }
        command
    };
    let mut initdb = run_as_owner("initdb");
    initdb.arg("-D").arg(&data).args(["-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]);
    shell::output(&mut initdb)?;

    let port = care.port(Engine::Postgres)?.to_string();
    let mut command = Command::new(programs.join("postgres"));
    command.current_dir(&data).arg("-D").arg(&data).args(["-p", &port]);
    let addresses = ["listen_addresses=127.0.0.1", "unix_socket_directories="];
    let careless = ["fsync=off", "full_page_writes=off", "max_connections=300"];
    let acknowledged_early = (care == Care::None).then_some("synchronous_commit=off");
    for setting in addresses.into_iter().chain(careless).chain(acknowledged_early) {
        command.args(["-c", setting]);
    }
    let mut probe = run_as_owner("pg_isready");
    probe.args(["-h", "127.0.0.1", "-p", &port, "-q"]);
    let url = format!("postgresql://{USER}@127.0.0.1:{port}/postgres");
    Ok(Prepared { command, owner, probe, url, word: "postgres" })
}

/// The folder for the data: below `folder`, or in the system's temporary folder if the owner cannot reach it there.
fn data_folder(folder: &Path, owner: Owner) -> Result<PathBuf> {
    let mut data = folder.join("data");
    if owner.is_some() && !others_can_reach(folder) {
        data = std::env::temp_dir().join(format!("glance-postgres-{}", std::process::id()));
        fs::write(folder.join(ELSEWHERE), data.as_os_str().as_encoded_bytes())?;
    }
    fs::create_dir_all(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700))?;
    if let Some((uid, gid)) = owner {
        chown(&data, Some(uid), Some(gid)).context(data.display())?;
    }
    Ok(data)
}

/// Removes the data of a server that has ended, wherever it is.
pub(super) fn remove_data(folder: &Path) {
    let data = fs::read_to_string(folder.join(ELSEWHERE)).map_or_else(|_| folder.join("data"), PathBuf::from);
    // Nothing depends on it: the next start begins with an empty folder.
    let _ = fs::remove_dir_all(data);
}

fn others_can_reach(folder: &Path) -> bool {
    folder.ancestors().all(|part| fs::metadata(part).is_ok_and(|about| about.permissions().mode() & 0o001 != 0))
}

fn ids_of(user: &str) -> Result<(u32, u32)> {
    let ids =
        |wanted: &str| -> Result<u32> { Ok(shell::output(Command::new("id").args([wanted, user]))?.trim().parse()?) };
    Ok((ids("-u")?, ids("-g")?))
}
