//! The key under which locations name their store: `backend` before Train, `store` since.
//!
//! Only the key of the object itself is renamed and nothing else of the text is touched: the rest of the metadata is the
//! operator's.

use sea_query::{Expr, ExprTrait as _, Order, Query};

use crate::error::Result;
use crate::sql::{Columns, Transaction};

/// How many locations are looked at in one query.
const BATCH: u64 = 500;

/// A key of location metadata and its new name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rename {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
}

/// What Train does.
pub(crate) const TO_STORE: Rename = Rename { from: "backend", to: "store" };

/// The way back.
pub(crate) const TO_BACKEND: Rename = Rename { from: "store", to: "backend" };

/// A location that needs the change, with its new metadata.
struct Renamed {
    id: i64,
    metadata: String,
}

impl Rename {
    /// Renames the key of all locations.
    pub(crate) async fn run(self, transaction: &mut Transaction) -> Result<u64> {
        let (mut rows, mut last) = (0, i64::MIN);
        while let Some(after) = self.run_batch(transaction, last, &mut rows).await? {
            last = after;
        }
        Ok(rows)
    }

    /// Renames the key of the locations of one batch after `last` and counts them; gives the last one looked at.
    pub(crate) async fn run_batch(
        self,
        transaction: &mut Transaction,
        last: i64,
        rows: &mut u64,
    ) -> Result<Option<i64>> {
        let (after, renamed) = self.batch(transaction, last).await?;
        for Renamed { id, metadata } in renamed {
            let mut update = Query::update();
            update.table("image_locations").value("meta_data", metadata).and_where(Expr::col("id").eq(id));
            *rows += transaction.execute(&update).await?;
        }
        Ok(after)
    }

    /// How many locations need the change.
    pub(crate) async fn count(self, transaction: &mut Transaction) -> Result<u64> {
        let (mut rows, mut last) = (0, i64::MIN);
        while let (Some(after), renamed) = self.batch(transaction, last).await? {
            rows += renamed.len() as u64;
            last = after;
        }
        Ok(rows)
    }

    /// Whether any location needs the change.
    pub(crate) async fn is_pending(self, transaction: &mut Transaction) -> Result<bool> {
        let mut last = i64::MIN;
        loop {
            match self.batch(transaction, last).await? {
                (_, renamed) if !renamed.is_empty() => return Ok(true),
                (Some(after), _) => last = after,
                (None, _) => return Ok(false),
            }
        }
    }

    /// The locations of the next batch that need the change, and the last that was looked at.
    async fn batch(self, transaction: &mut Transaction, last: i64) -> Result<(Option<i64>, Vec<Renamed>)> {
        let mut query = Query::select();
        query.columns(["id", "meta_data"]).from("image_locations").and_where(Expr::col("id").gt(last));
        query.and_where(Expr::col("meta_data").like(format!("%\"{}\"%", self.from)));
        query.order_by("id", Order::Asc).limit(BATCH);
        let found = transaction.fetch(&query, |row| {
            let mut columns = Columns::of(row);
            Ok((columns.integer()?, columns.text()?))
        });
        let found = found.await?;
        let after = found.last().map(|(id, _)| *id);
        let renamed = |(id, text): (i64, String)| self.apply(&text).map(|metadata| Renamed { id, metadata });
        Ok((after, found.into_iter().filter_map(renamed).collect()))
    }

    /// The text with the key renamed; `None` if it has no such key, or has one of the new name already.
    fn apply(self, text: &str) -> Option<String> {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
        if object.contains_key(self.to) {
            return None;
        }
        let key = format!("\"{}\"", self.from);
        let place = keys(text).into_iter().find(|place| text[*place..].starts_with(&key))?;
        Some(format!("{}\"{}\"{}", &text[..place], self.to, &text[place + key.len()..]))
    }
}

/// Where the keys of a JSON object begin in its text; not those of objects inside it.
fn keys(text: &str) -> Vec<usize> {
    let (mut depth, mut is_key, mut keys) = (0, false, Vec::new());
    let mut bytes = text.bytes().enumerate();
    while let Some((place, byte)) = bytes.next() {
        match byte {
            b'"' => {
                if depth == 1 && is_key {
                    keys.push(place);
                }
                is_key = false;
                skip_string(&mut bytes);
            }
            b'{' | b'[' => {
                depth += 1;
                is_key = byte == b'{';
            }
            b'}' | b']' => depth -= 1,
            b',' => is_key = true,
            _ => {}
        }
    }
    keys
}

fn skip_string(bytes: &mut impl Iterator<Item = (usize, u8)>) {
    while let Some((_, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_of_the_object_itself_is_renamed() {
        let cases = [
            (r#"{"backend": "fast", "a": [1]}"#, Some(r#"{"store": "fast", "a": [1]}"#)),
            (r#"{ "x":"\"backend\":" ,"backend" : "ö"}"#, Some(r#"{ "x":"\"backend\":" ,"store" : "ö"}"#)),
            (
                r#"{"list": [1, "backend", {"backend": 1}], "backend":{"backend":2}}"#,
                Some(r#"{"list": [1, "backend", {"backend": 1}], "store":{"backend":2}}"#),
            ),
            (r#"{"backend": "user", "store": "fast"}"#, None),
            (r#"{"inner": {"backend": "user"}}"#, None),
            (r#"{"name": "backend", "backends": 1}"#, None),
            (r#"["backend", {"backend": 1}]"#, None),
            (r#"{"backend": "cut"#, None),
            ("null", None),
            ("", None),
        ];
        for (before, after) in cases {
            assert_eq!(TO_STORE.apply(before).as_deref(), after, "{before}");
            if let Some(after) = after {
                assert_eq!(TO_BACKEND.apply(after).as_deref(), Some(before));
            }
        }
    }
}
