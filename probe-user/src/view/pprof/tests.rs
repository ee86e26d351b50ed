//! A profile read back: every number leads somewhere, sums are those of the waits, and no text
//! commands a terminal.

use std::{collections::BTreeSet, io::Read as _};

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::*;
use crate::view::testing::{filled, hostile_texts, stacks};

fn read_back(texts: &[String], ns: u64) -> Profile {
    let bytes = render(&filled(texts, ns), &stacks(texts, ns));
    let mut inflated = Vec::new();
    GzDecoder::new(&bytes[..])
        .read_to_end(&mut inflated)
        .unwrap();
    Profile::decode(&inflated[..]).unwrap()
}

#[test]
fn pprof_a_sample_has_its_stack_innermost_first_and_its_labels() {
    let texts = ["a", "b", "c", "d"].map(str::to_owned);
    let profile = read_back(&texts, 7);
    let text = |at: i64| profile.string_table[at as usize].as_str();
    let types = profile.sample_type.iter();
    let types: Vec<_> = types.map(|it| (text(it.r#type), text(it.unit))).collect();
    assert_eq!(types, [("blocked", "count"), ("off_cpu", "nanoseconds")]);
    let sample = &profile.sample[0];
    assert_eq!(sample.value, [1, 7]);
    let place = |id: &u64| &profile.location[*id as usize - 1];
    let name = |id: &u64| {
        let function = place(id).line[0].function_id;
        text(profile.function[function as usize - 1].name)
    };
    let names: Vec<_> = sample.location_id.iter().map(name).collect();
    let user = &filled(&texts, 7).user_frames;
    let [named, unnamed] = [0, 1].map(|at| user[at].module.clone().unwrap());
    let function = user[0].function.clone().unwrap();
    let unnamed_name = format!("[{unnamed}+0x10]");
    assert_eq!(names, ["d", "a", &*unnamed_name, &*function]);
    let mapping = |id: &u64| {
        let mapping = &profile.mapping[place(id).mapping_id as usize - 1];
        (
            text(mapping.filename),
            text(mapping.build_id),
            place(id).address,
        )
    };
    let mappings: Vec<_> = sample.location_id.iter().map(mapping).collect();
    let ids = [0, 1].map(|at| user[at].build_id.clone().unwrap());
    let expect = [
        (KERNEL, "", 0),
        (KERNEL, "", 0),
        (&*unnamed, &*ids[1], 0x10),
        (&*named, &*ids[0], 7),
    ];
    assert_eq!(mappings, expect);
    let labels = sample.label.iter().map(|label| match label.str {
        0 => format!("{} {}", text(label.key), label.num),
        value => format!("{} {}", text(label.key), text(value)),
    });
    let labels: Vec<_> = labels.collect();
    let group = format!("group {}", filled(&texts, 7).groups[0].name);
    assert_eq!(
        labels,
        [
            &group,
            "kind futex",
            "syscall a",
            "function b",
            "object c",
            "waker b",
            "tid 0"
        ]
    );
}

proptest! {
    #[test]
    fn pprof_every_number_leads_somewhere(texts in hostile_texts(), ns in any::<u64>()) {
        let profile = read_back(&texts, ns);
        prop_assert_eq!(&profile.string_table[0], "");
        for text in &profile.string_table {
            prop_assert!(!text.chars().any(sanitize::is_hostile), "{:?}", text);
        }
        let places: BTreeSet<_> = profile.location.iter().map(|it| it.id).collect();
        for (at, place) in profile.location.iter().enumerate() {
            prop_assert_eq!(place.id, at as u64 + 1);
            prop_assert!((1..=profile.mapping.len() as u64).contains(&place.mapping_id));
            let function = place.line[0].function_id;
            prop_assert!((1..=profile.function.len() as u64).contains(&function));
        }
        for (at, mapping) in profile.mapping.iter().enumerate() {
            prop_assert_eq!(mapping.id, at as u64 + 1);
        }
        for sample in &profile.sample {
            prop_assert!(sample.location_id.iter().all(|id| places.contains(id)));
            prop_assert_eq!(sample.value[1], signed(ns));
            for label in &sample.label {
                prop_assert!(profile.string_table.len() as i64 > label.str.max(label.key));
            }
        }
        prop_assert_eq!(profile.sample.len(), 3);
    }
}
