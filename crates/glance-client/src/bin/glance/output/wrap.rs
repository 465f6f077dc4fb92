//! Breaking a long cell into lines where Python's `textwrap` would: at blanks, after hyphens between letters, around dashes.

use unicode_width::UnicodeWidthChar;

/// The columns that `text` takes on a terminal.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// `line` in pieces of at most `limit` columns, without the blanks at the breaks.
pub(super) fn wrap(line: &str, limit: usize) -> Vec<String> {
    let line: String = line.chars().map(|c| if is_space(c) { ' ' } else { c }).collect();
    let mut chunks = split(&line);
    chunks.reverse();
    let mut lines: Vec<String> = Vec::new();
    while let Some(first) = chunks.last() {
        if !lines.is_empty() && is_blank(first) {
            chunks.pop();
        }
        let mut current = fill(&mut chunks, limit);
        if current.last().is_some_and(|chunk| is_blank(chunk)) {
            current.pop();
        }
        let finished = current.concat().trim_end().to_owned();
        if !finished.is_empty() {
            lines.push(finished);
        }
    }
    lines
}

/// Takes chunks for one line from the end of `chunks`, cutting one that fits into no line.
fn fill<'a>(chunks: &mut Vec<&'a str>, limit: usize) -> Vec<&'a str> {
    let mut current = Vec::new();
    let mut room = limit;
    while let Some(chunk) = chunks.pop_if(|chunk| fitting(chunk, room) == chunk.len()) {
        room -= width(chunk);
        current.push(chunk);
    }
    if let Some(long) = chunks.pop_if(|chunk| fitting(chunk, limit) < chunk.len()) {
        let (head, tail) = long.split_at(cut_at(long, room, current.is_empty()));
        current.push(head);
        if !tail.is_empty() {
            chunks.push(tail);
        }
    }
    current
}

/// How many bytes of `text` fit into `room` columns. It looks no further than that, for the text may be long.
fn fitting(text: &str, room: usize) -> usize {
    let mut used = 0;
    let beyond = text.char_indices().find(|(_, c)| {
        used += char_width(*c);
        used > room
    });
    beyond.map_or(text.len(), |(place, _)| place)
}

/// Where to cut a word of which `room` columns fit: after its last hyphen, if it has one that follows something else.
fn cut_at(word: &str, room: usize, must_take: bool) -> usize {
    let fitting = fitting(word, room);
    match word[..fitting].rfind('-') {
        Some(hyphen) if word[..hyphen].contains(|c| c != '-') => hyphen + 1,
        _ if fitting == 0 && must_take => word.chars().next().map_or(0, char::len_utf8),
        _ => fitting,
    }
}

fn is_blank(chunk: &str) -> bool {
    !chunk.is_empty() && chunk.trim().is_empty()
}

/// Words, blanks and dashes, in pieces that stay together if they can.
fn split(line: &str) -> Vec<&str> {
    let text: Vec<char> = line.chars().collect();
    let mut chunks = Vec::new();
    let (mut start, mut rest) = (0, line);
    while start < text.len() {
        let end = chunk_end(&text, start);
        let bytes = text[start..end].iter().map(|c| c.len_utf8()).sum();
        let (chunk, behind) = rest.split_at(bytes);
        chunks.push(chunk);
        (start, rest) = (end, behind);
    }
    chunks
}

fn chunk_end(text: &[char], start: usize) -> usize {
    let at = |place: usize| text.get(place).copied();
    if text[start] == ' ' {
        return (start..text.len()).find(|place| text[*place] != ' ').unwrap_or(text.len());
    }
    if let Some(end) = dash_end(text, start) {
        return end;
    }
    for end in start + 1..text.len() {
        if text[end] == ' ' || dash_end(text, end).is_some() {
            return end;
        }
        if text[end] == '-' && hyphenates(text, end) && at(end + 1).is_some_and(is_letter) {
            return end + 1;
        }
    }
    text.len()
}

/// The end of a dash of two or more hyphens which begins at `start` between words.
fn dash_end(text: &[char], start: usize) -> Option<usize> {
    start.checked_sub(1).filter(|before| is_word_punctuation(text[*before]))?;
    let end = (start..text.len()).find(|place| text[*place] != '-')?;
    (end >= start + 2 && is_word(text[end])).then_some(end)
}

/// Whether the hyphen at `place` follows and precedes letters enough to break after it.
fn hyphenates(text: &[char], place: usize) -> bool {
    let letter = |at: Option<usize>| at.and_then(|at| text.get(at)).copied().is_some_and(is_letter);
    let hyphen = |at: Option<usize>| at.and_then(|at| text.get(at)) == Some(&'-');
    let before = |back: usize| place.checked_sub(back);
    let two_letters = letter(before(2)) && letter(before(1));
    let letter_by_letter = letter(before(3)) && hyphen(before(2)) && letter(before(1));
    let follows = letter(Some(place + 2)) || (hyphen(Some(place + 2)) && letter(Some(place + 3)));
    (two_letters || letter_by_letter) && follows
}

fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0b' | '\x0c' | '\r' | ' ')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_letter(c: char) -> bool {
    is_word(c) && !c.is_ascii_digit()
}

fn is_word_punctuation(c: char) -> bool {
    is_word(c) || "!\"'&.,?".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected chunks and lines are those of CPython's textwrap.
    #[test]
    fn words_split_as_in_python() {
        for (line, chunks) in [
            ("Look, goof-ball -- use the -b option!", "Look,| |goof-|ball| |--| |use| |the| |-b| |option!"),
            ("what--no", "what|--|no"),
            ("a-b-c d-1 well-known 1-2", "a-b-c| |d-1| |well-|known| |1-2"),
            ("web-download, glance-direct", "web-|download,| |glance-|direct"),
        ] {
            assert_eq!(split(line).join("|"), chunks, "{line}");
        }
    }

    #[test]
    fn a_long_word_takes_linear_time() {
        assert_eq!(wrap(&"x".repeat(1 << 20), 8).len(), 1 << 17);
        assert_eq!(wrap(&"-".repeat(1 << 20), 8).len(), 1 << 17);
    }

    #[test]
    fn lines_break_as_in_python() {
        for (line, limit, lines) in [
            ("hello brave new world", 11, "hello brave|new world"),
            ("aaaaaaaaaaaa", 5, "aaaaa|aaaaa|aa"),
            ("xx 0123-456789ab", 8, "xx 0123-|456789ab"),
            ("   ", 2, ""),
            ("日本語テキスト", 4, "日本|語テ|キス|ト"),
            ("日本", 1, "日|本"),
        ] {
            assert_eq!(wrap(line, limit).join("|"), lines, "{line}");
        }
    }
}
