//! `cargo xtask bench`: the same work on this service and on Python Glance, in one run, on one machine.

mod catalogue;
mod contender;
mod crowd;
mod large;
mod load;
mod measure;
mod report;
mod tokens;
mod usage;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use catalogue::Catalogue;
use contender::Contender;
use report::Results;

use crate::databases::Database;
use crate::error::Result;
use crate::packages::{self, Purpose};
use crate::{shell, workspace};

pub(crate) const HELP: &str = "\
Usage: cargo xtask bench [--quick] [--rounds N] [--only NAME]...

Measures this service, Python Glance 33 under uWSGI (installed from PyPI below target/ on first use) and, for
downloads, nginx, and writes the medians to docs/benchmarks.md. In each round every contender starts afresh with an
empty store and does all the work; rounds follow each other, so that a disturbance meets all of them.

  --quick      an image of 128 MiB in place of 1 GiB, one round, short runs; prints and writes no document
  --rounds N   3 by default
  --only NAME  rust-sqlite, rust-mariadb, rust-postgres, python-sqlite, python-mariadb, python-postgres, nginx, large,
               crowd, tokens; writes no document
Leave the machine alone while it runs (about 40 minutes).
";

/// How much work there is.
#[derive(Debug, Clone, Copy)]
struct Plan {
    rounds: usize,
    /// Of the large image, in MiB.
    image_mib: u64,
    /// Of each of the images that are uploaded side by side, in MiB.
    parallel_mib: u64,
    /// Images in the catalogue when it is listed.
    images: usize,
    /// Images in the large catalogue.
    many: usize,
    /// Of each run of requests.
    seconds: u32,
}

const FULL: Plan = Plan { rounds: 3, image_mib: 1024, parallel_mib: 128, images: 1000, many: 100_000, seconds: 8 };
const QUICK: Plan = Plan { rounds: 1, image_mib: 128, parallel_mib: 32, images: 100, many: 10_000, seconds: 2 };

/// What the caller wants.
struct Wish {
    plan: Plan,
    only: Vec<String>,
    /// Whether the document is to be written.
    documented: bool,
}

/// What all contenders of a run share.
struct Stage {
    plan: Plan,
    folder: PathBuf,
    /// The large image.
    image: PathBuf,
    /// The image of which several are uploaded side by side.
    small: PathBuf,
    /// Folder of our programs.
    programs: PathBuf,
    databases: Vec<(Catalogue, Database)>,
}

/// `cargo xtask bench`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let wish = parse(arguments)?;
    packages::ensure(&[Purpose::Build, Purpose::Bench])?;
    let contenders: Vec<Contender> = Contender::ALL
        .into_iter()
        .filter(|one| wish.only.is_empty() || wish.only.iter().any(|n| n == one.name()))
        .collect();
    let wanted = |name: &str| wish.only.is_empty() || wish.only.iter().any(|wanted| wanted == name);
    let (large, crowd) = (wanted(large::NAME), wanted(crowd::NAME));
    let stage = Stage::set(wish.plan, &contenders, large)?;
    let mut results = Results::default();
    for (name, value) in measure::hash_baseline(&stage)? {
        results.add("one thread", name, value);
    }
    for round in 1..=wish.plan.rounds {
        for contender in &contenders {
            println!("round {round}: {}", contender.name());
            if let Err(error) = measure::everything(&stage, *contender, &mut results) {
                eprintln!("{} could not be measured: {error}", contender.name());
                results.note_failure(contender.name(), &error.to_string());
            }
        }
    }
    if large {
        large::measure(&stage, &mut results)?;
    }
    if crowd {
        crowd::measure(&stage, &mut results)?;
    }
    if (wish.only.is_empty() || wish.only.iter().any(|name| name == tokens::NAME))
        && let Err(error) = tokens::measure(&stage, &mut results)
    {
        eprintln!("tokens: {error}");
        results.note_failure("rust, tokens", &error.to_string());
    }
    println!("\n{}", results.tables());
    if wish.documented {
        let document = workspace::root().join("docs/benchmarks.md");
        fs::write(&document, report::document(&results, &wish.plan)?)?;
        println!("written to {}", document.display());
    }
    if results.ours_failed() { Err("not everything of ours could be measured".into()) } else { Ok(()) }
}

fn parse(arguments: &[String]) -> Result<Wish> {
    let mut wish = Wish { plan: FULL, only: Vec::new(), documented: true };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--quick" => (wish.plan, wish.documented) = (QUICK, false),
            "--rounds" => wish.plan.rounds = rest.next().ok_or("--rounds needs a number")?.parse()?,
            "--only" => {
                let name = rest.next().ok_or("--only needs a name")?;
                if ![large::NAME, crowd::NAME, tokens::NAME].contains(&name.as_str())
                    && !Contender::ALL.iter().any(|contender| contender.name() == name)
                {
                    return Err(format!("no contender {name:?}").into());
                }
                wish.only.push(name.clone());
                wish.documented = false;
            }
            _ => return Err(HELP.into()),
        }
    }
    Ok(wish)
}

impl Stage {
    fn set(plan: Plan, contenders: &[Contender], large: bool) -> Result<Self> {
        let programs = workspace::build_release()?;
        let folder = workspace::target().join("bench");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let (image, small) = (folder.join("image"), folder.join("small"));
        for (file, mib) in [(&image, plan.image_mib), (&small, plan.parallel_mib)] {
            let mut fill = Command::new("dd");
            fill.arg("if=/dev/urandom").arg(format!("of={}", file.display())).args(["bs=1M", &format!("count={mib}")]);
            shell::output(&mut fill)?;
        }
        let mut databases = Vec::new();
        for catalogue in [Catalogue::MariaDb, Catalogue::Postgres] {
            let needed = contenders.iter().any(|contender| contender.catalogue() == Some(catalogue));
            if let Some(engine) = catalogue.engine().filter(|_| needed || (large && catalogue == large::CATALOGUE)) {
                databases.push((catalogue, Database::start(engine, "bench")?));
            }
        }
        Ok(Self { plan, folder, image, small, programs, databases })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Gigabytes that nobody needs afterwards; the logs stay.
        for file in [&self.image, &self.small] {
            let _ = fs::remove_file(file);
        }
    }
}
