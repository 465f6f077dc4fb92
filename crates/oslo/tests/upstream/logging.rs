//! Logging configuration files: Python's `logging.config.fileConfig` and ours make the same of them.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use oslo::logging::{
    Configuration, ContextFormat, ContextStrings, Destination, Formatter, Level, Process, Record, Rotation, Stream,
    SyslogAddress, When, read,
};
use serde_json::{Value, json};

use super::random::Random;
use super::{answers, python};

const SCRIPT: &str = include_str!("logging.py");
const CREATED: f64 = 1_700_000_000.25;
const MESSAGE: &str = "Image 5 of 7 % {x} $y";
/// How many files are made up.
const FILES: usize = 400;

#[test]
fn files_mean_the_same() {
    let Some(python) = python() else { return };
    let mut random = Random::new(11);
    let mut cases: Vec<Value> = FIXED.iter().map(|file| case(file, &mut random)).collect();
    cases.extend((0..FILES).map(|_| {
        let file = made_up(&mut random);
        case(&file, &mut random)
    }));
    let expected = answers(&python, SCRIPT, &cases);
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for (case, expected) in cases.iter().zip(&expected) {
        let found = understood(case);
        *tally.entry(if found == "error" { "error" } else { "understood" }).or_default() += 1;
        if found != *expected {
            differences.push(format!("{}\n  Python {expected}\n  here   {found}", case["file"].as_str().unwrap()));
        }
    }
    println!("{} logging files: {tally:?}, {} differences", cases.len(), differences.len());
    assert!(differences.is_empty(), "{}", differences[..differences.len().min(5)].join("\n"));
    assert!(tally["error"] > 30 && tally["understood"] > 100, "{tally:?}");
}

fn case(file: &str, random: &mut Random) -> Value {
    let context = random.chance(50).then(|| {
        json!({"user": "u1", "project": "p1", "domain": random.chance(50).then_some("d1"), "request_id": "req-7",
               "global_request_id": random.chance(50).then_some("req-9")})
    });
    let asked: Vec<Value> = ["glance", "glance.api", "glance.api.v2.images", "sqlalchemy.engine", "other"]
        .iter()
        .flat_map(|name| [5, 10, 20, 30, 40, 50].map(|level| json!([name, level])))
        .collect();
    json!({
        "file": file,
        "asked": asked,
        "context": context,
        "record": {
            "name": "glance.api.v2", "level": random.pick(&[10, 20, 30, 40, 50]), "pathname": "/usr/lib/api/v2.rs",
            "line": 42, "message": MESSAGE, "function": "show", "created": CREATED, "msecs": 250, "uptime": 1500,
            "process": 77, "process_name": "MainProcess", "thread": 123_456, "thread_name": "MainThread",
        },
    })
}

fn understood(case: &Value) -> Value {
    let context = ContextFormat::new(&ContextStrings::default()).unwrap();
    let Ok(configuration) = read(case["file"].as_str().unwrap(), &context) else { return json!("error") };
    let asked = case["asked"].as_array().unwrap().iter().map(|pair| {
        let level = Level(u32::try_from(pair[1].as_u64().unwrap()).unwrap());
        configuration.receivers(pair[0].as_str().unwrap(), level).map(str::to_owned).collect::<Vec<_>>()
    });
    let handlers: BTreeMap<&String, Value> =
        configuration.handlers.iter().map(|(name, handler)| (name, destination(&handler.destination))).collect();
    json!({"handlers": handlers, "lines": lines(&configuration, case), "receivers": asked.collect::<Vec<_>>()})
}

