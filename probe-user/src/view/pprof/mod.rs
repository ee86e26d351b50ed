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
    frames::{self, Frame},
    sanitize,
};
use crate::document::{
    Document, Thread, Wake,
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

    fn frame(&mut self, frame: Frame<'a>) -> u64 {
        if let Some(&id) = self.frames.get(&frame) {
            return id;
        }
        // Zero is none.
        let id = self.frames.len() as u64 + 1;
        let name = self.text(&frame.name);
        self.profile.function.push(Function {
            id,
            name,
            system_name: name,
        });
        self.profile.location.push(Location {
            id,
            mapping_id: if frame.is_kernel { 2 } else { 1 },
            line: vec![Line { function_id: id }],
        });
        self.frames.insert(frame, id);
        id
    }

    fn sample(&mut self, document: &Document, spent: &'a Spent) {
        let frames = frames::of(spent).into_iter().rev();
        let location_id = frames.map(|frame| self.frame(frame)).collect();
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
