//! Medians as a table, and the document around it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use super::{Plan, crowd, large, tokens};
use crate::error::Result;
use crate::shell;

/// A table of the document.
struct Table {
    title: &'static str,
    /// What was measured, in the order of the rows, and whether more of it is better.
    rows: &'static [(&'static str, Better)],
    columns: &'static [&'static str],
    /// Pairs of columns whose ratio is shown.
    ratios: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Better {
    More,
    Less,
}

use Better::{Less, More};

const TABLES: [Table; 5] = [
    Table {
        title: "The service and the bytes of images",
        rows: &[
            ("first answer after start, s", Less),
            ("memory when idle, MiB", Less),
            ("upload, MiB/s", More),
            ("upload, CPU s/GiB", Less),
            ("upload in chunks, MiB/s", More),
            ("upload in chunks, CPU s/GiB", Less),
            ("8 uploads at once, MiB/s", More),
            ("8 uploads at once, CPU s/GiB", Less),
            ("8 uploads at once, memory, MiB", Less),
            ("download, MiB/s", More),
            ("download, CPU s/GiB", Less),
            ("8 downloads at once, MiB/s", More),
            ("health check, requests/s", More),
            ("memory at the end, MiB", Less),
        ],
        columns: &["rust-sqlite", "python-sqlite", "rust-mariadb", "python-mariadb", "nginx"],
        ratios: &[("rust-sqlite", "python-sqlite"), ("rust-mariadb", "python-mariadb")],
    },
    Table {
        title: "The catalogue on each engine",
        rows: &[
            ("create, images/s", More),
            ("patch, images/s", More),
            ("show, requests/s", More),
            ("list of 25, requests/s", More),
            ("list of 1000, requests/s", More),
            ("list of 25 filtered and sorted, requests/s", More),
            ("list of 1000 rich images, requests/s", More),
        ],
        columns: &[
            "rust-sqlite",
            "python-sqlite",
            "rust-mariadb",
            "python-mariadb",
            "rust-postgres",
            "python-postgres",
        ],
        ratios: &[
            ("rust-sqlite", "python-sqlite"),
            ("rust-mariadb", "python-mariadb"),
            ("rust-postgres", "python-postgres"),
        ],
    },
    Table {
        title: "A large catalogue on PostgreSQL: pages of 25, ms",
        rows: &[
            ("first page, p50", Less),
            ("first page, p99", Less),
            ("page after nine tenths of all images, p50", Less),
            ("page after nine tenths of all images, p99", Less),
            ("property of one image in five, p50", Less),
            ("property of one image in five, p99", Less),
            ("property of one image in a hundred, p50", Less),
            ("property of one image in a hundred, p99", Less),
            ("property of 50 images, p50", Less),
            ("property of 50 images, p99", Less),
            ("tag of one image in five, p50", Less),
            ("tag of one image in five, p99", Less),
            ("tag of one image in a hundred, p50", Less),
            ("tag of one image in a hundred, p99", Less),
            ("tag of 50 images, p50", Less),
            ("tag of 50 images, p99", Less),
        ],
        columns: &large::COLUMNS,
        ratios: &[(large::COLUMNS[0], large::COLUMNS[1])],
    },
    Table {
        title: "Knowing who asks: a token that was validated before",
        rows: &[("schema, requests/s", More), ("image, requests/s", More), ("list of 1, requests/s", More)],
        columns: &tokens::COLUMNS,
        ratios: &[(tokens::COLUMNS[0], tokens::COLUMNS[1])],
    },
    Table {
        title: "Beside many others, and encrypted",
        rows: &[
            ("show to one client, p50, ms", Less),
            ("show to one client, p99, ms", Less),
            ("show to 32 clients, requests/s", More),
            ("a download, MiB/s", More),
            ("a download, CPU s/GiB", Less),
        ],
        columns: &crowd::COLUMNS,
        ratios: &[(crowd::COLUMNS[1], crowd::COLUMNS[0]), (crowd::COLUMNS[2], crowd::COLUMNS[0])],
    },
];

