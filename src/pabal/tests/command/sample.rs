//! The samples beside the spec: bytes and what they mean, written by an independent script.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) telegram: String,
    pub(crate) side: String,
    /// The wire in hexadecimal digits, length prefix included, a piece for each field.
    pub(crate) wire: Vec<String>,
    /// Field and text of what is confidential, as it is and as anybody may see it.
    pub(crate) confidential: Vec<(String, String, String)>,
    /// The values of all other fields.
    pub(crate) public: Vec<String>,
    /// Fields that can be read and never be written.
    pub(crate) is_refused: bool,
}

impl Sample {
    pub(crate) fn hex(&self) -> String {
        self.wire.concat()
    }

    /// Without the length prefix.
    pub(crate) fn bare(&self) -> String {
        self.wire[1..].concat()
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// One of Hecto's.
pub(crate) fn sample(name: &str) -> Sample {
    read(&root().join(format!("specs/hecto/samples/{name}.toml")))
}

/// All of an institution.
pub(crate) fn samples(institution: &str) -> Vec<Sample> {
    let folder = root().join("specs").join(institution).join("samples");
    let entries = fs::read_dir(folder).expect("the samples are there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let samples: Vec<_> =
        paths.iter().filter(|path| path.extension().is_some_and(|e| e == "toml")).map(|p| read(p)).collect();
    assert!(samples.len() > 5, "a folder without samples proves nothing");
    samples
}

fn read(path: &Path) -> Sample {
    let table: toml::Table = fs::read_to_string(path).expect("a sample").parse().expect("TOML");
    let text = |name: &str| String::from(table[name].as_str().expect("a text"));
    let masked = table.get("masked").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let fields = table["fields"].as_table().expect("a table");
    let public = fields.iter().filter(|(name, _)| !masked.contains_key(*name));
    Sample {
        public: public.map(|(_, value)| in_text(value)).collect(),
        name: text("name"),
        telegram: text("telegram"),
        side: text("side"),
        wire: table["wire_hex"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|p| p.as_str().expect("digits").into())
            .collect(),
        confidential: masked
            .into_iter()
            .map(|(field, shown)| {
                let value = in_text(&table["fields"][&field]);
                (field, value, shown.as_str().expect("a text").into())
            })
            .collect(),
        is_refused: table.contains_key("refused"),
    }
}

/// A value as people read it; of bytes, what stands in front of the blanks that fill their field.
fn in_text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Table(table) if table.contains_key("decimal") => table["decimal"].as_str().expect("digits").into(),
        toml::Value::Table(bytes) => {
            let hex = bytes["hex"].as_str().expect("digits");
            let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("two digits");
            let text: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
            text.escape_ascii().to_string().trim_end().into()
        }
        other => panic!("{other:?} is no value of a sample"),
    }
}
