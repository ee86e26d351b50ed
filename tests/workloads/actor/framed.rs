//! Sleeps at the end of a known chain of functions that keep frame pointers: in this process,
//! and in a child that is gone a moment later.

use std::fs;
use std::io;

use crate::check;

/// The functions, outermost first, and where each begins and ends.
#[cfg(target_arch = "x86_64")]
mod functions {
    use std::arch::global_asm;

    global_asm!(
        ".pushsection .text.framed,\"ax\",@progbits",
        ".globl framed_outer, framed_middle, framed_inner, framed_end",
        ".type framed_outer,@function",
        "framed_outer: push rbp",
        "mov rbp, rsp",
        "call framed_middle",
        "pop rbp",
        "ret",
        ".size framed_outer, . - framed_outer",
        ".type framed_middle,@function",
        "framed_middle: push rbp",
        "mov rbp, rsp",
        "call framed_inner",
        "pop rbp",
        "ret",
        ".size framed_middle, . - framed_middle",
        // nanosleep(time, NULL)
        ".type framed_inner,@function",
        "framed_inner: push rbp",
        "mov rbp, rsp",
        "xor esi, esi",
        "mov eax, 35",
        "syscall",
        "pop rbp",
        "ret",
        ".size framed_inner, . - framed_inner",
        "framed_end: nop",
        ".popsection",
    );

    unsafe extern "C" {
        pub fn framed_outer(time: *const libc::timespec) -> libc::c_long;
        fn framed_middle();
        fn framed_inner();
        fn framed_end();
    }

    /// Sleeps once.
    pub fn sleep(time: &libc::timespec) -> bool {
        // SAFETY: the functions keep to the calling convention; `time` is initialised.
        unsafe { framed_outer(time) == 0 }
    }

    /// Name, first address and the one behind the last, innermost first.
    pub fn ranges() -> [(&'static str, usize, usize); 3] {
        let [outer, middle, inner, end] = [
            framed_outer as *const () as usize,
            framed_middle as *const () as usize,
            framed_inner as *const () as usize,
            framed_end as *const () as usize,
        ];
        [
            ("framed_inner", inner, end),
            ("framed_middle", middle, inner),
            ("framed_outer", outer, middle),
        ]
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod functions {
    pub fn sleep(_: &libc::timespec) -> bool {
        false
    }

    pub fn ranges() -> [(&'static str, usize, usize); 3] {
        [("", 0, 0); 3]
    }
}

/// Sleeps `count` times for `micros`, then once more in a child. Writes the pids of both to
/// `out`, and of each function its name and where in its file it begins and ends.
pub fn sleep(count: u32, micros: u32, out: &str) -> io::Result<u8> {
    let time = libc::timespec {
        tv_sec: 0,
        tv_nsec: i64::from(micros) * 1000,
    };
    if !(0..count).all(|_| functions::sleep(&time)) {
        return Err(io::Error::other("it did not sleep"));
    }
    // SAFETY: there is one thread; the child only sleeps and ends.
    let child = check(unsafe { libc::fork() })?;
    if child == 0 {
        let code = i32::from(!functions::sleep(&time));
        // SAFETY: ends the process.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` is writable.
    check(unsafe { libc::waitpid(child, &raw mut status, 0) })?;
    if status != 0 {
        return Err(io::Error::other("the child did not sleep"));
    }
    let mut lines = format!("{} {child}\n", std::process::id());
    for (name, from, to) in functions::ranges() {
        let begin = in_file(from)?;
        lines += &format!("{name} {begin} {}\n", begin + (to - from));
    }
    fs::write(out, lines)?;
    Ok(0)
}

/// Where in its file an address lies, as the memory map has it.
fn in_file(address: usize) -> io::Result<usize> {
    for line in fs::read_to_string("/proc/self/maps")?.lines() {
        let mut words = line.split_ascii_whitespace();
        let range = words.next().and_then(|range| range.split_once('-'));
        let offset = words.nth(1);
        let hex = |text: &str| usize::from_str_radix(text, 16).map_err(io::Error::other);
        let (Some((from, to)), Some(offset)) = (range, offset) else {
            continue;
        };
        if (hex(from)?..hex(to)?).contains(&address) {
            return Ok(address - hex(from)? + hex(offset)?);
        }
    }
    Err(io::Error::other("no map has it"))
}