/// Whether a table has such a row.
pub(super) fn has_row(metric: &str) -> bool {
    TABLES.iter().any(|table| table.rows.iter().any(|(row, _)| *row == metric))
}

/// All values that were measured.
#[derive(Default)]
pub(super) struct Results {
    values: BTreeMap<(String, String), Vec<f64>>,
    failures: BTreeMap<String, String>,
}

impl Results {
    pub(super) fn add(&mut self, contender: &str, metric: &str, value: f64) {
        self.values.entry((contender.to_owned(), metric.to_owned())).or_default().push(value);
    }

    pub(super) fn note_failure(&mut self, what: &str, why: &str) {
        // The last line is the program's own words; the first may be a long command.
        self.failures.insert(what.to_owned(), why.trim_end().lines().last().unwrap_or_default().to_owned());
    }

    /// Whether one of our own could not do something.
    pub(super) fn ours_failed(&self) -> bool {
        self.failures.keys().any(|what| what.starts_with("rust"))
    }

    fn median(&self, contender: &str, metric: &str) -> Option<f64> {
        let mut values = self.values.get(&(contender.to_owned(), metric.to_owned()))?.clone();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let low = values.get(middle.saturating_sub(usize::from(values.len() % 2 == 0)))?;
        Some((low + values.get(middle)?) / 2.0)
    }

    /// How many times better the first of two is.
    fn ratio(&self, (ours, theirs): (&str, &str), (metric, better): (&str, Better)) -> Option<f64> {
        let (ours, theirs) = (self.median(ours, metric)?, self.median(theirs, metric)?);
        let ratio = if better == More { ours / theirs } else { theirs / ours };
        ratio.is_finite().then_some(ratio)
    }

    /// The tables in Markdown, those without a value left out.
    pub(super) fn tables(&self) -> String {
        let mut text: String = TABLES.iter().filter_map(|table| self.table(table)).collect();
        let hashes = ["MD5, MiB/s", "SHA-512, MiB/s", "MD5 and SHA-512, MiB/s"];
        let hashes =
            hashes.map(|name| format!("{name}: {}", self.median("one thread", name).map_or_else(String::new, shown)));
        writeln!(text, "Digests on one thread (OpenSSL through Python's hashlib): {}", hashes.join("; ")).ok();
        for (what, why) in &self.failures {
            writeln!(text, "\nCould not be measured: {what} ({why})").ok();
        }
        text
    }

    fn table(&self, table: &Table) -> Option<String> {
        let mut text = format!("## {}\n\n| | {} |", table.title, table.columns.join(" | "));
        for (ours, theirs) in table.ratios {
            write!(text, " {ours} : {theirs} |").ok();
        }
        text.push('\n');
        text.push_str(&"|---".repeat(1 + table.columns.len() + table.ratios.len()));
        text.push_str("|\n");
        let mut measured = false;
        for (metric, better) in table.rows {
            let cells = table.columns.iter().map(|column| self.median(column, metric).map_or_else(String::new, shown));
            let ratios = table.ratios.iter().map(|pair| {
                self.ratio(*pair, (metric, *better)).map_or_else(String::new, |ratio| format!("**{}×**", shown(ratio)))
            });
            let row: Vec<String> = std::iter::once((*metric).to_owned()).chain(cells).chain(ratios).collect();
            measured |= row.iter().skip(1).any(|cell| !cell.is_empty());
            writeln!(text, "| {} |", row.join(" | ")).ok();
        }
        text.push('\n');
        measured.then_some(text)
    }
}

