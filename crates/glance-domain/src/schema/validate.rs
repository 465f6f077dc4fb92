//! A validator for the part of JSON Schema that image documents need.

use serde_json::{Map, Value};

/// A value that a schema refuses, in the words of Python's `jsonschema`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Checks `value` against `schema` and stops at the first violation.
///
/// # Errors
/// The violation.
pub fn validate(schema: &Value, value: &Value) -> Result<(), Violation> {
    let Some(schema) = schema.as_object() else { return Ok(()) };
    check_type(schema, value)?;
    check_enum(schema, value)?;
    match value {
        Value::String(text) => check_text(schema, text, value),
        Value::Array(items) => match schema.get("items") {
            Some(each) => items.iter().try_for_each(|item| validate(each, item)),
            None => Ok(()),
        },
        Value::Object(members) => check_object(schema, members, value),
        _ => Ok(()),
    }
}

fn check_type(schema: &Map<String, Value>, value: &Value) -> Result<(), Violation> {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    if types.iter().any(|name| is_type(name, value)) {
        return Ok(());
    }
    let names: Vec<String> = types.iter().map(|name| format!("'{name}'")).collect();
    Err(Violation(format!("{} is not of type {}", python(value), names.join(", "))))
}

fn is_type(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    }
}

fn check_enum(schema: &Map<String, Value>, value: &Value) -> Result<(), Violation> {
    match schema.get("enum") {
        Some(Value::Array(allowed)) if !allowed.contains(value) => {
            Err(Violation(format!("{} is not one of {}", python(value), python(&schema["enum"]))))
        }
        _ => Ok(()),
    }
}

fn check_text(schema: &Map<String, Value>, text: &str, value: &Value) -> Result<(), Violation> {
    let length = text.chars().count() as u64;
    if schema.get("maxLength").and_then(Value::as_u64).is_some_and(|most| length > most) {
        return Err(Violation(format!("{} is too long", python(value))));
    }
    if schema.get("minLength").and_then(Value::as_u64).is_some_and(|least| length < least) {
        return Err(Violation(format!("{} is too short", python(value))));
    }
    let Some(pattern) = schema.get("pattern").and_then(Value::as_str) else { return Ok(()) };
    let matches = regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
    if matches { Ok(()) } else { Err(Violation(format!("{} does not match '{pattern}'", python(value)))) }
}

fn check_object(schema: &Map<String, Value>, members: &Map<String, Value>, value: &Value) -> Result<(), Violation> {
    let known = schema.get("properties").and_then(Value::as_object);
    for (name, member) in members {
        match known.and_then(|known| known.get(name)) {
            Some(property) => validate(property, member)?,
            None => check_additional(schema, name, member)?,
        }
    }
    let required = schema.get("required").and_then(Value::as_array);
    match required.into_iter().flatten().filter_map(Value::as_str).find(|name| !members.contains_key(*name)) {
        Some(missing) => Err(Violation(format!("'{missing}' is a required property"))),
        None => {
            debug_assert!(value.is_object());
            Ok(())
        }
    }
}

fn check_additional(schema: &Map<String, Value>, name: &str, member: &Value) -> Result<(), Violation> {
    match schema.get("additionalProperties") {
        Some(Value::Bool(false)) => {
            Err(Violation(format!("Additional properties are not allowed ('{name}' was unexpected)")))
        }
        Some(additional) => validate(additional, member),
        None => Ok(()),
    }
}

/// A value as Python prints it, since the messages quote it so.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.contains('\'') && !text.contains('"') => format!("\"{text}\""),
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n")),
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let pairs: Vec<_> = members.iter().map(|(name, value)| format!("'{name}': {}", python(value))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_those_of_python() {
        let schema = json!({
            "properties": {
                "name": {"type": ["null", "string"], "maxLength": 3},
                "format": {"enum": [null, "raw", "iso"]},
                "tags": {"type": "array", "items": {"type": "string"}},
                "id": {"pattern": "^[0-9]+$"},
            },
            "required": ["name"],
            "additionalProperties": {"type": "string"},
        });
        let cases = [
            (json!({"name": 5}), "5 is not of type 'null', 'string'"),
            (json!({"name": "long"}), "'long' is too long"),
            (json!({"name": "a", "format": "zz"}), "'zz' is not one of [None, 'raw', 'iso']"),
            (json!({"name": "a", "tags": [true]}), "True is not of type 'string'"),
            (json!({"name": "a", "id": "x'"}), "\"x'\" does not match '^[0-9]+$'"),
            (json!({"name": "a", "other": {}}), "{} is not of type 'string'"),
            (json!({}), "'name' is a required property"),
        ];
        for (value, message) in cases {
            assert_eq!(validate(&schema, &value).unwrap_err().0, message);
        }
        let good = json!({"name": null, "format": null, "tags": ["a"], "id": "12", "other": "x"});
        assert_eq!(validate(&schema, &good), Ok(()));
    }

    #[test]
    fn whole_floats_are_integers_as_json_schema_says() {
        assert_eq!(validate(&json!({"type": "integer"}), &json!(1.0)), Ok(()));
        assert!(validate(&json!({"type": "integer"}), &json!(1.5)).is_err());
    }
}
