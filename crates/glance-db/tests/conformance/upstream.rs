//! Upstream's commands and functions on databases of their own, and what its tables look like.
//!
//! `GLANCE_TEST_PYTHON` may name a Python interpreter in which Glance 33 is installed.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use glance_db::Engine;

use crate::support::{Fixture, environment, raw};

/// A database for upstream's commands; there is none when upstream is not at hand.
pub(crate) struct Upstream {
    pub(crate) fixture: Fixture,
    python: PathBuf,
    folder: tempfile::TempDir,
}

impl Upstream {
    pub(crate) async fn empty(engine: Engine) -> Option<Self> {
        let Some(python) = environment("GLANCE_TEST_PYTHON") else {
            println!("SKIPPED: GLANCE_TEST_PYTHON is not set");
            return None;
        };
        let fixture = Fixture::create(engine).await?;
        let upstream = Self { fixture, python: python.into(), folder: tempfile::tempdir().unwrap() };
        let url =
            upstream.fixture.url.replace("mysql:", "mysql+pymysql:").replace("postgresql:", "postgresql+psycopg2:");
        std::fs::write(upstream.config(), format!("[database]\nconnection = {url}\n")).unwrap();
        Some(upstream)
    }

    /// With all tables.
    pub(crate) async fn create(engine: Engine) -> Option<Self> {
        let upstream = Self::empty(engine).await?;
        upstream.manage(&["db_sync"]);
        Some(upstream)
    }

    /// A process that upgrades to the revisions that it is told, one line each, and answers with a line when it is done.
    pub(crate) fn upgrader(&self) -> Upgrader {
        const PROGRAM: &str = "import sys\n\
             from glance.common import config\n\
             from glance.cmd import manage\n\
             config.parse_args(args=[], default_config_files=[sys.argv[1]])\n\
             for line in sys.stdin:\n\
             \x20   manage.DbCommands().upgrade(line.strip())\n\
             \x20   print('done', flush=True)\n";
        let mut command = Command::new(&self.python);
        command.args(["-c", PROGRAM]).arg(self.config()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.stderr(Stdio::null()).spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Upgrader { process, output }
    }

    fn config(&self) -> PathBuf {
        self.file("glance.conf")
    }

    /// A place for a file.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs upstream's `glance-manage`.
    pub(crate) fn manage(&self, arguments: &[&str]) -> String {
        let config = self.config();
        let before = ["-m", "glance.cmd.manage", "--config-file", config.to_str().unwrap()];
        self.run(&[&before, arguments].concat())
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.python).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a program that has upstream's database functions as `db` and an administrator as `admin`.
    pub(crate) fn run_with_functions(&self, program: &str) -> String {
        let before = format!(
            "import sys\n\
             from glance import context\n\
             from glance.common import config\n\
             from glance.db.sqlalchemy import api as db\n\
             config.parse_args(args=[], default_config_files=['{}'])\n\
             admin = context.RequestContext(is_admin=True, project_id='owner')\n",
            self.config().display()
        );
        self.run(&["-c", &(before + program)])
    }
}

/// What describes the tables of a database, whoever made them, columns in their order; the service's own objects are left
/// out. Triggers, which live only between the revisions of one release, are told without their text.
fn descriptions(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::Sqlite => &[
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'rs\\_%' ESCAPE '\\'
             AND tbl_name NOT LIKE 'rs\\_%' ESCAPE '\\' ORDER BY type, name",
            "SELECT m.name, c.name, c.type, CAST(c.\"notnull\" AS TEXT), c.dflt_value, CAST(c.pk AS TEXT)
             FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'rs\\_%' ESCAPE '\\'
             ORDER BY m.name, c.cid",
        ],
        Engine::Postgres => &[
            "SELECT c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
             a.attidentity::text || a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid), l.collname
             FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
             LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             LEFT JOIN pg_collation l ON l.oid = a.attcollation
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0
             AND NOT a.attisdropped AND c.relname NOT LIKE 'rs\\_%' ORDER BY 1, a.attnum",
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
             WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'rs\\_%' ORDER BY 1, 2",
            "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
             AND indexname NOT LIKE 'rs\\_%' ORDER BY 1, 2",
            "SELECT sequence_name, data_type, start_value, minimum_value, maximum_value, increment, cycle_option
             FROM information_schema.sequences WHERE sequence_name NOT LIKE 'rs\\_%' ORDER BY 1",
            "SELECT t.typname, e.enumlabel, e.enumsortorder::text FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
             ORDER BY 1, e.enumsortorder",
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1",
        ],
        Engine::MySql => &[
            "SELECT table_name, table_type, engine, table_collation, create_options, table_comment FROM information_schema.tables
             WHERE table_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%' ORDER BY 1",
            "SELECT table_name, column_name, column_type, is_nullable, column_default, extra,
             collation_name, column_comment, generation_expression FROM information_schema.columns
             WHERE table_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%' ORDER BY table_name, ordinal_position",
            "SELECT table_name, index_name, CAST(seq_in_index AS CHAR), column_name, CAST(non_unique AS CHAR),
             CAST(sub_part AS CHAR), collation, index_type FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%'
             AND index_name NOT LIKE 'rs\\_%' ORDER BY 1, 2, 3",
            "SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name
             FROM information_schema.key_column_usage
             WHERE table_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%' ORDER BY 1, 2, ordinal_position",
            "SELECT table_name, constraint_name, referenced_table_name, update_rule, delete_rule, match_option
             FROM information_schema.referential_constraints
             WHERE constraint_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%' ORDER BY 1, 2",
            "SELECT trigger_name, event_object_table, event_manipulation, action_timing
             FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1",
            "SELECT table_name, constraint_name, check_clause FROM information_schema.check_constraints
             WHERE constraint_schema = DATABASE() AND table_name NOT LIKE 'rs\\_%' ORDER BY 1, 2",
        ],
    }
}

