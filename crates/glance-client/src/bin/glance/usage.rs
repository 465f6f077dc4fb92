//! Reading the command line, and what to say when it cannot be read.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use crate::args::Cli;
use crate::failure::Failure;
use crate::output;

/// The arguments, or `None` when they asked for help, which is printed then.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Cli>, Failure> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    if arguments.len() < 2 {
        output::write_text(&Cli::command().render_help().to_string())?;
        return Ok(None);
    }
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Ok(Some(cli)),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            output::write_text(&error.render().to_string())?;
            Ok(None)
        }
        Err(error) => Err(Failure::Usage(explain(&error))),
    }
}

fn explain(error: &clap::Error) -> String {
    // Of several suggestions the last is the closest.
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => texts.last().cloned(),
        _ => None,
    };
    match (error.kind(), context(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(word)) => {
            let hint = match context(ContextKind::SuggestedSubcommand) {
                Some(command) => format!("; did you mean '{command}'?"),
                None => "; 'glance help' lists them.".to_owned(),
            };
            format!("glance: '{word}' is not a command{hint}")
        }
        _ => error.render().to_string().trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(words: &[&str]) -> String {
        match parse(["glance"].iter().chain(words).map(OsString::from)) {
            Err(Failure::Usage(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_misspelt_command_is_recognised() {
        assert_eq!(refusal(&["image-lst"]), "glance: 'image-lst' is not a command; did you mean 'image-list'?");
        assert_eq!(refusal(&["qqq"]), "glance: 'qqq' is not a command; 'glance help' lists them.");
    }

    #[test]
    fn a_missing_argument_is_named() {
        assert!(refusal(&["image-show"]).contains("<IMAGE_ID>"));
    }

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Cli::command().debug_assert();
    }
}
