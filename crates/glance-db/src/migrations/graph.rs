//! How revisions build on each other, and what is to be done to get from one to another.

use std::collections::BTreeSet;

use super::revision::Revision;
use super::versions;
use crate::error::{Error, Kind, Result};

/// The first revision under Alembic.
pub const INITIAL: &str = "liberty";

/// The last revision of the branch that only adds.
pub const EXPAND_HEAD: &str = "2024_1_expand01";

/// The newest revision.
pub const HEAD: &str = crate::schema::head::REVISION;

/// Every revision, each after those that it builds on.
pub(crate) static REVISIONS: [&Revision; 29] = versions::ALL;

/// Alembic's own words for the newest revision, beside its name.
const NEWEST: [&str; 2] = ["head", "heads"];

/// The revision that an operator names.
pub(crate) fn resolve(name: &str) -> Result<&'static str> {
    if NEWEST.contains(&name) {
        return Ok(HEAD);
    }
    if let Some(revision) = find(name) {
        return Ok(revision.id);
    }
    let mut begun = REVISIONS.iter().filter(|revision| !name.is_empty() && revision.id.starts_with(name));
    match (begun.next(), begun.next()) {
        (Some(revision), None) => Ok(revision.id),
        (Some(_), Some(_)) => Err(Error::new(Kind::Invalid, format!("several revisions begin with '{name}'"))),
        (None, _) => {
            let text = format!("there is no revision '{name}'; see `glance-manage db status`");
            Err(Error::new(Kind::Invalid, text))
        }
    }
}

/// The names under which two revisions were known before upstream split them into branches.
pub(crate) fn modern_name(name: String) -> String {
    match name.as_str() {
        "ocata01" => "ocata_contract01".into(),
        "pike01" => "pike_contract01".into(),
        _ => name,
    }
}

/// All revisions that are applied when `alembic_version` holds `heads`.
///
/// # Errors
/// [`Kind::Conflict`] for an unknown revision.
pub(crate) fn applied<'h>(heads: impl IntoIterator<Item = &'h String>) -> Result<BTreeSet<&'static str>> {
    let mut applied = BTreeSet::new();
    for head in heads {
        let unknown = || Error::new(Kind::Conflict, format!("the database is at revision {head}, which is not known"));
        add_with_parents(find(head).ok_or_else(unknown)?, &mut applied);
    }
    Ok(applied)
}

/// The revisions of a set on which no other of the set builds.
pub(crate) fn heads(applied: &BTreeSet<&'static str>) -> BTreeSet<String> {
    let is_applied = |revision: &&&'static Revision| applied.contains(revision.id);
    let built_on: BTreeSet<_> = REVISIONS.iter().filter(is_applied).flat_map(|revision| revision.parents()).collect();
    applied.iter().filter(|id| !built_on.contains(*id)).map(|id| (*id).to_owned()).collect()
}

/// Whether any of the applied revisions builds on this one.
pub(crate) fn is_built_on(revision: &Revision, applied: &BTreeSet<&'static str>) -> bool {
    let builds_on_it = |id: &&'static str| find(id).is_some_and(|other| other.parents().any(|id| id == revision.id));
    applied.iter().any(builds_on_it)
}

/// The names in the order of the revisions, those that are not known at the end.
pub(crate) fn sorted(names: BTreeSet<String>) -> Vec<String> {
    let mut names: Vec<_> = names.into_iter().collect();
    let place = |name: &String| REVISIONS.iter().position(|revision| revision.id == name);
    names.sort_by_key(|name| place(name).unwrap_or(REVISIONS.len()));
    names
}

/// What is missing up to `target`, in the order of application.
pub(crate) fn to_apply(heads: &[String], target: &str) -> Result<Vec<&'static Revision>> {
    let (applied, wanted) = (applied(heads)?, up_to(target)?);
    let is_due = |revision: &&'static Revision| wanted.contains(revision.id) && !applied.contains(revision.id);
    Ok(REVISIONS.into_iter().filter(is_due).collect())
}

/// What is applied and not needed by `target`, in the order of reverting.
pub(crate) fn to_revert(heads: &[String], target: &str) -> Result<Vec<&'static Revision>> {
    let (applied, wanted) = (applied(heads)?, up_to(target)?);
    let is_due = |revision: &&'static Revision| applied.contains(revision.id) && !wanted.contains(revision.id);
    Ok(REVISIONS.into_iter().rev().filter(is_due).collect())
}

fn up_to(target: &str) -> Result<BTreeSet<&'static str>> {
    applied([&resolve(target)?.to_owned()])
}

fn find(id: &str) -> Option<&'static Revision> {
    REVISIONS.into_iter().find(|revision| revision.id == id)
}

fn add_with_parents(revision: &'static Revision, set: &mut BTreeSet<&'static str>) {
    if set.insert(revision.id) {
        revision.parents().filter_map(find).for_each(|parent| add_with_parents(parent, set));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(heads: &[&str]) -> Vec<String> {
        heads.iter().map(|&head| head.to_owned()).collect()
    }

    fn ids(revisions: &[&Revision]) -> Vec<&'static str> {
        revisions.iter().map(|revision| revision.id).collect()
    }

    #[test]
    fn every_revision_comes_after_those_that_it_builds_on() {
        let mut seen = BTreeSet::new();
        for revision in REVISIONS {
            assert!(revision.parents().all(|parent| seen.contains(parent)), "{}", revision.id);
            assert!(seen.insert(revision.id), "{} twice", revision.id);
            let one_way = revision.id == INITIAL;
            assert_eq!(revision.upgrade.is_empty(), revision.downgrade.is_empty() && !one_way, "{}", revision.id);
        }
        assert_eq!(heads(&seen), BTreeSet::from([HEAD.to_owned()]));
    }

    #[test]
    fn rows_stand_for_all_that_they_build_on() {
        let cases: &[(&[&str], usize)] = &[
            (&[], 0),
            (&["liberty"], 1),
            (&["ocata_contract01"], 5),
            (&["ocata_contract01", "pike_expand01"], 6),
            (&["2024_1_expand01"], 16),
            (&["2024_1_contract01"], 29),
        ];
        for (rows, count) in cases {
            let applied = applied(&names(rows)).unwrap();
            assert_eq!(applied.len(), *count, "{rows:?}");
            assert_eq!(heads(&applied), names(rows).into_iter().collect(), "{rows:?}");
        }
        assert_eq!(super::applied(&names(&["2031_1_expand01"])).unwrap_err().kind(), Kind::Conflict);
    }

    #[test]
    fn plans_go_both_ways() {
        assert_eq!(
            ids(&to_apply(&names(&["ocata_contract01"]), "pike_contract01").unwrap()),
            ["pike_expand01", "pike_contract01"]
        );
        assert_eq!(
            ids(&to_revert(&names(&["pike_contract01"]), "ocata_contract01").unwrap()),
            ["pike_contract01", "pike_expand01"]
        );
        assert_eq!(to_apply(&[], "heads").unwrap().len(), REVISIONS.len());
        assert!(to_apply(&names(&[HEAD]), "mitaka01").unwrap().is_empty());
        for unknown in ["newton", "", "+1", "queens", "mitaka0"] {
            assert_eq!(to_apply(&[], unknown).err().map(|error| error.kind()), Some(Kind::Invalid), "{unknown:?}");
        }
        assert_eq!(resolve("queens_e").unwrap(), "queens_expand01");
    }
}
