//! `complete` and `bash-completion`: help for shells.

use std::collections::BTreeSet;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::write_text;

/// A shell whose completion scripts can be written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum KnownShell {
    /// GNU Bash
    Bash,
    /// The Z shell
    Zsh,
    /// The friendly interactive shell
    Fish,
}

#[derive(Debug, Args)]
pub(crate) struct CompleteArgs {
    /// The shell to write a script for
    #[arg(value_enum)]
    shell: KnownShell,
}

/// Prints the script.
pub(crate) fn script(args: CompleteArgs) -> Result<(), Failure> {
    let shell = match args.shell {
        KnownShell::Bash => Shell::Bash,
        KnownShell::Zsh => Shell::Zsh,
        KnownShell::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "glance", &mut script);
    write_text(&String::from_utf8_lossy(&script))
}

/// Prints every command and every option of a command in one line.
pub(crate) fn words() -> Result<(), Failure> {
    let cli = Cli::command();
    let mut words = BTreeSet::from(["help".to_owned()]);
    for command in cli.get_subcommands().filter(|command| !command.is_hide_set()) {
        words.insert(command.get_name().to_owned());
        for option in command.get_arguments() {
            words.extend(option.get_long().map(|name| format!("--{name}")));
            words.extend(option.get_short().map(|letter| format!("-{letter}")));
        }
    }
    let words: Vec<_> = words.into_iter().collect();
    write_text(&(words.join(" ") + "\n"))
}
