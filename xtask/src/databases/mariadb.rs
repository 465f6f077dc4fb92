//! MariaDB as the calling user, who is its superuser without a password.

use std::path::Path;
use std::process::Command;

use super::{Care, Engine, Prepared};
use crate::error::Result;
use crate::shell;

pub(super) fn prepare(folder: &Path, care: Care) -> Result<Prepared> {
    let user = shell::output(Command::new("id").arg("-un"))?.trim().to_owned();
    let data = folder.join("data");
    let mut install = Command::new("mariadb-install-db");
    install.args([
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--skip-name-resolve",
    ]);
    install.arg(format!("--user={user}")).arg(format!("--datadir={}", data.display()));
    shell::output(&mut install)?;

    let port = care.port(Engine::MariaDb)?;
    let program = shell::find("mariadbd").ok_or("MariaDB is not installed")?;
    let mut command = Command::new(program);
    command.arg("--no-defaults").arg(format!("--user={user}")).arg(format!("--datadir={}", data.display()));
    command.arg(format!("--port={port}"));
    // The socket is relative to the data folder: absolute paths may be longer than a socket's name can be.
    command.args(["--bind-address=127.0.0.1", "--socket=my.sock", "--pid-file=my.pid", "--max-connections=300"]);
    command.args(["--character-set-server=utf8mb4", "--skip-name-resolve"]);
    match care {
        Care::None => command.arg("--innodb-flush-log-at-trx-commit=0"),
        // Only this service uses such a server: then it does as newer versions do.
        Care::OverKills => command.args(["--innodb-flush-log-at-trx-commit=2", "--loose-innodb-snapshot-isolation=ON"]),
    };
    let mut probe = Command::new("mariadb-admin");
    probe.args(["--no-defaults", "--host=127.0.0.1", "--user=root"]).arg(format!("--port={port}")).arg("ping");
    let url = format!("mysql://root@127.0.0.1:{port}/mysql");
    Ok(Prepared { command, owner: None, probe, url, word: "mariadbd" })
}
