//! The running task. From 5.11 on the verifier knows its type; before, every
//! field of it costs a probe read. Where those are refused as well, a table
//! says which task runs, and helpers or its entry give the rest.

use aya_ebpf::helpers;

use crate::{
    filter::{self, Entry},
    maps::{self, RUNNING},
    offsets::{self, Constant, known},
    read::{self, Task, chase, field, probe},
    shared::{load, store},
    syscall::{self, Syscall},
};

/// A CPU's row of the table: what the probes must know of the task that runs.
#[repr(C)]
pub struct Running {
    /// Address of its `task_struct`; 0 before this CPU's first switch.
    address: u64,
    /// `task->flags` when it was switched to.
    flags: u64,
}

/// Notes who runs from now on, where nothing else says so.
#[inline(always)]
pub fn note_switch(next: Task) {
    if !is_tabled() {
        return;
    }
    if let Some(row) = maps::of_cpu(&RUNNING, 0) {
        store!(row.address = next as u64);
        store!(row.flags = u64::from(read::flags(next)));
    }
}

/// The running task.
#[derive(Clone, Copy)]
pub struct Current(Task);

impl Current {
    /// Asks the kernel.
    #[inline(always)]
    pub fn get() -> Current {
        if is_typed() {
            // SAFETY: no precondition.
            return Current(unsafe { helpers::generated::bpf_get_current_task_btf() }.cast());
        }
        if is_tabled() {
            return Current(address_in_row() as Task);
        }
        // SAFETY: no precondition.
        Current(unsafe { helpers::generated::bpf_get_current_task() } as Task)
    }

    /// Its entry, if it is traced.
    #[inline(always)]
    pub fn entry(self) -> Option<Entry> {
        filter::find(self.address(), self.tid())
    }

    /// Address of its `task_struct`.
    #[inline(always)]
    pub fn address(self) -> u64 {
        self.0 as u64
    }

    /// `task->pid`
    #[inline(always)]
    pub fn tid(self) -> u32 {
        if is_tabled() {
            return helpers::bpf_get_current_pid_tgid() as u32;
        }
        self.field(&offsets::TASK_PID)
    }

    /// `task->tgid`
    #[inline(always)]
    pub fn tgid(self) -> u32 {
        if is_tabled() {
            return (helpers::bpf_get_current_pid_tgid() >> 32) as u32;
        }
        self.field(&offsets::TASK_TGID)
    }

    /// `task->flags`
    #[inline(always)]
    pub fn flags(self) -> u32 {
        if is_tabled() {
            return flags_in_row();
        }
        self.field(&offsets::TASK_FLAGS)
    }

    /// `task->comm`, as two words.
    #[inline(always)]
    pub fn comm(self) -> [u64; 2] {
        if is_typed() {
            return read::comm_words(self.0);
        }
        if is_tabled() {
            return read::current_comm();
        }
        probe(self.address(), &offsets::TASK_COMM)
    }

    /// Its system call: the number, and whether it is one of the 32-bit table.
    #[inline(always)]
    pub fn call(self, entry: Option<Entry>) -> (i16, bool) {
        if let Some(entry) = entry {
            let regs = load!(entry.regs);
            if syscall::are_kept(regs) {
                return (syscall::number_behind(regs), self.is_compat());
            }
        }
        let call = self.syscall(entry);
        (call.nr, call.compat)
    }

    #[inline(always)]
    fn syscall(self, entry: Option<Entry>) -> Syscall {
        if is_typed() {
            return syscall::of(self.0);
        }
        if is_tabled() {
            return match entry {
                Some(entry) => syscall::noted(entry),
                None => syscall::NONE,
            };
        }
        if !known(&offsets::REGS_NR) || !known(&offsets::TASK_STACK) {
            return syscall::NONE;
        }
        syscall::on_stack(self.field(&offsets::TASK_STACK), self.is_compat())
    }

    /// As [`syscall::is_compat`].
    #[inline(always)]
    fn is_compat(self) -> bool {
        known(&offsets::TASK_COMPAT)
            && self.field::<u32>(&offsets::TASK_COMPAT) & syscall::TS_COMPAT != 0
    }

    /// Address of the run queue of the CPU it runs on (`se.cfs_rq->rq`).
    #[inline(always)]
    pub fn run_queue(self) -> u64 {
        if is_typed() {
            let cfs_rq = chase(self.0, &offsets::TASK_CFS_RQ);
            return chase(cfs_rq, &offsets::CFS_RQ_RQ);
        }
        probe(self.field(&offsets::TASK_CFS_RQ), &offsets::CFS_RQ_RQ)
    }

    #[inline(always)]
    fn field<T: Copy>(self, offset: &impl Constant) -> T {
        if is_typed() {
            field(self.0, offset)
        } else {
            probe(self.address(), offset)
        }
    }
}

#[inline(always)]
fn address_in_row() -> u64 {
    maps::of_cpu(&RUNNING, 0).map_or(0, |row| load!(row.address))
}

#[inline(always)]
fn flags_in_row() -> u32 {
    maps::of_cpu(&RUNNING, 0).map_or(0, |row| load!(row.flags)) as u32
}

#[inline(always)]
fn is_typed() -> bool {
    offsets::HAS_CURRENT_TASK_BTF.load() != 0
}

/// Whether the table is kept: nothing else says which task runs.
#[inline(always)]
pub fn is_tabled() -> bool {
    !is_typed() && offsets::HAS_PROBE_READ.load() == 0
}
