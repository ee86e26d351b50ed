//! What the kernel counts of each program.
//!
//! Skipped runs: it runs no program twice at once on a CPU. Where programs may be
//! preempted (fentry and fexit, and from 7.0 on tracepoints outside of locks),
//! a task that comes while another one is in a program goes by unseen
//! (`recursion_misses`, since 5.12). Times, as long as somebody asks for them
//! (`BPF_ENABLE_STATS`, since 5.8): the kernel reads the clock twice for each run
//! then, which costs about as much as a small program.

use std::{
    fs,
    os::fd::{AsFd as _, AsRawFd as _},
};

use aya::{Ebpf, programs::ProgramFd};

use crate::wire::session::ProgramCost;

/// Skipped runs of every loaded program that was skipped at all, by name.
pub fn skipped(ebpf: &Ebpf) -> Vec<(String, u64)> {
    let runs = |fdinfo: &str| field(fdinfo, "recursion_misses").filter(|&runs| runs > 0);
    of_each(ebpf, runs)
}

/// Runs and time of every program that has run since times are asked for.
pub fn costs(ebpf: &Ebpf) -> Vec<ProgramCost> {
    let cost = |fdinfo: &str| {
        let runs = field(fdinfo, "run_cnt").filter(|&runs| runs > 0)?;
        Some((runs, field(fdinfo, "run_time_ns")?))
    };
    let costs = of_each(ebpf, cost).into_iter();
    costs
        .map(|(program, (runs, ns))| ProgramCost { program, runs, ns })
        .collect()
}

fn of_each<T: Ord>(ebpf: &Ebpf, read: impl Fn(&str) -> Option<T>) -> Vec<(String, T)> {
    let mut found: Vec<(String, T)> = ebpf
        .programs()
        .filter_map(|(name, program)| {
            let fdinfo = fdinfo(program.fd().ok()?)?;
            Some((name.to_owned(), read(&fdinfo)?))
        })
        .collect();
    found.sort_unstable();
    found
}

fn fdinfo(program: &ProgramFd) -> Option<String> {
    let fd = program.as_fd().as_raw_fd();
    fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()
}

/// `None` where the kernel does not count them.
fn field(fdinfo: &str, name: &str) -> Option<u64> {
    let mut lines = fdinfo.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(key, _)| *key == name)?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_among_other_lines() {
        let fdinfo = "pos:\t0\nprog_type:\t26\nrun_cnt:\t7\nrecursion_misses:\t12\n";
        assert_eq!(field(fdinfo, "recursion_misses"), Some(12));
        assert_eq!(field(fdinfo, "run_cnt"), Some(7));
        assert_eq!(field(fdinfo, "run_time_ns"), None);
        assert_eq!(field("run_cnt:\tmany\n", "run_cnt"), None);
    }
}
