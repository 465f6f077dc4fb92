//! The filter that a page begins with: no engine can be relied on to find out by itself that only few images pass it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use glance_domain::query::{Filter, ImageQuery};
use sea_query::{CaseStatement, Expr, ExprTrait as _, SelectStatement, SubQueryStatement};

use super::columns::constant;
use super::filter;
use crate::Database;
use crate::error::Result;

/// Images that a filter may let through for a page to begin with them: fewer are sorted sooner than a page is found
/// among a hundred thousand others, more are found among those soon.
const FEW: u64 = 500;

/// How long the database is not asked again. What has changed since costs time, but no answer is wrong for it.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Lists that are remembered at once.
const LISTS: usize = 256;

/// What the database has said lately: for the filters of a list, the place of the first that few images pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct RareFilters(Arc<Mutex<Known>>);

/// For each list how long it holds and what was said.
type Known = HashMap<Vec<Filter>, (Instant, Option<usize>)>;

impl RareFilters {
    fn recall(&self, filters: &[Filter], now: Instant) -> Option<Option<usize>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(filters).filter(|(until, _)| now < *until).map(|(_, place)| *place)
    }

    fn remember(&self, filters: Vec<Filter>, place: Option<usize>, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= LISTS {
            known.retain(|_, (until, _)| now < *until);
        }
        if known.len() < LISTS {
            known.insert(filters, (now + REMEMBERED, place));
        }
    }
}

impl Database {
    /// The first filter of the list that only few images pass: it is faster to begin with those than to walk the list
    /// until a page is full.
    pub(super) async fn rare_filter<'q>(&self, query: &'q ImageQuery) -> Result<Option<&'q Filter>> {
        if query.filters.is_empty() {
            return Ok(None);
        }
        let place = match self.rare.recall(&query.filters, Instant::now()) {
            Some(place) => place,
            None => self.find_rare_filter(query).await?,
        };
        Ok(place.and_then(|place| query.filters.get(place)))
    }

    async fn find_rare_filter(&self, query: &ImageQuery) -> Result<Option<usize>> {
        let engine = self.engine();
        let mut first = CaseStatement::new();
        let mut any = false;
        for (place, filter) in query.filters.iter().enumerate() {
            let Some(mut rows) = filter::rows(engine, filter) else { continue };
            let one_too_many = SubQueryStatement::from(rows.column("image_id").limit(1).offset(FEW).take());
            first = first.case(Expr::from(one_too_many).is_null(), constant(i32::try_from(place).ok()));
            any = true;
        }
        if !any {
            return Ok(None);
        }
        let probe = SelectStatement::new().expr(first).take();
        let found = self.pools.fetch(engine.render(&probe), |row| row.integer(0)).await?;
        let place = found.into_iter().flatten().next().and_then(|place| usize::try_from(place).ok());
        self.rare.remember(query.filters.clone(), place, Instant::now());
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_in_time_and_number() {
        let (rare, begin) = (RareFilters::default(), Instant::now());
        let list = |number: usize| vec![Filter::Tag(number.to_string())];
        for number in 0..=LISTS {
            rare.remember(list(number), Some(number), begin);
        }
        assert_eq!(rare.recall(&list(0), begin), Some(Some(0)));
        assert_eq!(rare.recall(&list(LISTS), begin), None);
        let later = begin + REMEMBERED;
        assert_eq!(rare.recall(&list(0), later), None);
        rare.remember(list(LISTS), None, later);
        assert_eq!(rare.recall(&list(LISTS), later), Some(None));
        assert_eq!(rare.0.lock().unwrap().len(), 1);
    }
}
