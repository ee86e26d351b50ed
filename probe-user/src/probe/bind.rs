//! The compiled probes made fit for this kernel and run: constants and calls of
//! kernel functions. aya knows neither, and rustc writes no relocation for them;
//! they are found by numbers that nothing else bears.

use probe_common::{
    config::RDONLY_CAST,
    constants::{CONSTANTS, MARK},
};

/// A constant's name and value.
pub type Value = (&'static str, u32);

// include/uapi/linux/bpf.h
/// `BPF_ALU64 | BPF_MOV | BPF_K`
const MOVE: u8 = 0xb7;
/// `BPF_JMP | BPF_CALL`
const CALL: u8 = 0x85;
/// `BPF_PSEUDO_KFUNC_CALL` in the upper half of the registers: the number is that
/// of a function in the kernel's BTF.
const KERNEL_FUNCTION: u8 = 2 << 4;

const INSTRUCTION: usize = 8;

// elf(5): 64-bit, little-endian
const SECTION_TABLE: usize = 0x28;
const SECTION_COUNT: usize = 0x3c;
const SECTION_HEADER: usize = 64;
const SHF_EXECINSTR: u64 = 4;

/// The object with every constant at its value, or at its default where there is
/// none in `values`; calls of [`RDONLY_CAST`] lead to `rdonly_cast`, the number of
/// that function in the kernel's BTF.
pub fn bind(object: &[u8], values: &[Value], rdonly_cast: Option<u32>) -> Vec<u8> {
    let constants: Vec<u32> = CONSTANTS
        .iter()
        .map(|(name, default)| {
            let value = values.iter().find(|(other, _)| other == name);
            value.map_or(*default, |(_, value)| *value)
        })
        .collect();
    let mut bound = object.to_vec();
    for (start, len) in code(object) {
        let end = start.saturating_add(len);
        let section = bound.get_mut(start..end).unwrap_or_default();
        for instruction in section.chunks_exact_mut(INSTRUCTION) {
            put(instruction, &constants, rdonly_cast);
        }
    }
    bound
}

fn put(instruction: &mut [u8], constants: &[u32], rdonly_cast: Option<u32>) {
    let &mut [code, registers, 0, 0, a, b, c, d] = instruction else {
        return;
    };
    let number = u32::from_le_bytes([a, b, c, d]);
    let (registers, number) = match (code, registers >> 4, rdonly_cast) {
        (MOVE, 0, _) => {
            let index = number.wrapping_sub(MARK) as usize;
            let Some(value) = constants.get(index) else {
                return;
            };
            (registers, *value)
        }
        (CALL, 0, Some(function)) if number == RDONLY_CAST => (KERNEL_FUNCTION, function),
        _ => return,
    };
    let [a, b, c, d] = number.to_le_bytes();
    instruction.copy_from_slice(&[code, registers, 0, 0, a, b, c, d]);
}

/// Sections of instructions: where they begin and how long they are.
fn code(object: &[u8]) -> Vec<(usize, usize)> {
    let table = word(object, SECTION_TABLE);
    let count = word(object, SECTION_COUNT) & 0xffff;
    let headers = (0..count).map(|i| table.saturating_add(i * SECTION_HEADER));
    let field = |at: usize, offset| word(object, at.saturating_add(offset));
    headers
        .filter(|&at| field(at, 8) as u64 & SHF_EXECINSTR != 0)
        .map(|at| (field(at, 24), field(at, 32)))
        .collect()
}

/// Eight bytes; 0 behind the end.
fn word(object: &[u8], at: usize) -> usize {
    let bytes = object.get(at..at.saturating_add(8)).unwrap_or(&[0; 8]);
    bytes.try_into().map_or(0, usize::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::load::OBJECT;

    /// Instructions of the object.
    fn instructions(object: &[u8]) -> Vec<[u8; INSTRUCTION]> {
        let sections = code(object).into_iter();
        let bytes = sections.flat_map(|(start, len)| object[start..start + len].chunks_exact(8));
        bytes
            .map(|bytes| bytes.try_into().expect("eight"))
            .collect()
    }

    #[test]
    fn marks_and_nothing_else_are_replaced() {
        let bound = bind(OBJECT, &[("TASK_PID", 4711)], Some(815));
        assert_eq!(bound.len(), OBJECT.len());
        let (before, after) = (instructions(OBJECT), instructions(&bound));
        assert!(before.len() > 1000, "{}", before.len());
        let (mut pids, mut casts, mut others) = (0, 0, 0);
        for (before, after) in before.iter().zip(&after) {
            if before == after {
                continue;
            }
            assert_eq!(before[2..4], [0, 0]);
            let number = |of: &[u8; 8]| u32::from_le_bytes(of[4..].try_into().expect("four"));
            match number(before) {
                RDONLY_CAST => {
                    assert_eq!(after[..4], [CALL, KERNEL_FUNCTION, 0, 0]);
                    assert_eq!(number(after), 815);
                    casts += 1;
                }
                mark => {
                    let (name, default) = CONSTANTS[(mark - MARK) as usize];
                    assert_eq!(before[..4], after[..4]);
                    let (expected, count) = match name {
                        "TASK_PID" => (4711, &mut pids),
                        _ => (default, &mut others),
                    };
                    assert_eq!(number(after), expected, "{name}");
                    *count += 1;
                }
            }
        }
        assert!(
            pids > 1 && casts > 5 && others > 50,
            "{pids} {casts} {others}"
        );
    }

    #[test]
    fn every_constant_is_used() {
        let bound = instructions(OBJECT);
        for (index, (name, _)) in (MARK..).zip(CONSTANTS) {
            let mark = index.to_le_bytes();
            assert!(bound.iter().any(|i| i[4..] == mark), "{name}");
        }
    }

    #[test]
    fn broken_objects_come_back_as_they_were() {
        for len in [0, 7, 63, 64, 100] {
            let broken = vec![0xff; len];
            assert_eq!(bind(&broken, &[], Some(1)), broken);
        }
        for len in (0..OBJECT.len()).step_by(997) {
            assert_eq!(bind(&OBJECT[..len], &[], None).len(), len);
        }
    }
}