/// SQLite keeps the text of `CREATE`: blanks, quotes and the order of its parts mean nothing here.
fn normalized(cell: &str) -> String {
    let Some((head, body)) = cell.strip_prefix("CREATE TABLE").and_then(|rest| rest.split_once('(')) else {
        return cell.to_owned();
    };
    let body = body.trim_end().trim_end_matches(')').replace('"', "");
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in body.chars() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if c == ',' && depth == 0 { parts.push(String::new()) } else { parts.last_mut().unwrap().push(c) }
    }
    let mut parts: Vec<_> = parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    parts.sort();
    format!("{}: {}", head.trim().replace('"', ""), parts.join(", "))
}

pub(crate) async fn described(engine: Engine, url: &str) -> Vec<String> {
    let mut all = Vec::new();
    for sql in descriptions(engine) {
        let rows = raw(url, sql).await;
        all.extend(rows.iter().map(|row| row.iter().map(|cell| normalized(cell)).collect::<Vec<_>>().join(" | ")));
    }
    all
}

/// Fails with the lines that only one of the two has.
pub(crate) fn assert_same(ours: &[String], theirs: &[String], when: &str) {
    let only = |a: &[String], b: &[String]| a.iter().filter(|line| !b.contains(line)).cloned().collect::<Vec<_>>();
    assert_eq!((only(ours, theirs), only(theirs, ours)), (vec![], vec![]), "{when}");
    assert!(ours == theirs, "{when}: the same lines in another order: {ours:?}");
}

/// See [`Upstream::upgrader`].
pub(crate) struct Upgrader {
    process: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Upgrader {
    pub(crate) fn upgrade(&mut self, revision: &str) {
        writeln!(self.process.stdin.as_mut().unwrap(), "{revision}").unwrap();
        while self.output.next().unwrap().unwrap() != "done" {}
    }
}

impl Drop for Upgrader {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().unwrap();
    }
}
