//! The options of oslo.log.

use oslo::config::{Kind, OldName, OptionDef};

const IF_NO_FILE: &str = "A file named by log_config_append decides alone.";
const LEVELS: &str = "amqp=WARN,boto=WARN,sqlalchemy=WARN,suds=INFO,oslo.messaging=INFO,\
    oslo_messaging=INFO,iso8601=WARN,requests.packages.urllib3.connectionpool=WARN,urllib3.connectionpool=WARN,\
    websocket=WARN,requests.packages.urllib3.util.retry=WARN,urllib3.util.retry=WARN,keystonemiddleware=WARN,\
    routes.middleware=WARN,stevedore=WARN,taskflow=WARN,keystoneauth=WARN,oslo.cache=INFO,oslo_policy=INFO,\
    dogpile.core.dogpile=INFO";

/// How the service logs.
pub const LOGGING: &[OptionDef] = &[
    text("log_config_append", "Python logging configuration file, which decides alone what is logged and where.")
        .old_names(&[OldName { group: None, name: "log_config" }, OldName { group: None, name: "log-config" }])
        .mutable(),
    text("log_date_format", IF_NO_FILE).default("%Y-%m-%d %H:%M:%S"),
    text("log_file", "File to log to. Opened anew when it was moved away, and on SIGHUP.")
        .old_names(&[OldName { group: None, name: "logfile" }]),
    text("log_dir", "Folder of log_file; alone: log to a file in it that is named after the program.")
        .old_names(&[OldName { group: None, name: "logdir" }]),
    flag("watch_log_file", "Has no effect: a log file that was moved away is always noticed.").default("false"),
    flag("use_syslog", "Log to the system's log as well.").default("false"),
    flag("use_journal", "Log to the journal of systemd, with request, user and project as fields.").default("false"),
    text("syslog_log_facility", "Facility of the system's log.").default("LOG_USER"),
    flag("use_json", "Log one JSON document for each line.").default("false"),
    flag("use_stderr", "Log to standard error as well. Nothing said at all: standard output.").default("false"),
    flag("log_color", "Set %(color)s by the level, for terminals.").default("false"),
    number("log_rotate_interval", "Units between two rotations; for weekday the day, 0 is Monday.").default("1"),
    text("log_rotate_interval_type", "Unit of log_rotate_interval.")
        .default("days")
        .choices(&["Seconds", "Minutes", "Hours", "Days", "Weekday", "Midnight"])
        .ignore_case(),
    number("max_logfile_count", "Rotated files that are kept.").default("30"),
    number("max_logfile_size_mb", "Size of a full log file in MiB.").default("200"),
    text("log_rotation_type", "When log_file is moved away: after a time, at a size, or never.")
        .default("none")
        .choices(&["interval", "size", "none"])
        .ignore_case(),
    text("logging_context_format_string", "Lines of requests.").default(
        "%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s [%(global_request_id)s %(request_id)s \
         %(user_identity)s] %(instance)s%(message)s",
    ),
    text("logging_default_format_string", "Lines of everything else.")
        .default("%(asctime)s.%(msecs)03d %(process)d %(levelname)s %(name)s [-] %(instance)s%(message)s"),
    text("logging_debug_format_suffix", "What follows in lines of the level DEBUG.")
        .default("%(funcName)s %(pathname)s:%(lineno)d"),
    text("logging_exception_prefix", "Has no effect: there are no tracebacks.")
        .default("%(asctime)s.%(msecs)03d %(process)d ERROR %(name)s %(instance)s"),
    text("logging_user_identity_format", "What %(user_identity)s stands for.")
        .default("%(user)s %(project)s %(domain)s %(system_scope)s %(user_domain)s %(project_domain)s"),
    OptionDef::new("DEFAULT", "default_log_levels", Kind::List, "Levels of parts of the program as logger=LEVEL.")
        .default(LEVELS),
    flag("publish_errors", "Has no effect: errors are not sent as notifications.").default("false"),
    text("instance_format", "Has no effect: there are no instances.").default("[instance: %(uuid)s] "),
    text("instance_uuid_format", "Has no effect: there are no instances.").default("[instance: %(uuid)s] "),
    number("rate_limit_interval", "Seconds in which at most rate_limit_burst lines are logged; 0: no limit.")
        .default("0"),
    number("rate_limit_burst", "Lines that are logged in one rate_limit_interval; 0: no limit.").default("0"),
    text("rate_limit_except_level", "Lines of this level and above are always logged.")
        .default("CRITICAL")
        .choices(&["CRITICAL", "ERROR", "INFO", "WARNING", "DEBUG", ""]),
    flag("log_options", "Log all options with their values at the start, when debug is set. Secrets are not shown.")
        .default("true"),
];

const fn text(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new("DEFAULT", name, Kind::Str, help)
}

const fn flag(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new("DEFAULT", name, Kind::Bool, help)
}

const fn number(name: &'static str, help: &'static str) -> OptionDef {
    OptionDef::new("DEFAULT", name, Kind::Int, help)
}
