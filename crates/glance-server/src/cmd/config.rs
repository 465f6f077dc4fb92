//! `glance-server config`: what options there are, and what an existing configuration does here.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use oslo::config::{Config, OptionDef, Sources, help, sample};

use crate::config::check::{Verdict, check, complete};
use crate::config::options::{FILE_STORE, GLANCE_STORE, HTTP_STORE, STORE, TABLES};
use crate::config::upstream;

/// Look at the configuration.
#[derive(Debug, Parser)]
#[command(name = "glance-server config", version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print a configuration file with every option, commented out
    Sample,
    /// Print every option in one or two lines
    Options,
    /// Say what an existing configuration does here: what is used, what has no effect, what is dangerous
    ///
    /// The exit status is 1 when a value is wrong or an option is not known.
    Check {
        /// The files in the order in which the service reads them; a folder stands for its *.conf files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Show what is used as well
        #[arg(short, long)]
        verbose: bool,
    },
}

/// Runs the program.
///
/// # Errors
/// For files that cannot be read.
pub fn main(arguments: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let arguments: Arguments = match super::parse(arguments)? {
        Ok(arguments) => arguments,
        Err(answered) => return Ok(answered),
    };
    let mut out = std::io::stdout().lock();
    match arguments.what {
        What::Sample => out.write_all(sample(&tables()).as_bytes())?,
        What::Options => {
            let tables: Vec<&[OptionDef]> = tables().into_iter().map(|(_, table)| table).chain([STORE]).collect();
            out.write_all(help(&tables).as_bytes())?;
        }
        What::Check { files, verbose } => return report(&files, verbose, &mut out),
    }
    Ok(ExitCode::SUCCESS)
}

/// All tables with the names of their sections in the sample. Options of older releases are in none.
fn tables() -> Vec<(&'static str, &'static [OptionDef])> {
    let own = TABLES.iter().map(|table| ("this service", *table));
    let stores = [("file stores", FILE_STORE), ("http stores", HTTP_STORE)];
    let known = |def: &OptionDef| {
        let tables = TABLES.iter().chain(&[STORE, FILE_STORE, HTTP_STORE, GLANCE_STORE]).copied().flatten();
        tables.into_iter().any(|own| (own.group, own.name) == (def.group, def.name))
    };
    let others: Vec<OptionDef> = upstream::fixed().iter().filter(|def| !known(def)).copied().collect();
    own.chain(stores).chain([("Python Glance, accepted here", &*others.leak())]).collect()
}

fn report(files: &[PathBuf], verbose: bool, out: &mut impl std::io::Write) -> anyhow::Result<ExitCode> {
    let mut sources = Sources::new();
    for file in files {
        if file.is_dir() { sources.add_directory(file)? } else { sources.add_file(file)? }
    }
    let findings = check(&complete(Config::new(sources, TABLES)));
    for finding in findings.iter().filter(|finding| verbose || finding.verdict != Verdict::Used) {
        let advice = if finding.advice.is_empty() { String::new() } else { format!(": {}", finding.advice) };
        writeln!(out, "{:10} {}: {}{advice}", finding.verdict.name(), finding.place, finding.option)?;
    }
    let verdicts = [
        Verdict::Used,
        Verdict::Ignored,
        Verdict::Deprecated,
        Verdict::Dangerous,
        Verdict::Missing,
        Verdict::Unknown,
        Verdict::Invalid,
    ];
    let count = |verdict: Verdict| findings.iter().filter(|finding| finding.verdict == verdict).count();
    let counts: Vec<String> =
        verdicts.iter().map(|verdict| format!("{} {}", count(*verdict), verdict.name())).collect();
    writeln!(out, "{}", counts.join(", "))?;
    let wrong = count(Verdict::Unknown) + count(Verdict::Invalid);
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
