//! The floor: programs that do nothing, or read the clock and no more, on the two
//! tracepoints that every switch passes. What the first cost is what no observer can
//! go below; what the second cost, none that measures how long a wait took.

use std::ffi::{CString, c_long};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use anyhow::{Context as _, Result};
use nix::libc;

pub(super) const TRACEPOINTS: [&str; 2] = ["sched_switch", "sched_waking"];

// include/uapi/linux/bpf.h
const BPF_PROG_LOAD: c_long = 5;
const BPF_RAW_TRACEPOINT_OPEN: c_long = 17;
const BPF_PROG_TYPE_RAW_TRACEPOINT: u32 = 17;

/// What each program does.
#[derive(Clone, Copy)]
pub(super) enum Does {
    Nothing,
    ReadsClock,
}

impl Does {
    /// Its instructions (include/uapi/linux/bpf.h, `struct bpf_insn`).
    fn instructions(self) -> &'static [u64] {
        /// `r0 = 0; exit`
        const NOTHING: [u64; 2] = [0xb7, 0x95];
        /// `call bpf_ktime_get_ns; r0 = 0; exit`
        const READS_CLOCK: [u64; 3] = [5 << 32 | 0x85, 0xb7, 0x95];
        match self {
            Does::Nothing => &NOTHING,
            Does::ReadsClock => &READS_CLOCK,
        }
    }
}

/// The beginning of `union bpf_attr` for `BPF_PROG_LOAD`; what follows is zero.
#[repr(C)]
#[derive(Default)]
struct Load {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log: [u64; 2],
    kern_version: u32,
    prog_flags: u32,
}

/// The same for `BPF_RAW_TRACEPOINT_OPEN`.
#[repr(C)]
struct Open {
    name: u64,
    prog_fd: u32,
    pad: u32,
}

/// The programs, attached until this is dropped.
pub(super) struct Floor {
    programs: Vec<(&'static str, OwnedFd)>,
    _links: Vec<OwnedFd>,
}

impl Floor {
    pub(super) fn attach(does: Does) -> Result<Self> {
        let instructions = does.instructions();
        let mut floor = Self {
            programs: Vec::new(),
            _links: Vec::new(),
        };
        for name in TRACEPOINTS {
            let c_name = CString::new(name)?;
            let load = Load {
                prog_type: BPF_PROG_TYPE_RAW_TRACEPOINT,
                insn_cnt: u32::try_from(instructions.len())?,
                insns: instructions.as_ptr() as u64,
                license: c"GPL".as_ptr() as u64,
                ..Load::default()
            };
            let program = bpf(BPF_PROG_LOAD, &load).context("loading a program of the floor")?;
            let open = Open {
                name: c_name.as_ptr() as u64,
                prog_fd: program.as_raw_fd().cast_unsigned(),
                pad: 0,
            };
            let link = bpf(BPF_RAW_TRACEPOINT_OPEN, &open).context("attaching it")?;
            floor.programs.push((name, program));
            floor._links.push(link);
        }
        Ok(floor)
    }

    /// Nanoseconds per run of each, where the kernel counts them.
    pub(super) fn costs(&self) -> Result<Vec<(&'static str, f64)>> {
        let cost = |(name, program): &(&'static str, OwnedFd)| {
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", program.as_raw_fd()))?;
            let number = |key: &str| -> Result<f64> {
                let line = info.lines().find_map(|line| line.strip_prefix(key));
                let text = line.with_context(|| format!("the kernel tells no {key}"))?;
                Ok(text.trim().parse()?)
            };
            let runs = number("run_cnt:")?.max(1.0);
            Ok((*name, number("run_time_ns:")? / runs))
        };
        self.programs.iter().map(cost).collect()
    }
}

fn bpf<T>(command: c_long, attributes: &T) -> io::Result<OwnedFd> {
    // SAFETY: the attributes are those of the command; what they point to lives on.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_ref(attributes),
            size_of::<T>(),
        )
    };
    match i32::try_from(result) {
        // SAFETY: a descriptor that the kernel has just made for us.
        Ok(fd) if fd >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}