fn lines(configuration: &Configuration, case: &Value) -> BTreeMap<String, String> {
    let given = &case["context"];
    let text = |name: &str| given[name].as_str().map(str::to_owned);
    let context: Vec<(&'static str, Option<String>)> = vec![
        ("request_id", text("request_id")),
        ("global_request_id", text("global_request_id")),
        ("user", text("user")),
        ("project", text("project")),
        ("domain", None),
        ("system_scope", None),
        ("user_domain", text("domain")),
        ("project_domain", text("domain")),
    ];
    let time: DateTime<FixedOffset> = DateTime::parse_from_rfc3339("2023-11-14T22:13:20.250+00:00").unwrap();
    let record = Record {
        name: "glance.api.v2",
        level: Level(u32::try_from(case["record"]["level"].as_u64().unwrap()).unwrap()),
        message: MESSAGE,
        error: None,
        time,
        pathname: "/usr/lib/api/v2.rs",
        line: 42,
        function: "show",
        process: Process {
            id: 77,
            name: "MainProcess",
            thread: 123_456,
            thread_name: "MainThread",
            host: "h",
            uptime: 1500,
        },
        context: (!given.is_null()).then_some(context.as_slice()),
        extra: &[],
        color: false,
    };
    let line = |formatter: &Formatter| match formatter {
        Formatter::Json { .. } => "json".to_owned(),
        formatter => formatter.line(&record),
    };
    configuration.handlers.iter().map(|(name, handler)| (name.clone(), line(&handler.formatter))).collect()
}

fn destination(destination: &Destination) -> Value {
    match destination {
        Destination::Null => json!(["null"]),
        Destination::Stream { stream, color } => {
            json!(["stream", if *stream == Stream::Stdout { "stdout" } else { "stderr" }, color])
        }
        Destination::File { path, watched, truncate } => json!(["file", path, watched, truncate]),
        Destination::Rotating { path, rotation: Rotation::Size(most), backups } => {
            json!(["size", path, most, backups])
        }
        Destination::Rotating { path, rotation: Rotation::Time { when, utc, .. }, backups } => {
            let when = match when {
                When::Second => "S".to_owned(),
                When::Minute => "M".to_owned(),
                When::Hour => "H".to_owned(),
                When::Day => "D".to_owned(),
                When::Midnight => "MIDNIGHT".to_owned(),
                When::Weekday(day) => format!("W{day}"),
            };
            json!(["time", path, when, backups, utc])
        }
        Destination::Syslog { header: true, .. } => json!(["os-syslog"]),
        Destination::Syslog { address, facility, .. } => {
            let address = match address {
                SyslogAddress::Unix(path) => json!(path),
                SyslogAddress::Udp(host, port) | SyslogAddress::Tcp(host, port) => json!([host, port]),
            };
            json!(["syslog", address, facility])
        }
        Destination::Journal { .. } => json!(["journal"]),
    }
}

const HANDLERS: &[(&str, &str)] = &[
    ("StreamHandler", "(sys.stdout,)"),
    ("StreamHandler", "(sys.stderr,)"),
    ("StreamHandler", "()"),
    ("logging.StreamHandler", "[sys.stdout]"),
    ("FileHandler", "('api.log',)"),
    ("FileHandler", "('api.log', 'w')"),
    ("FileHandler", "(\"api.log\", \"a\", \"utf-8\")"),
    ("handlers.WatchedFileHandler", "('api.log',)"),
    ("logging.handlers.WatchedFileHandler", "('sub' 'api.log', 'a')"),
    ("handlers.RotatingFileHandler", "('api.log', 'a', 10*1024*1024, 5)"),
    ("handlers.RotatingFileHandler", "('api.log',)"),
    ("handlers.TimedRotatingFileHandler", "('api.log', 'midnight', 1, 7)"),
    ("handlers.TimedRotatingFileHandler", "('api.log', 'W6', 1, 0, None, False, True)"),
    ("handlers.TimedRotatingFileHandler", "('api.log', 's')"),
    ("handlers.SysLogHandler", "('/dev/log', handlers.SysLogHandler.LOG_LOCAL3)"),
    ("handlers.SysLogHandler", "(('127.0.0.1', 5514), handlers.SysLogHandler.LOG_DAEMON)"),
    ("handlers.SysLogHandler", "(('127.0.0.1', handlers.SYSLOG_UDP_PORT), 'local0')"),
    ("handlers.SysLogHandler", "()"),
    ("oslo_log.handlers.OSSysLogHandler", "()"),
    ("oslo_log.handlers.ColorHandler", "()"),
    ("NullHandler", "()"),
    ("logging.NullHandler", "()"),
];

