//! From TOML and JSON to one flat list of values, each with its place.

use toml::de::{DeTable, DeValue};

use super::{LONGEST_FILE, UNREADABLE};

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Raw {
    /// An integer.
    Integer(i64),
    /// A string.
    Text(String),
    /// A list of strings.
    Texts(Vec<String>),
    /// Anything else, by the name of its type.
    Other(&'static str),
}

impl Raw {
    /// Whether it is a list of texts.
    pub(super) fn is_texts(&self) -> bool {
        matches!(self, Self::Texts(_))
    }

    /// The value for people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Text(text) => format!("{text:?}"),
            Self::Texts(texts) => format!("{texts:?}"),
            Self::Other(kind) => (*kind).to_owned(),
        }
    }
}

/// One value: `section.key`, or `key` alone at the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) line: Option<usize>,
    pub(super) value: Raw,
}

/// Why a whole source cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) line: Option<usize>,
    pub(super) text: String,
}

/// A name as it is told, on one line whatever is in it.
fn told(name: &str) -> String {
    let one = |character: char| if character.is_control() { '\u{fffd}' } else { character };
    name.chars().map(one).collect()
}

/// The values of a TOML document.
pub(super) fn from_toml(text: &str) -> Result<Vec<Item>, Unreadable> {
    if text == UNREADABLE {
        let text = format!("it is there and cannot be read as a file of text of at most {LONGEST_FILE} bytes");
        return Err(Unreadable { line: None, text });
    }
    let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| Unreadable {
        line: error.span().map(|span| line(span.start)),
        text: error.message().to_owned(),
    })?;
    let mut items = Vec::new();
    for (key, value) in table.get_ref() {
        // Deeper tables have no meaning here; their name shows up as an unknown key.
        if let Some(section) = value.get_ref().as_table() {
            items.extend(section.iter().map(|(inner, value)| Item {
                name: told(&format!("{}.{}", key.get_ref(), inner.get_ref())),
                line: Some(line(inner.span().start)),
                value: toml_value(value.get_ref()),
            }));
        } else {
            items.push(Item {
                name: told(key.get_ref()),
                line: Some(line(key.span().start)),
                value: toml_value(value.get_ref()),
            });
        }
    }
    Ok(items)
}

fn toml_value(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Raw::Other("an integer that is too large"), Raw::Integer),
        DeValue::Float(_) => Raw::Other("a fraction"),
        DeValue::Boolean(_) => Raw::Other("a truth value"),
        DeValue::Datetime(_) => Raw::Other("a time"),
        DeValue::Array(values) => texts(values.iter().map(|value| value.get_ref().as_str())),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> Raw {
    let texts: Option<Vec<String>> = values.map(|value| value.map(str::to_owned)).collect();
    texts.map_or(Raw::Other("a list of other things than texts"), Raw::Texts)
}

/// The values of an editor's settings: the object itself, or what it holds under `tagout`. `null` holds nothing.
pub(super) fn from_json(value: &serde_json::Value) -> Result<Vec<Item>, Unreadable> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let Some(object) = value.as_object() else {
        return Err(Unreadable { line: None, text: format!("{} is no object", json_value(value).describe()) });
    };
    let object = object.get("tagout").and_then(serde_json::Value::as_object).unwrap_or(object);
    let mut items = Vec::new();
    for (key, value) in object {
        if let Some(section) = value.as_object() {
            items.extend(section.iter().map(|(inner, value)| Item {
                name: told(&format!("{key}.{inner}")),
                line: None,
                value: json_value(value),
            }));
        } else {
            items.push(Item { name: told(key), line: None, value: json_value(value) });
        }
    }
    // Editors send null for what is not set.
    items.retain(|item| item.value != Raw::Other("null"));
    Ok(items)
}

fn json_value(value: &serde_json::Value) -> Raw {
    match value {
        serde_json::Value::Null => Raw::Other("null"),
        serde_json::Value::Bool(_) => Raw::Other("a truth value"),
        serde_json::Value::Number(number) => {
            number.as_i64().map_or(Raw::Other("a fraction or too large"), Raw::Integer)
        }
        serde_json::Value::String(text) => Raw::Text(text.clone()),
        serde_json::Value::Array(values) => texts(values.iter().map(serde_json::Value::as_str)),
        serde_json::Value::Object(_) => Raw::Other("a table"),
    }
}
