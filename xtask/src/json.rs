//! A reader of JSON, for what cargo and image servers say.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use crate::error::Result;

/// A JSON value; numbers as their text is enough here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    String(String),
    Array(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads one value and nothing after it.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader { rest: text.chars().peekable() };
        let value = reader.value()?;
        reader.skip_space();
        if reader.rest.peek().is_some() {
            return Err("JSON goes on after its end".into());
        }
        Ok(value)
    }

    /// The member `name` of an object; `Null` if there is none.
    pub(crate) fn get(&self, name: &str) -> &Json {
        match self {
            Json::Object(members) => members.get(name).unwrap_or(&Json::Null),
            _ => &Json::Null,
        }
    }

    /// The text of a string; empty for anything else.
    pub(crate) fn text(&self) -> &str {
        if let Json::String(text) = self { text } else { "" }
    }

    /// The elements of an array; none for anything else.
    pub(crate) fn items(&self) -> &[Json] {
        if let Json::Array(items) = self { items } else { &[] }
    }
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        while self.rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
    }

    fn take(&mut self, wanted: char) -> Result<()> {
        self.skip_space();
        match self.rest.next() {
            Some(found) if found == wanted => Ok(()),
            found => Err(format!("JSON has {found:?} in place of {wanted:?}").into()),
        }
    }

    fn next_is(&mut self, wanted: char) -> bool {
        self.skip_space();
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn value(&mut self) -> Result<Json> {
        self.skip_space();
        match self.rest.peek() {
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some('"') => self.string().map(Json::String),
            _ => self.word(),
        }
    }

    fn object(&mut self) -> Result<Json> {
        self.take('{')?;
        let mut members = BTreeMap::new();
        if self.next_is('}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            let name = self.string()?;
            self.take(':')?;
            members.insert(name, self.value()?);
            if !self.next_is(',') {
                break;
            }
        }
        self.take('}')?;
        Ok(Json::Object(members))
    }

    fn array(&mut self) -> Result<Json> {
        self.take('[')?;
        let mut items = Vec::new();
        if self.next_is(']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            if !self.next_is(',') {
                break;
            }
        }
        self.take(']')?;
        Ok(Json::Array(items))
    }

    fn string(&mut self) -> Result<String> {
        self.take('"')?;
        let mut text = String::new();
        loop {
            match self.rest.next().ok_or("JSON ends inside a string")? {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        Ok(match self.rest.next().ok_or("JSON ends inside a string")? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => self.unicode()?,
            c => c,
        })
    }

    fn unicode(&mut self) -> Result<char> {
        let first = self.four_digits()?;
        let code = if (0xd800..0xdc00).contains(&first) {
            self.take('\\')?;
            self.take('u')?;
            let second = self.four_digits()?;
            0x10000 + ((first - 0xd800) << 10) + second.saturating_sub(0xdc00)
        } else {
            first
        };
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn four_digits(&mut self) -> Result<u32> {
        let digits: String = self.rest.by_ref().take(4).collect();
        Ok(u32::from_str_radix(&digits, 16)?)
    }

    fn word(&mut self) -> Result<Json> {
        let mut word = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_alphanumeric() || "+-.".contains(*c)) {
            word.push(c);
        }
        match word.as_str() {
            "null" => Ok(Json::Null),
            "true" => Ok(Json::Bool(true)),
            "false" => Ok(Json::Bool(false)),
            number => number.parse().map(Json::Number).map_err(|_| format!("{number:?} is not JSON").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_kind_of_value() {
        let text = r#" {"a": [1, -2.5e3, true, null, "x\n\"\u00e9\ud83d\ude00"], "b": {}, "c": []} "#;
        let json = Json::parse(text).unwrap();
        let a = json.get("a").items();
        assert_eq!(a[..4], [Json::Number(1.0), Json::Number(-2500.0), Json::Bool(true), Json::Null]);
        assert_eq!(a[4].text(), "x\n\"é😀");
        assert_eq!(json.get("b"), &Json::Object(BTreeMap::new()));
        assert!(json.get("c").items().is_empty() && json.get("absent") == &Json::Null);
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in ["", "{", "[1,]", "{\"a\" 1}", "\"open", "nul", "1 2", "{\"a\":1}}"] {
            assert!(Json::parse(text).is_err(), "{text}");
        }
    }
}
