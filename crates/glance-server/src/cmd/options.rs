//! Options of oslo.config that have flags on the command line, as Glance's programs have them.

use clap::Args;
use oslo::config::Sources;

/// How to log; the flags win over the configuration.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Logging")]
pub struct LoggingArguments {
    /// Log more
    #[arg(short, long, overrides_with = "nodebug")]
    pub debug: bool,
    /// Log no more than usual
    #[arg(long, hide = true)]
    pub nodebug: bool,
    /// Log as this Python logging configuration file says
    #[arg(long, value_name = "PATH", alias = "log-config")]
    pub log_config_append: Option<String>,
    /// Format of the time in the log, for strftime
    #[arg(long, value_name = "FORMAT")]
    pub log_date_format: Option<String>,
    /// Log to this file
    #[arg(long, value_name = "PATH", alias = "logfile")]
    pub log_file: Option<String>,
    /// Log to a file in this folder
    #[arg(long, value_name = "DIR", alias = "logdir")]
    pub log_dir: Option<String>,
    /// Log to the system's log
    #[arg(long)]
    pub use_syslog: bool,
    /// Log to the journal of systemd
    #[arg(long)]
    pub use_journal: bool,
    /// Facility of the system's log
    #[arg(long, value_name = "FACILITY")]
    pub syslog_log_facility: Option<String>,
    /// Log one JSON document for each line
    #[arg(long)]
    pub use_json: bool,
}

impl LoggingArguments {
    /// Adds what was said to the sources.
    pub fn add_to(&self, sources: &mut Sources) {
        let texts = [
            ("log_config_append", &self.log_config_append),
            ("log_date_format", &self.log_date_format),
            ("log_file", &self.log_file),
            ("log_dir", &self.log_dir),
            ("syslog_log_facility", &self.syslog_log_facility),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                sources.add_command_line("DEFAULT", name, text.as_str());
            }
        }
        let flags = [
            ("debug", self.debug),
            ("use_syslog", self.use_syslog),
            ("use_journal", self.use_journal),
            ("use_json", self.use_json),
        ];
        for (name, _) in flags.into_iter().filter(|(_, given)| *given) {
            sources.add_command_line("DEFAULT", name, "true");
        }
        if self.nodebug && !self.debug {
            sources.add_command_line("DEFAULT", "debug", "false");
        }
    }
}
