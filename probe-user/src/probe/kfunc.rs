//! Calls of kernel functions. aya has none, and rustc writes no relocation for
//! them: the compiled probes have calls of a helper that does not exist instead.

use probe_common::config::RDONLY_CAST;

// include/uapi/linux/bpf.h
/// `BPF_JMP | BPF_CALL`
const CALL: u8 = 0x85;
/// `BPF_PSEUDO_KFUNC_CALL` in the upper half of the registers: the number is that
/// of a function in the kernel's BTF.
const KERNEL_FUNCTION: u8 = 2 << 4;

/// The object with its calls of [`RDONLY_CAST`] led to the function that has this
/// number in the kernel's BTF.
pub fn bind(object: &[u8], function: u32) -> Vec<u8> {
    let wanted = call(0, RDONLY_CAST);
    let bound = call(KERNEL_FUNCTION, function);
    let mut object = object.to_vec();
    // Sections of instructions begin at multiples of an instruction. That other
    // eight bytes are these is as good as impossible, and only the loader's own
    // strings and symbols lie there.
    for instruction in object.chunks_exact_mut(wanted.len()) {
        if instruction == wanted {
            instruction.copy_from_slice(&bound);
        }
    }
    object
}

fn call(registers: u8, number: u32) -> [u8; 8] {
    let [a, b, c, d] = number.to_ne_bytes();
    [CALL, registers, 0, 0, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::load::OBJECT;

    #[test]
    fn calls_and_nothing_else_are_led_on() {
        let bound = bind(OBJECT, 4711);
        assert_eq!(bound.len(), OBJECT.len());
        let mut changed = 0;
        for (before, after) in OBJECT.chunks_exact(8).zip(bound.chunks_exact(8)) {
            if before != after {
                assert_eq!(before, call(0, RDONLY_CAST));
                assert_eq!(after, [0x85, 0x20, 0, 0, 0x67, 0x12, 0, 0]);
                changed += 1;
            }
        }
        assert!(changed > 5, "{changed} calls");
        let needle = RDONLY_CAST.to_ne_bytes();
        assert!(!bound.windows(4).any(|bytes| bytes == needle));
    }
}
