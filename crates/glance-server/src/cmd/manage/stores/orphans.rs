//! Data that nothing names: how it is made sure, and how it is removed.

use std::time::Duration;

use glance_db::Database;
use glance_domain::{ImageId, Status};
use glance_store::{Found, Kind, NewObject, Phase, StoreContext, StoreEntry, What};

use super::named::Named;
use super::report::{Finding, Wrong};

/// Characters of a UUID.
const UUID: usize = 36;

/// Something in a store, and the image that it is named after.
pub(super) struct Candidate {
    pub(super) found: Found,
    pub(super) image: ImageId,
}

/// What there is to think of something in a store.
pub(super) enum Thought {
    /// The catalogue names it.
    Named,
    /// It is named after an image, and nothing names it so far.
    Candidate(Candidate),
    /// Nobody knows what it is.
    Foreign(Found),
}

/// What there is to think of `found`.
pub(super) fn think(named: &Named<'_>, entry: &StoreEntry, found: Found) -> Thought {
    let image = match &found.what {
        What::Object => image_of(&found.name),
        What::Draft { image, .. } => Some(image.clone()),
        What::Unknown => None,
    };
    // Names of images of old can be anything.
    let after = image.clone().or_else(|| ImageId::parse(&found.name).ok());
    if named.has(entry, &found, after.as_ref()) {
        return Thought::Named;
    }
    match image.filter(is_uuid) {
        Some(image) => Thought::Candidate(Candidate { found, image }),
        None => Thought::Foreign(found),
    }
}

/// The image that an object is named after: `<id>`, or `<id>.<n>` of a later attempt.
fn image_of(name: &str) -> Option<ImageId> {
    let (id, rest) = name.split_at_checked(UUID)?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_attempt = rest.is_empty() || rest.strip_prefix('.').is_some_and(is_number);
    ImageId::parse(id).ok().filter(|image| is_attempt && is_uuid(image))
}

fn is_uuid(image: &ImageId) -> bool {
    image.as_str().len() == UUID && uuid::Uuid::try_parse(image.as_str()).is_ok()
}

/// Whether orphans are removed.
#[derive(Clone, Copy)]
pub(super) enum Repair {
    /// They are only told.
    Never,
    /// Those that were written longer ago.
    After(Duration),
}

/// Looks again whether the candidate is an orphan, and removes it if that is wanted and safe. `None` if it is none.
///
/// Names are never used twice, and a record is written before anything appears under its name and ends, at the earliest,
/// with the location. What was there before one moment at which there was neither record nor location therefore belongs
/// to nobody, and never will: unless Python Glance, which writes no records, is at work. Hence the status and the age.
pub(super) async fn settle(
    (db, named): (&Database, &mut Named<'_>),
    entry: &StoreEntry,
    candidate: &Candidate,
    repair: Repair,
) -> anyhow::Result<Option<Finding>> {
    let Candidate { found, image } = candidate;
    let claims = db.claims_of(image).await?;
    let goes_on = matches!(claims.status, Some(Status::Saving | Status::Uploading | Status::Importing));
    for location in &claims.locations {
        named.add_location(location).await;
    }
    if claims.has_records || goes_on || named.has(entry, found, Some(image)) {
        return Ok(None);
    }
    let Some(mut finding) = describe(entry, candidate).await else { return Ok(None) };
    let Repair::After(safe) = repair else { return Ok(Some(finding)) };
    if finding.age.is_none_or(|age| age < safe) {
        finding.note = Some("it is too young to be removed".to_owned());
        return Ok(Some(finding));
    }
    match remove(entry, candidate).await {
        Ok(()) => finding.is_removed = true,
        Err(error) if error.kind() == Kind::NotFound => return Ok(None),
        Err(error) => finding.note = Some(format!("it cannot be removed: {error}")),
    }
    tracing::info!(store = %entry.id, object = found.name, removed = finding.is_removed, "an orphan");
    Ok(Some(finding))
}

/// What there is to say about an orphan; `None` if it is gone.
async fn describe(entry: &StoreEntry, candidate: &Candidate) -> Option<Finding> {
    let (Candidate { found, image }, context) = (candidate, StoreContext::default());
    let is_draft = matches!(found.what, What::Draft { .. });
    let wrong = if is_draft { Wrong::Draft } else { Wrong::Orphan };
    let mut finding = Finding::about(wrong, image, Some(entry.id.to_string()));
    finding.object = Some(found.name.clone());
    match entry.driver.modified(&context, found).await {
        Ok(modified) => finding.age = modified.map(|modified| modified.elapsed().unwrap_or_default()),
        Err(error) if error.kind() == Kind::NotFound => return None,
        Err(error) => finding.note = Some(error.to_string()),
    }
    if !is_draft {
        finding.bytes = entry.driver.size(&context, &found.url).await.ok();
    }
    Some(finding)
}

async fn remove(entry: &StoreEntry, candidate: &Candidate) -> glance_store::Result<()> {
    let (context, image) = (StoreContext::default(), &candidate.image);
    match &candidate.found.what {
        What::Draft { attempt, .. } => {
            let (name, attempt) = (image.to_string(), attempt.clone());
            let draft = NewObject { image: image.clone(), name, attempt, size_hint: None };
            entry.driver.abandon(&context, &draft, Phase::Writing, None).await
        }
        _ => entry.driver.delete(&context, &candidate.found.url).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_service_are_understood() {
        let id = "0c5c3b0f-7b8e-4bd0-9a4f-5c3b0f7b8e4b";
        for name in [id.to_owned(), format!("{id}.1"), format!("{id}.000017")] {
            assert_eq!(image_of(&name).unwrap().as_str(), id, "{name}");
        }
        let bad = [format!("{id}."), format!("{id}1"), format!("{id}.x"), format!("{id}.1.1"), format!("x{id}")];
        for name in bad.iter().map(String::as_str).chain(["", "image-1", "README", &"0".repeat(36), &id[1..]]) {
            assert!(image_of(name).is_none(), "{name}");
        }
    }
}