const WRONG_HANDLERS: &[(&str, &str)] = &[
    ("FileHandler", "()"),
    ("FileHandler", "('api.log'"),
    ("StreamHandler", "(sys.stdout)"),
    ("handlers.NoSuchHandler", "()"),
    ("handlers.TimedRotatingFileHandler", "('api.log', 'fortnight')"),
    ("FileHandler", "('api.log', 'a', None, False, None, 1)"),
    ("StreamHandler", "(nowhere,)"),
];

const FORMATS: &[&str] = &[
    "format = %(asctime)s %(levelname)s [%(name)s] %(message)s",
    "format = %(asctime)s.%(msecs)03d %(process)d %(levelname)-8s|%(name)20.6s|%(message)s %%",
    "format = %(created)f %(created).3f %(levelno)05d %(lineno)+d %(lineno)x %(lineno) d",
    "format = %(filename)s:%(lineno)-6d:%(funcName)s %(module)s %(pathname)s %(message)s",
    "format = %(threadName)s %(thread)d %(processName)s %(relativeCreated)d %(message)s",
    "format = %(message)s\n  over two lines",
    "format = {asctime} {levelname:<8} {name!s:>20} {message}\nstyle = {",
    "format = {msecs:07.2f} {lineno:04d} {message:^40} {{}}\nstyle = {",
    "format = $asctime ${levelname}: $message $$\nstyle = $",
    "format =",
    "datefmt = %d/%m/%y %H:%M",
    "format = %(asctime)s %(message)s\ndatefmt = %Y-%m-%dT%H:%M:%S%z %j %a %b %p",
    "class = logging.Formatter\nformat = %(message)s",
    "class = oslo_log.formatters.ContextFormatter",
    "class = oslo_log.formatters.ContextFormatter\ndatefmt = %Y-%m-%d",
    "class = oslo_log.formatters.JSONFormatter",
];

const WRONG_FORMATS: &[&str] = &[
    "format = no field",
    "format = %(message)",
    "format = {message}",
    "format = {message\nstyle = {",
    "format = $\nstyle = $",
    "format = %(message)s\nstyle = #",
    "class = nowhere.Formatter",
];

const LEVELS: &[&str] =
    &["", "level = DEBUG\n", "level = INFO\n", "level = WARN\n", "level = ERROR\n", "level = NOTSET\n"];

/// A file with random loggers, handlers and formatters; one in four has a mistake.
fn made_up(random: &mut Random) -> String {
    let mistake = if random.chance(25) { random.below(8) } else { 8 };
    let mut file = String::new();
    if random.chance(20) {
        file.push_str("[DEFAULT]\nlevel = INFO\n");
    }
    let names = ["one", "two", "three"];
    file +=
        &format!("[formatters]\nkeys = {}\n", if mistake == 0 { "one, two, three, four" } else { "one, two,three" });
    for name in names {
        let format = if mistake == 1 { random.pick(WRONG_FORMATS) } else { random.pick(FORMATS) };
        file += &format!("[formatter_{name}]\n{format}\n");
    }
    file += "[handlers]\nkeys = one, two, three\n";
    for name in names {
        let (class, args) = if mistake == 2 { random.pick(WRONG_HANDLERS) } else { random.pick(HANDLERS) };
        let level = if mistake == 3 { "level = LOUD\n" } else { random.pick(LEVELS) };
        let formatter = if mistake == 4 { "formatter = nix\n" } else { "" };
        let formatter = if random.chance(80) { &format!("formatter = {}\n", random.pick(&names)) } else { formatter };
        file += &format!("[handler_{name}]\nclass = {class}\nargs = {args}\n{level}{formatter}");
    }
    file += &format!("[loggers]\nkeys = {}api, images\n", if mistake == 5 { "" } else { "root, " });
    file += &format!("[logger_root]\n{}handlers = {}\n", random.pick(LEVELS), random.pick(&["one", "one, two", ""]));
    for (name, qualname) in [("api", "glance.api"), ("images", random.pick(&["glance.api.v2.images", "glance"]))] {
        let qualname = if mistake == 6 { String::new() } else { format!("qualname = {qualname}\n") };
        let propagate = random.pick(&["", "propagate = 0\n", "propagate = 1\n"]);
        let propagate = if mistake == 7 { "propagate = no\n" } else { propagate };
        let handlers = random.pick(&["", "three", "two,three"]);
        file += &format!("[logger_{name}]\n{}{qualname}{propagate}handlers = {handlers}\n", random.pick(LEVELS));
    }
    file
}

