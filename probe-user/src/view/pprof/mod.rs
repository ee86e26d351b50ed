//! A profile in pprof's format, deflated: how long and how often threads waited, by stack.
//! Labels say the group, thread, kind, call, object and waker of each sample; `go tool pprof
//! -tagroot=group` puts one of them at the root.

mod proto;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, io::Write as _};

use flate2::{Compression, write::GzEncoder};
use prost::Message as _;

use self::proto::{Function, Label, Line, Location, Mapping, Profile, Sample, ValueType};
use super::{
    frames::{self, Frame, Origin},
    sanitize,
};
use crate::document::{
    Document, Thread, UserFrame, Wake,
    stacks::{Spent, Stacks},
};

/// Where functions of the kernel come from, as other profilers name it.
const KERNEL: &str = "[kernel.kallsyms]";

/// Where our own words come from.
const WORDS: &str = "[waitscope]";

/// Renders the stacks of a report.
pub fn render(document: &Document, stacks: &Stacks) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    _ = encoder.write_all(&profile(document, stacks).encode_to_vec());
    encoder.finish().unwrap_or_default()
}

fn profile(document: &Document, stacks: &Stacks) -> Profile {
    let mut building = Building::default();
    building.text("");
    let mut value = |name, unit| ValueType {
        r#type: building.text(name),
        unit: building.text(unit),
    };
    building.profile.sample_type = vec![value("blocked", "count"), value("off_cpu", "nanoseconds")];
    building.profile.default_sample_type = building.text("off_cpu");
    // The profile is called after the first.
    for (id, name) in [(1, WORDS), (2, KERNEL)] {
        let filename = building.text(name);
        building.profile.mapping.push(Mapping {
            id,
            filename,
            has_functions: true,
            ..Mapping::default()
        });
    }
    for spent in &stacks.waits {
        building.sample(document, spent);
    }
    let words: Vec<_> = document
        .command
        .iter()
        .map(|word| sanitize::text(word))
        .collect();
    let lost = document.coverage.lost_total();
    let mut comments = vec![building.text(&words.join(" "))];
    if lost > 0 {
        comments.push(building.text(&format!("{lost} records were lost: sums may lack waits")));
    }
    building.profile.comment = comments;
    building.profile.duration_nanos = signed(document.wall_ns);
    building.profile
}

/// A profile while it is made.
#[derive(Default)]
struct Building<'a> {
    profile: Profile,
    texts: HashMap<String, i64>,
    frames: HashMap<Frame<'a>, u64>,
    /// By name and mapping.
    functions: HashMap<(i64, u64), u64>,
    /// Of programs, by path and build id.
    mappings: HashMap<(Option<&'a str>, Option<&'a str>), u64>,
}

impl<'a> Building<'a> {
    fn text(&mut self, text: &str) -> i64 {
        if let Some(&place) = self.texts.get(text) {
            return place;
        }
        let table = &mut self.profile.string_table;
        let place = signed(table.len() as u64);
        table.push(text.to_owned());
        self.texts.insert(text.to_owned(), place);
        place
    }

    fn frame(&mut self, document: &'a Document, frame: Frame<'a>) -> u64 {
        if let Some(&id) = self.frames.get(&frame) {
            return id;
        }
        // Zero is none.
        let id = self.frames.len() as u64 + 1;
        let (mapping_id, address) = match frame.origin {
            Origin::Word => (1, 0),
            Origin::Kernel => (2, 0),
            Origin::User(place) => self.place(document, place),
        };
        let function_id = self.function(&frame.name, mapping_id);
        self.profile.location.push(Location {
            id,
            mapping_id,
            address,
            line: vec![Line { function_id }],
        });
        self.frames.insert(frame, id);
        id
    }

    fn function(&mut self, name: &str, mapping: u64) -> u64 {
        let name = self.text(name);
        let new = self.functions.len() as u64 + 1;
        let id = *self.functions.entry((name, mapping)).or_insert(new);
        if id == new {
            self.profile.function.push(Function {
                id,
                name,
                system_name: name,
            });
        }
        id
    }

    /// A frame's mapping, and where in its file it lies.
    fn place(&mut self, document: &'a Document, place: u32) -> (u64, u64) {
        let Some(frame) = document.user_frames.get(place as usize) else {
            return (1, 0);
        };
        let UserFrame {
            module,
            build_id,
            offset,
            function: _,
        } = frame;
        let file = (module.as_deref(), build_id.as_deref());
        if file == (None, None) {
            return (1, *offset);
        }
        if let Some(&id) = self.mappings.get(&file) {
            return (id, *offset);
        }
        let id = self.profile.mapping.len() as u64 + 1;
        let mut text = |text: Option<&str>| self.text(&sanitize::text(text.unwrap_or_default()));
        let (filename, build_id) = (text(file.0), text(file.1));
        self.profile.mapping.push(Mapping {
            id,
            filename,
            build_id,
            has_functions: true,
        });
        self.mappings.insert(file, id);
        (id, *offset)
    }

    fn sample(&mut self, document: &'a Document, spent: &'a Spent) {
        let frames = frames::of(document, spent).into_iter().rev();
        let location_id = frames.map(|frame| self.frame(document, frame)).collect();
        let label = self.labels(document, spent);
        self.profile.sample.push(Sample {
            location_id,
            value: vec![signed(spent.count), signed(spent.ns)],
            label,
        });
    }

    fn labels(&mut self, document: &Document, spent: &Spent) -> Vec<Label> {
        let site = &spent.site;
        let texts = [
            (
                "group",
                Some(frames::group(document, spent.thread).into_owned()),
            ),
            ("kind", Some(site.kind.as_str().to_owned())),
            ("syscall", site.syscall.clone()),
            ("function", site.function.clone()),
            ("object", site.object.clone()),
            ("waker", spent.wake.as_ref().map(waker)),
        ];
        let mut labels = Vec::new();
        for (key, text) in texts {
            let Some(text) = text else { continue };
            labels.push(Label {
                key: self.text(key),
                str: self.text(&sanitize::text(&text)),
                num: 0,
            });
        }
        if let Some(&Thread { pid, tid, .. }) = document.threads.get(spent.thread) {
            for (key, id) in [("pid", pid), ("tid", Some(tid))] {
                let Some(num) = id else { continue };
                labels.push(Label {
                    key: self.text(key),
                    str: 0,
                    num: i64::from(num),
                });
            }
        }
        labels
    }
}

/// Who ended waits, else what.
fn waker(wake: &Wake) -> String {
    let source = wake.source.as_str();
    wake.comm.clone().unwrap_or_else(|| source.to_owned())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
