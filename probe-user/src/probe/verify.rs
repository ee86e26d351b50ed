//! Loading programs on all CPUs at once. A run's start is mostly the kernel's verifier,
//! which walks one program on one CPU, and takes no lock for those who may load programs
//! at all (`bpf_check` in kernel/bpf/verifier.c).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    thread,
};

use aya::{
    Btf, Ebpf,
    programs::{Program, ProgramError},
};

use super::programs::{Rung, Spec};

/// Loads the programs that these try first, the last of them first: the dear ones stand
/// last. One that the kernel refuses stays as it is, and is refused again, with the reason,
/// when it is attached.
pub(super) fn ahead<'a>(ebpf: &mut Ebpf, specs: impl Iterator<Item = &'a Spec>, btf: &Btf) {
    let mut programs: HashMap<&str, &mut Program> = ebpf.programs_mut().collect();
    let first = specs.filter_map(|spec| spec.rungs.first());
    let wanted = first.filter_map(|rung| Some((rung, programs.remove(rung.program)?)));
    let queue = Mutex::new(wanted.collect::<Vec<_>>());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = || {
        while let Some((rung, program)) = next() {
            let _refused_again_later = load(program, rung, btf);
        }
    };
    thread::scope(|scope| {
        for _ in 1..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
        work();
    });
}

/// Has the kernel verify a program for a rung's target, unless it has.
pub(super) fn load(program: &mut Program, rung: &Rung, btf: &Btf) -> Result<(), ProgramError> {
    if program.fd().is_ok() {
        return Ok(());
    }
    match program {
        Program::BtfTracePoint(program) => program.load(rung.target, btf),
        Program::Iter(program) => program.load(rung.target, btf),
        Program::FEntry(program) => program.load(rung.target, btf),
        Program::FExit(program) => program.load(rung.target, btf),
        Program::KProbe(program) => program.load(),
        Program::TracePoint(program) => program.load(),
        Program::RawTracePoint(program) => program.load(),
        Program::CgroupSkb(program) => program.load(),
        _ => Err(ProgramError::UnexpectedProgramType),
    }
}
