//! `glance-manage work`: records of work on stores that has not ended.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::bail;
use glance_db::{Database, ListedNode, Record, Work, WorkId};
use serde_json::{Map, Value, json};

use super::arguments::{Forget, WorkCommand};
use super::{say, spell};

/// What a table shows of a long text.
const SHORT: usize = 60;

/// How records are shown.
#[derive(Clone, Copy)]
struct View {
    shows_urls: bool,
}

pub(super) async fn run(command: WorkCommand, db: &Database) -> anyhow::Result<ExitCode> {
    if !db.has_own_tables().await? {
        return match command {
            WorkCommand::List(_) => say("There are no records: this service does not use the catalogue."),
            WorkCommand::Show(_) | WorkCommand::Forget(_) => bail!("There are no records."),
        };
    }
    let (records, nodes) = (db.list_work().await?, db.list_nodes().await?);
    match command {
        WorkCommand::List(wanted) if wanted.json => {
            let view = View { shows_urls: wanted.show_urls };
            let mut out = std::io::stdout().lock();
            for record in &records {
                writeln!(out, "{}", Value::Object(facts(record, &nodes, view)))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        WorkCommand::List(wanted) => list(&records, &nodes, View { shows_urls: wanted.show_urls }),
        WorkCommand::Show(wanted) => {
            let facts = facts(find(&records, &wanted.id)?, &nodes, View { shows_urls: wanted.show_urls });
            if wanted.json { say(Value::Object(facts).to_string()) } else { show(&facts) }
        }
        WorkCommand::Forget(wanted) => forget(db, find(&records, &wanted.id)?, &nodes, &wanted).await,
    }
}

fn find<'r>(records: &'r [Record], id: &str) -> anyhow::Result<&'r Record> {
    match records.iter().find(|record| record.id.as_str() == id) {
        Some(record) => Ok(record),
        None => bail!("There is no record {id}. Records get new names whenever somebody begins to work on them."),
    }
}

/// Whether the node may be at work.
fn is_live(node: &ListedNode) -> bool {
    node.standing == glance_db::Standing::Live && node.silence <= node.node.lease
}

fn node_of<'n>(record: &Record, nodes: &'n [ListedNode]) -> Option<&'n ListedNode> {
    nodes.iter().find(|node| node.node.id == record.node)
}

fn facts(record: &Record, nodes: &[ListedNode], view: View) -> Map<String, Value> {
    let node = node_of(record, nodes);
    let (transfer, url) = match &record.work {
        Work::Upload(transfer) => (Some(transfer), None),
        Work::Removal { url, .. } => (None, Some(url).filter(|_| view.shows_urls)),
        Work::Delete | Work::Later { .. } => (None, None),
    };
    let all = json!({
        "id": record.id.as_str(),
        "kind": record.work.kind(),
        "image": record.image.as_str(),
        "store": record.work.store().map(glance_domain::StoreId::as_str),
        "phase": transfer.map(|transfer| transfer.phase.as_str()),
        "object": transfer.map(|transfer| transfer.name.as_str()),
        "attempt": transfer.map(|transfer| transfer.attempt.as_str()),
        "node": node.map_or(record.node.as_str(), |node| node.node.name.as_str()),
        "node_pid": node.map(|node| node.node.pid),
        "node_is_live": node.is_some_and(is_live),
        "age_seconds": record.age.map(|age| age.as_secs()),
        "tries": record.tries,
        "next_try_seconds": (record.tries > 0).then_some(record.wait.as_secs()),
        "reserved_bytes": record.reserved,
        "problem": record.problem,
        "url": url.map(|url| without_login(url)),
    });
    let Value::Object(all) = all else { return Map::new() };
    all.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn show(facts: &Map<String, Value>) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    for (name, value) in facts {
        writeln!(out, "{name:17} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list(records: &[Record], nodes: &[ListedNode], view: View) -> anyhow::Result<ExitCode> {
    if records.is_empty() {
        return say("There are no records: nothing is under way and nothing is left to do.");
    }
    let head = ["ID", "KIND", "IMAGE", "STORE", "PHASE", "NODE", "AGE", "TRIES", "NEXT", "PROBLEM"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(records.iter().map(|record| row(record, nodes, view)));
    let widths: Vec<_> = (0..head.len()).map(|at| rows.iter().map(|row| row[at].chars().count()).max()).collect();
    let mut out = std::io::stdout().lock();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:0$}", width.unwrap_or(0)));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(record: &Record, nodes: &[ListedNode], view: View) -> [String; 10] {
    let phase = match &record.work {
        Work::Upload(transfer) => transfer.phase.as_str(),
        _ => "",
    };
    let node = match node_of(record, nodes) {
        Some(node) if is_live(node) => node.node.name.clone(),
        Some(node) => format!("{} (silent)", node.node.name),
        None => "(gone)".to_owned(),
    };
    let mut problem: String = record.problem.iter().flat_map(|problem| problem.chars()).take(SHORT).collect();
    if let (Work::Removal { url, .. }, true) = (&record.work, view.shows_urls) {
        problem = format!("{} {problem}", without_login(url));
    }
    [
        record.id.to_string(),
        record.work.kind().to_owned(),
        record.image.to_string(),
        record.work.store().map(ToString::to_string).unwrap_or_default(),
        phase.to_owned(),
        node,
        record.age.map(spell).unwrap_or_default(),
        record.tries.to_string(),
        if record.tries > 0 { spell(record.wait) } else { String::new() },
        problem,
    ]
}

async fn forget(db: &Database, record: &Record, nodes: &[ListedNode], wanted: &Forget) -> anyhow::Result<ExitCode> {
    let may_work = record.tries == 0 && node_of(record, nodes).is_some_and(is_live);
    if may_work && !wanted.force {
        bail!(
            "A running service works on the record, or is about to. If it is forgotten, the work fails and its data may \
             stay. Say --force to forget it nevertheless."
        );
    }
    if !db.forget_work(&WorkId::new(wanted.id.as_str())).await? {
        bail!("The record {} has ended, or somebody works on it under another name.", wanted.id);
    }
    say(format!(
        "The record is forgotten. `glance-manage store audit` shows whether data of image {} is left.",
        record.image
    ))
}

/// A URL without user, password and parameters, which can be a signature.
fn without_login(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (place, path) = rest.split_once('/').map_or((rest, None), |(place, path)| (place, Some(path)));
            let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
            format!("{scheme}://{host}{}", path.map(|path| format!("/{path}")).unwrap_or_default())
        }
        None => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_secrets() {
        for (url, shown) in [
            ("file:///images/one", "file:///images/one"),
            ("swift+https://user:secret@host:1/v1/c/o", "swift+https://host:1/v1/c/o"),
            ("s3://key:sec@ret@host/b/o?X-Amz-Signature=1#x", "s3://host/b/o"),
            ("s3://key:secret@host", "s3://host"),
            ("nonsense", "…"),
        ] {
            assert_eq!(without_login(url), shown);
        }
    }
}