/// Three significant digits.
fn shown(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

/// docs/benchmarks.md.
pub(super) fn document(results: &Results, plan: &Plan) -> Result<String> {
    let Plan { rounds, image_mib, parallel_mib, images, many, seconds } = plan;
    let tables = results.tables();
    let (machine, date, commit) = (machine()?, today()?, commit());
    Ok(format!(
        "# Benchmarks

Written by `cargo xtask bench` on {date} at commit {commit}. {machine}.

{tables}
## What is compared

- **rust-sqlite**: `glance-server api --data-dir DIR`, as it comes.
- **rust-mariadb**, **rust-postgres**: the same program with the configuration file of its Python counterpart, on a
  database that Python Glance's `glance-manage db_sync` made.
- **python-…**: Glance 33.0.0 from PyPI under uWSGI, 2 processes of 8 threads, one file store.
- **nginx**: the same file with `sendfile`, as a measure of what the machine can deliver.

There is no Keystone but in the last table: who calls is taken from headers by Python Glance and not asked by ours.
MariaDB and PostgreSQL are one private server each for both. All run on this machine, with the clients beside them, so
rates are lower and closer together than between machines.

## How

In each of {rounds} rounds every contender starts with an empty store and does all of the work below; the table has
medians. Ratios say how many times better ours is, in either direction.

- *First answer*: from the start of the process to the first answer of `/healthcheck`.
- *Memory*: proportional set size of all processes of the service, so that shared pages count once; for parallel uploads
  the highest of samples taken every 20 ms.
- *Upload*, *download*: an image of {image_mib} MiB of random bytes with curl, with `Content-Length` or in chunks; 8 at
  once are images of {parallel_mib} MiB. CPU is user and system time of all processes of the service. Downloads come
  from the page cache. Our uploads are synced to the disk before they are acknowledged; Python Glance's are not.
- *Create*, *patch*: {images} images with five properties and a tag, from 4 clients (on SQLite one, because Python
  Glance answers 500 to more), a connection for each request. A patch renames an image and adds a property.
- *Show*, *list*, *health check*: wrk for {seconds} s with 32 connections (lists of 1000 with 4); the catalogue holds
  the images created before. Filters are a tag and a property, sorted by name.
- *Rich images* have 30 properties, 3 locations and 5 tags; 2 connections ask for them.
- *A large catalogue*: images with 10 properties and 3 tags each, every third public, asked for by an administrator
  with 2 connections; {many} of them and 1,000, of which only ten have what one in a hundred has: that page is shorter.
- *Knowing who asks*: two of our services over one catalogue on SQLite, one of them behind `authtoken` with a real
  Keystone, asked in turns with 32 connections.
- *Beside many others*: 1,000 more connections stay open, four in ten without a word, four in ten sending a byte of their
  headers every few seconds, and two in ten having asked for the image without reading it. Encrypted is TLS with a
  certificate on P-256. Ratios are to the same work alone; each is measured several times in turn.
- *Digests*: MD5 and SHA-512 of an image are the least work of an upload; computed one after the other on one thread they
  bound what a service that does so can reach.

To repeat: `cargo xtask bench`. `--quick` gives a rough picture in a few minutes.
"
    ))
}

fn machine() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    let kib: u64 = kib.trim().trim_end_matches(" kB").parse()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let model = model.trim_start_matches(['\t', ' ', ':']);
    Ok(format!("{model}, {cores} cores, {} GiB of memory, Linux {}", kib >> 20, kernel.trim()))
}

fn today() -> Result<String> {
    Ok(shell::output(Command::new("date").args(["--utc", "+%Y-%m-%d"]))?.trim().to_owned())
}

/// The sources that were measured; not everybody has git.
fn commit() -> String {
    let mut git = Command::new("git");
    git.current_dir(crate::workspace::root()).args(["rev-parse", "--short", "HEAD"]);
    shell::output(&mut git).map_or_else(|_| "unknown".to_owned(), |said| said.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios_are_in_the_table() {
        let mut results = Results::default();
        for value in [100.0, 300.0, 200.0] {
            results.add("rust-sqlite", "upload, MiB/s", value);
        }
        for value in [40.0, 60.0] {
            results.add("python-sqlite", "upload, MiB/s", value);
        }
        results.add("rust-sqlite", "memory when idle, MiB", 10.0);
        results.add("python-sqlite", "memory when idle, MiB", 250.0);
        let tables = results.tables();
        assert!(tables.contains("| upload, MiB/s | 200 | 50.0 |  |  |  | **4.00×** |  |"), "{tables}");
        assert!(tables.contains("| memory when idle, MiB | 10.0 | 250 |  |  |  | **25.0×** |  |"), "{tables}");
        assert!(!tables.contains("100,000"), "{tables}");
    }
}
