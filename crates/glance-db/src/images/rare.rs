//! The filter that a page begins with: no engine can be relied on to find out by itself that only few images pass it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use glance_domain::query::{Filter, ImageQuery};
use sea_query::{CaseStatement, Expr, ExprTrait as _, Query, SelectStatement, SubQueryStatement};

use super::columns::{constant, live};
use super::filter;
use crate::Database;
use crate::error::Result;

/// How long the database is not asked again about a list. What has changed since costs time, but no answer is wrong for
/// it.
const LISTS_HOLD: Duration = Duration::from_secs(10);

/// Lists that are remembered at once.
const LISTS: usize = 256;

/// How long the size of the catalogue is taken for granted.
const SIZE_HOLDS: Duration = Duration::from_secs(60);

/// Images after which it makes no difference that there are more.
const MANY: u64 = 100_000;

/// What the database has said lately.
#[derive(Clone, Debug, Default)]
pub(crate) struct RareFilters(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// For the filters of a list, the place of the first that few images pass, and how long that holds.
    lists: HashMap<Vec<Filter>, (Instant, Option<usize>)>,
    /// The number of images, and how long it holds.
    images: Option<(Instant, u64)>,
}

impl RareFilters {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recall(&self, filters: &[Filter], now: Instant) -> Option<Option<usize>> {
        self.known().lists.get(filters).filter(|(until, _)| now < *until).map(|(_, place)| *place)
    }

    fn remember(&self, filters: Vec<Filter>, place: Option<usize>, now: Instant) {
        let lists = &mut self.known().lists;
        if lists.len() >= LISTS {
            lists.retain(|_, (until, _)| now < *until);
        }
        if lists.len() < LISTS {
            lists.insert(filters, (now + LISTS_HOLD, place));
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
        let related = query.filters.iter().enumerate();
        let related: Vec<_> =
            related.filter_map(|(place, filter)| Some((place, filter::rows(engine, filter)?))).collect();
        if related.is_empty() {
            return Ok(None);
        }
        let few = few(self.roughly_counted().await?);
        let mut first = CaseStatement::new();
        for (place, mut rows) in related {
            let one_too_many = SubQueryStatement::from(rows.column("image_id").limit(1).offset(few).take());
            first = first.case(Expr::from(one_too_many).is_null(), constant(i32::try_from(place).ok()));
        }
        let probe = SelectStatement::new().expr(first).take();
        let found = self.pools.fetch(engine.render(&probe), |row| row.integer(0)).await?;
        let place = found.into_iter().flatten().next().and_then(|place| usize::try_from(place).ok());
        self.rare.remember(query.filters.clone(), place, Instant::now());
        Ok(place)
    }

    /// About how many images there are; [`MANY`] for more.
    async fn roughly_counted(&self) -> Result<u64> {
        if let Some((until, images)) = self.rare.known().images
            && Instant::now() < until
        {
            return Ok(images);
        }
        let some = Query::select().column("deleted").from("images").and_where(live("images")).limit(MANY).take();
        let count = Query::select().expr(Expr::col("deleted").count()).from_subquery(some, "some").take();
        let counted = self.pools.fetch(self.engine().render(&count), |row| row.integer(0)).await?;
        let images = counted.into_iter().flatten().next().and_then(|images| u64::try_from(images).ok()).unwrap_or(0);
        self.rare.known().images = Some((Instant::now() + SIZE_HOLDS, images));
        Ok(images)
    }
}

/// How many images a filter may let through for a page to begin with them.
///
/// To begin with n images costs n steps; to walk a list of N until 25 of those are found costs 25 N / n, each about
/// twice as dear because the filter is looked up for it.
fn few(images: u64) -> u64 {
    (50 * images).isqrt()
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
        let later = begin + LISTS_HOLD;
        assert_eq!(rare.recall(&list(0), later), None);
        rare.remember(list(LISTS), None, later);
        assert_eq!(rare.recall(&list(LISTS), later), Some(None));
        assert_eq!(rare.known().lists.len(), 1);
    }

    #[test]
    fn few_is_much_of_a_small_catalogue_and_little_of_a_large_one() {
        assert_eq!([0, 100, 1000, MANY].map(few), [0, 70, 223, 2236]);
    }
}
