//! What was made of tokens that were found valid, for a while: bounded in number of bytes, the oldest go first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much may be kept, in bytes of the identity service's answers.
const CAPACITY: usize = 32 << 20;

/// What one token costs beside its answer and its own text, in bytes.
const OVERHEAD: usize = 1024;

/// Valid tokens by what is sent for them.
#[derive(Debug)]
pub(crate) struct Cache<T> {
    keep: Option<Duration>,
    capacity: usize,
    content: Mutex<Content<T>>,
}

#[derive(Debug)]
struct Content<T> {
    entries: HashMap<Arc<str>, Entry<T>>,
    /// In the order in which they go: all are kept equally long.
    order: VecDeque<(Arc<str>, Instant)>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry<T> {
    token: Arc<T>,
    until: Instant,
    bytes: usize,
}

impl<T> Cache<T> {
    /// A cache that keeps tokens this long; `None` keeps nothing.
    pub(crate) fn new(keep: Option<Duration>) -> Self {
        let content = Content { entries: HashMap::new(), order: VecDeque::new(), bytes: 0 };
        Self { keep, capacity: CAPACITY, content: Mutex::new(content) }
    }

    pub(crate) fn get(&self, sent: &str) -> Option<Arc<T>> {
        self.keep?;
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = content.entries.get(sent)?;
        (entry.until > Instant::now()).then(|| entry.token.clone())
    }

    /// Keeps a token whose document had this many bytes.
    pub(crate) fn insert(&self, sent: &str, token: Arc<T>, bytes: usize) {
        let Some(keep) = self.keep else { return };
        let bytes = bytes + sent.len() + OVERHEAD;
        let now = Instant::now();
        let (key, until) = (Arc::<str>::from(sent), now + keep);
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = content.entries.insert(key.clone(), Entry { token, until, bytes }) {
            content.bytes -= old.bytes;
        }
        content.bytes += bytes;
        content.order.push_back((key, until));
        content.shrink(now, self.capacity);
    }
}

impl<T> Content<T> {
    fn shrink(&mut self, now: Instant, capacity: usize) {
        while self.order.front().is_some_and(|(_, until)| *until <= now || self.bytes > capacity) {
            let Some((key, until)) = self.order.pop_front() else { return };
            // A token that was seen again has a younger entry.
            if self.entries.get(&key).is_some_and(|entry| entry.until == until)
                && let Some(gone) = self.entries.remove(&key)
            {
                self.bytes -= gone.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Token;

    fn token() -> Arc<Token> {
        let text = r#"{"token": {"user": {"id": "u"}, "expires_at": "2030-01-01T00:00:00Z"}}"#;
        Arc::new(Token::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn tokens_are_found_until_their_time_is_over() {
        let cache = Cache::new(Some(Duration::from_secs(60)));
        cache.insert("a", token(), 10);
        assert!(cache.get("a").is_some() && cache.get("b").is_none());
        let brief = Cache::new(Some(Duration::ZERO));
        brief.insert("a", token(), 10);
        assert!(brief.get("a").is_none());
        assert_eq!(brief.content.lock().unwrap().bytes, 0);
        let never = Cache::new(None);
        never.insert("a", token(), 10);
        assert!(never.get("a").is_none());
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many() {
        let mut cache = Cache::new(Some(Duration::from_secs(60)));
        cache.capacity = 3 * (OVERHEAD + 11);
        for name in ["a", "b", "c", "a", "d"] {
            cache.insert(name, token(), 10);
        }
        let kept: Vec<bool> = ["a", "b", "c", "d"].iter().map(|name| cache.get(name).is_some()).collect();
        assert_eq!(kept, [true, false, true, true]);
        let content = cache.content.lock().unwrap();
        assert_eq!(content.bytes, content.entries.values().map(|entry| entry.bytes).sum::<usize>());
        assert!(content.order.len() <= 4);
    }
}
