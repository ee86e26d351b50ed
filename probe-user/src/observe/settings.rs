//! Options → what the probes are set to, and what the recording begins with.

use anyhow::Result;

use super::{Options, Subject, host};
use crate::{
    probe::{
        clock::{monotonic_ns, realtime_ns},
        load::Attached,
        privilege::Capabilities,
        tables::{self, Settings},
    },
    syscall::Table,
    wire::session::Start,
};

/// Sizes of the rings and of the tables.
pub fn settings(options: &Options) -> Result<Settings> {
    // A busy CPU fills 25 MB in a second: room for a few late drains. All of them
    // together take 256 MiB at most, also of CPUs that may be plugged in.
    let rings = tables::possible_cpus()?.next_power_of_two();
    let of_cpu = ((256_u32 << 20) / rings).clamp(4096, 8 << 20);
    let cpus = host::online_cpus();
    let of_all = (4_u32 << 20).saturating_mul(cpus).clamp(8 << 20, 128 << 20);
    let ring_bytes = of_all.checked_next_power_of_two().unwrap_or(128 << 20);
    Ok(Settings {
        stack_threshold_ns: u64::try_from(options.stack_threshold.as_nanos()).unwrap_or(u64::MAX),
        exact_descriptors: options.exact_descriptors,
        describes_descriptors: options.describes_descriptors,
        user_stacks: options.user_stacks,
        ring_bytes: options.ring_bytes.unwrap_or(ring_bytes),
        switch_ring_bytes: options.ring_bytes.unwrap_or(of_cpu),
        tasks: options.max_threads,
        targets: match options.subject {
            Subject::Command { .. } => 1,
            // Each has a thread at least.
            Subject::Processes(_) | Subject::Everything => options.max_threads,
        },
    })
}

/// What is known once the probes are attached: `attached`, to follow the processes `pids`.
pub fn start(
    options: &Options,
    settings: &Settings,
    mut attached: Attached,
    pids: Vec<u32>,
) -> Start {
    attached.problems.extend(symbol_problem());
    let lossy = |text: &std::ffi::OsString| text.to_string_lossy().into_owned();
    let command = match &options.subject {
        Subject::Command { words, .. } => words.iter().map(lossy).collect(),
        Subject::Processes(_) | Subject::Everything => Vec::new(),
    };
    Start {
        command,
        attached: pids,
        host: host::describe(),
        tier: attached.tier,
        started_ns: monotonic_ns(),
        started_realtime_ns: realtime_ns(),
        stack_threshold_ns: settings.stack_threshold_ns,
        exact_descriptors: options.exact_descriptors,
        describes_descriptors: options.describes_descriptors,
        user_stacks: options.user_stacks,
        syscall_table: Table::native().id().to_owned(),
        problems: attached.problems,
        sees_connections: attached.sees_connections,
        sees_listeners: attached.sees_listeners,
    }
}

/// What cannot be named with these rights.
fn symbol_problem() -> Option<String> {
    let hidden = !Capabilities::of_this_process().may_see_symbols() && symbols_hidden();
    let sentence = "kernel function names are hidden from this user: add CAP_SYSLOG or run as root";
    hidden.then(|| sentence.to_owned())
}

/// The first line of kallsyms shows a zero address where addresses are hidden.
fn symbols_hidden() -> bool {
    use std::io::Read as _;
    let mut first = [0; 16];
    let read =
        std::fs::File::open("/proc/kallsyms").and_then(|mut file| file.read_exact(&mut first));
    read.is_err() || first == [b'0'; 16]
}
