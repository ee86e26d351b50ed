//! A 32-bit program, assembled here: no 32-bit compiler is needed.

/// Naps the program takes.
pub const NAPS: u64 = 5;
/// Length of a nap, ns.
pub const NAP_NS: u32 = 20_000_000;
/// Its exit status.
pub const STATUS: i32 = 9;

const BASE: u32 = 0x0804_8000;
const HEADER_BYTES: u32 = 52 + 32;
/// Where the `timespec` lies, behind the code.
const TIME_AT: u32 = BASE + HEADER_BYTES + 0x40;

/// The executable: `nanosleep` [`NAPS`] times by `int 0x80`, then `exit`.
///
/// The number of `nanosleep` there, 162, is `sync` in the 64-bit table.
pub fn program() -> Vec<u8> {
    let mut file = header();
    file.extend(code());
    file.resize((TIME_AT - BASE) as usize, 0);
    file.extend(0u32.to_le_bytes());
    file.extend(NAP_NS.to_le_bytes());
    let length = u32::try_from(file.len()).unwrap_or_default();
    // p_filesz and p_memsz.
    file[68..72].copy_from_slice(&length.to_le_bytes());
    file[72..76].copy_from_slice(&length.to_le_bytes());
    file
}

fn header() -> Vec<u8> {
    let mut bytes = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // e_type EXEC, e_machine 386.
    bytes.extend([2, 0, 3, 0]);
    for word in [1, BASE + HEADER_BYTES, 52, 0, 0] {
        bytes.extend(word.to_le_bytes());
    }
    // e_ehsize, e_phentsize, e_phnum, no sections.
    for half in [52u16, 32, 1, 40, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    // One LOAD segment, readable and executable; the sizes come later.
    for word in [1, 0, BASE, BASE, 0, 0, 5, 0x1000] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

fn code() -> Vec<u8> {
    let mut code = Vec::new();
    // mov esi, NAPS
    code.push(0xbe);
    code.extend((NAPS as u32).to_le_bytes());
    let again = code.len();
    // mov eax, 162; mov ebx, TIME_AT; xor ecx, ecx; int 0x80
    code.push(0xb8);
    code.extend(162u32.to_le_bytes());
    code.push(0xbb);
    code.extend(TIME_AT.to_le_bytes());
    code.extend([0x31, 0xc9, 0xcd, 0x80]);
    // dec esi; jnz again
    let back = u8::try_from(code.len() + 3 - again).unwrap_or_default();
    code.extend([0x4e, 0x75, back.wrapping_neg()]);
    // mov eax, 1; mov ebx, STATUS; int 0x80
    code.push(0xb8);
    code.extend(1u32.to_le_bytes());
    code.push(0xbb);
    code.extend(STATUS.to_le_bytes());
    code.extend([0xcd, 0x80]);
    code
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::{NAP_NS, NAPS, STATUS, program};

    #[test]
    fn it_naps_and_exits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("naps32");
        fs::write(&path, program()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let begin = Instant::now();
        let status = Command::new(path).status().unwrap();
        assert_eq!(status.code(), Some(STATUS));
        let least = Duration::from_nanos(NAPS * u64::from(NAP_NS));
        assert!(begin.elapsed() >= least, "{:?}", begin.elapsed());
    }
}
