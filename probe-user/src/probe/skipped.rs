//! Runs of programs that the kernel skipped. It runs no program twice at once on
//! a CPU: where programs may be preempted (fentry and fexit, and from 7.0 on
//! tracepoints outside of locks), whoever comes while another task is in one
//! goes by unseen. The kernel counts that (`recursion_misses`, since 5.12).

use std::{fs, os::fd::AsRawFd as _};

use aya::{Ebpf, programs::ProgramFd};

/// Of every loaded program that was skipped at all, by name.
pub fn runs(ebpf: &Ebpf) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = ebpf
        .programs()
        .filter_map(|(name, program)| {
            let count = of(program.fd().ok()?)?;
            (count > 0).then(|| (name.to_owned(), count))
        })
        .collect();
    found.sort_unstable();
    found
}

/// `None` where the kernel does not tell.
fn of(program: &ProgramFd) -> Option<u64> {
    use std::os::fd::AsFd as _;
    let fd = program.as_fd().as_raw_fd();
    parse(&fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()?)
}

fn parse(fdinfo: &str) -> Option<u64> {
    let value = fdinfo
        .lines()
        .find_map(|line| line.strip_prefix("recursion_misses:"))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_stands_among_other_lines() {
        let fdinfo = "pos:\t0\nprog_type:\t26\nrecursion_misses:\t12\nverified_insns:\t40\n";
        assert_eq!(parse(fdinfo), Some(12));
        assert_eq!(parse("pos:\t0\nprog_type:\t26\n"), None);
        assert_eq!(parse("recursion_misses:\tmany\n"), None);
    }
}