/// Files as deployments have them, and the edges of the format.
const FIXED: &[&str] = &[
    "[loggers]\nkeys=root,api\n[handlers]\nkeys=null,devel\n[formatters]\nkeys=normal\n\
     [logger_root]\nlevel=NOTSET\nhandlers=devel\n[logger_api]\nlevel=DEBUG\nhandlers=devel\nqualname=glance\n\
     propagate=0\n[handler_null]\nclass=NullHandler\nformatter=normal\nargs=()\n[handler_devel]\nclass=StreamHandler\n\
     level=NOTSET\nargs=(sys.stdout,)\nformatter=normal\n[formatter_normal]\nformat=%(asctime)s %(message)s\n",
    "[loggers]\nkeys: root\n[handlers]\nkeys: production\n[formatters]\nkeys:\n[logger_root]\nhandlers: production\n\
     [handler_production]\nclass: handlers.SysLogHandler\nargs: ('/dev/log', handlers.SysLogHandler.LOG_USER)\n",
    "[loggers]\nkeys=root\n[handlers]\nkeys=file\n[formatters]\nkeys=\n[logger_root]\nlevel=WARNING\nhandlers=file\n\
     [handler_file]\nclass=FileHandler\nkwargs={'filename': 'x.log', 'mode': 'w', 'delay': True}\n",
    "[DEFAULT]\nfolder = sub\n[loggers]\nkeys=root\n[handlers]\nkeys=file\n[formatters]\nkeys=\n[logger_root]\n\
     handlers=file\n[handler_file]\nclass=FileHandler\nargs=('%(folder)s-x.log',)\n",
    "",
    "[loggers]\nkeys=root\n",
    "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nhandlers=\n",
    "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nlevel=INFO\n",
    "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nhandlers=a\n",
    "[loggers]\nkeys=root,again\n[handlers]\nkeys=a\n[formatters]\nkeys=\n[logger_root]\nhandlers=\n\
     [logger_again]\nqualname=root\nhandlers=a\nlevel=ERROR\n[handler_a]\nclass=NullHandler\n",
    "[loggers]\nkeys=root,x,y\n[handlers]\nkeys=a\n[formatters]\nkeys=\n[logger_root]\nhandlers=\nlevel=DEBUG\n\
     [logger_x]\nqualname=glance\nhandlers=a\nlevel=ERROR\n[logger_y]\nqualname=glance\nhandlers=\npropagate=0\n\
     [handler_a]\nclass=NullHandler\n",
    "[loggers]\nkeys=root\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nhandlers=\n",
    "[loggers]\nKEYS=root\n[handlers]\nKeys=\n[formatters]\nkeys=\n[logger_root]\nHandlers=\n; comment\n# comment\n",
    "[loggers]\nkeys=root\n[handlers]\nkeys=f\n[formatters]\nkeys=\n[logger_root]\nhandlers=f\n[handler_f]\n\
     class=FileHandler\nargs=('%(missing)s',)\n",
    "[loggers]\nkeys=root\n[handlers]\nkeys=f\n[formatters]\nkeys=\n[logger_root]\nhandlers=f\n[handler_f]\n\
     class=handlers.RotatingFileHandler\nargs=('x.log',)\nkwargs={'maxBytes': 1024 * 4, 'backupCount': 2}\n",
];
