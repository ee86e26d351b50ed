//! What was written reads back as the same document, and is then written and
//! drawn alike.

use std::{fs, path::Path};

use proptest::{prelude::*, sample::Index};
use serde_json::Value;

use super::{draw_all, everything, read};
use crate::analysis::Analysis;
use crate::document::Document;
use crate::recording::{Item, Reader};
use crate::view::json::render;
use crate::view::testing::{documents, filled, full, trouble};

fn check(name: &str, document: &Document) {
    let bytes = render(document);
    let back = read(&bytes);
    assert!(back == *document, "{name} reads back differently");
    assert!(render(&back) == bytes, "{name} is written differently");
    assert_eq!(everything(&back), everything(document), "{name}");
}

#[test]
fn json_every_document_reads_back_and_is_written_alike() {
    for (name, document) in documents() {
        check(name, &document);
    }
    let texts = ["\u{1b}[31m\u{202e}\"\\\n\u{e0041}é日", ""].map(str::to_owned);
    for ns in [0, 7, 1 << 53, u64::MAX] {
        check("filled", &filled(&texts, ns));
    }
}

#[test]
fn json_every_stored_recording_reads_back_and_is_written_alike() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/recordings");
    let mut recordings = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        check(&path.display().to_string(), &replayed(&path));
        recordings += 1;
    }
    assert!(recordings >= 4, "{recordings}");
}

/// The report of a recording, with one timeline.
fn replayed(path: &Path) -> Document {
    let (start, reader) = Reader::open(fs::File::open(path).unwrap()).unwrap();
    let root = start.clone();
    let mut analysis = Analysis::new(start).unwrap();
    analysis.explain(&root.attached);
    for item in reader {
        match item.unwrap() {
            Item::Batch(batch) => analysis.batch(&batch),
            Item::End(end) => analysis.end(end),
        }
    }
    let mut document = analysis.document();
    // No fields of the JSON.
    (document.started, document.host.name) = (None, None);
    document
}

#[test]
fn json_stored_reports_are_written_byte_for_byte_as_they_were_read() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    for folder in ["view", "recordings"] {
        for entry in fs::read_dir(golden.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let bytes = fs::read(&path).unwrap();
                assert!(render(&read(&bytes)) == bytes, "{}", path.display());
            }
        }
    }
}

/// What this version does not know is kept out; what is missing is empty or null.
#[test]
fn json_unknown_fields_are_kept_out_and_missing_ones_are_empty() {
    let bare = br#"{"schema": "waitscope.report/1"}"#;
    assert_eq!(read(bare), Document::default());
    let newer = br#"{"later": [{"a": null}], "schema": "waitscope.report/1", "wall_ns": 7,
        "fd_tables": [{"id": 1, "later": 1}], "claims": [{"id": "A", "verdict": "WRONG", "later": 1}], "host": {"cpus": 2, "numa": 1},
        "groups": [{"name": "a", "later": 1, "waits": [{"kind": "futex", "new": {}}]}]}"#;
    let document = read(newer);
    assert_eq!((document.wall_ns, document.host.cpus), (7, 2));
    assert_eq!(document.groups[0].sums.waits[0].kind.as_str(), "futex");
    let written: Value = serde_json::from_slice(&render(&document)).unwrap();
    assert_eq!(document.fd_tables.map(|tables| tables[0].id), Some(1));
    assert_eq!(written["claims"][0]["verdict"], "WRONG");
    assert_eq!(written.get("later"), None);
}

/// Another value in the place of one.
#[derive(Clone, Debug)]
enum Edit {
    Number(u64),
    Text(String),
    Null,
    /// Of an object or a list.
    Remove(Index),
    /// Of a list.
    Repeat(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let words = "disk open waited task new full raw do_wait epoll network computing later";
    let words: Vec<&str> = words.split(' ').collect();
    prop_oneof![
        6 => prop_oneof![Just(0), 0..5_u64, any::<u64>(), Just(u64::MAX)].prop_map(Edit::Number),
        4 => any::<String>().prop_map(Edit::Text),
        4 => proptest::sample::select(words).prop_map(|word| Edit::Text(word.to_owned())),
        1 => Just(Edit::Null),
        4 => any::<Index>().prop_map(Edit::Remove),
        4 => any::<Index>().prop_map(Edit::Repeat),
    ]
}

impl Edit {
    /// Whether it takes the place of such a value without breaking the contract's
    /// types at once.
    fn fits(&self, value: &Value) -> bool {
        match self {
            Edit::Number(_) => value.is_u64(),
            Edit::Text(_) => value.is_string(),
            Edit::Null => true,
            Edit::Remove(_) => value.is_object() || value.is_array(),
            Edit::Repeat(_) => value.is_array(),
        }
    }

    fn apply(&self, value: &mut Value) {
        match (self, value) {
            (Edit::Number(n), value) => *value = (*n).into(),
            (Edit::Text(text), value) => *value = text.clone().into(),
            (Edit::Null, value) => *value = Value::Null,
            (Edit::Remove(at), Value::Object(fields)) if !fields.is_empty() => {
                let key = at.get(&fields.keys().cloned().collect::<Vec<_>>()).clone();
                fields.remove(&key);
            }
            (Edit::Remove(at), Value::Array(list)) if !list.is_empty() => {
                list.remove(at.index(list.len()));
            }
            (Edit::Repeat(at), Value::Array(list)) if !list.is_empty() => {
                list.push(list[at.index(list.len())].clone());
            }
            _ => {}
        }
    }
}

/// Calls `each` with every value, the inner ones first.
fn walk(value: &mut Value, each: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| walk(value, each)),
        Value::Object(fields) => fields.values_mut().for_each(|value| walk(value, each)),
        _ => {}
    }
    each(value);
}

fn edited(mut value: Value, edits: &[(Index, Edit)]) -> Value {
    for (place, edit) in edits {
        let mut places = 0;
        walk(&mut value, &mut |value| {
            places += usize::from(edit.fits(value))
        });
        if places == 0 {
            continue;
        }
        let chosen = place.index(places);
        let mut at = 0;
        walk(&mut value, &mut |value| {
            if edit.fits(value) {
                if at == chosen {
                    edit.apply(value);
                }
                at += 1;
            }
        });
    }
    value
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Documents of any content: what can be read at all is written, read and
    /// drawn alike.
    #[test]
    fn json_any_document_that_can_be_read_is_written_alike(
        base in any::<Index>(),
        edits in proptest::collection::vec((any::<Index>(), edit()), 1..12),
    ) {
        let texts = ["a", "b", "c"].map(str::to_owned);
        let bases = [full(), trouble(), filled(&texts, 9), filled(&texts, 0)];
        let bytes = render(base.get(&bases));
        let value = edited(serde_json::from_slice(&bytes).unwrap(), &edits);
        if let Ok(document) = Document::from_json(value.to_string().as_bytes()) {
            let bytes = render(&document);
            let back = read(&bytes);
            prop_assert!(back == document);
            prop_assert!(render(&back) == bytes);
            draw_all(&document);
        }
    }
}
