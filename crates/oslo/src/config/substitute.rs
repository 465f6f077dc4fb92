//! `$name`, `${name}`, `$group.name` and `${group.name}` inside values; `$$` and `\$` stand for a dollar sign.

/// Longest text that substitution may build, in bytes: values that multiply each other end here.
const LIMIT: usize = 1 << 20;

/// Replaces the references of a text by what `resolve` says. A dollar sign without a name behind it stays.
///
/// # Errors
/// Those of `resolve`, and a result that grows out of bounds.
pub(super) fn substitute(
    text: &str,
    mut resolve: impl FnMut(&str) -> Result<String, String>,
) -> Result<String, String> {
    let text = text.replace("\\$", "$$");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(position) = rest.find('$') {
        out.push_str(&rest[..position]);
        rest = &rest[position + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = reference(rest) {
            out.push_str(&resolve(name)?);
            rest = after;
        } else {
            out.push('$');
        }
        if out.len() > LIMIT {
            return Err(format!("with the options that it refers to, it is longer than {LIMIT} bytes"));
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// The name at the start of the text behind a dollar sign, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('{') {
        let (name, rest) = name(inner)?;
        return Some((name, rest.strip_prefix('}')?));
    }
    name(text)
}

fn name(text: &str) -> Option<(&str, &str)> {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(text.len());
    starts.then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        for (text, expected) in [
            ("a$b/c", "a<b>/c"),
            ("${b}c${d.e}", "<b>c<d.e>"),
            ("$b.c:1", "<b.c>:1"),
            ("$$b \\$b $5 ${b c} ${b $", "$b $b $5 ${b c} ${b $"),
            ("\\$$b", "$<b>"),
        ] {
            assert_eq!(substitute(text, |name| Ok(format!("<{name}>"))).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn results_are_bounded() {
        let huge = "x".repeat(LIMIT / 2);
        assert!(substitute("$a$a$a", |_| Ok(huge.clone())).is_err());
    }
}
