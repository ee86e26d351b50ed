//! The running task. From 5.11 on the verifier knows its type; before, every
//! field of it costs a probe read.

use aya_ebpf::{Global, helpers};

use crate::{
    offsets::{self, known},
    read::{self, Syscall, Task, field, probe},
};

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
        // SAFETY: no precondition.
        Current(unsafe { helpers::generated::bpf_get_current_task() } as Task)
    }

    /// Address of its `task_struct`.
    #[inline(always)]
    pub fn address(self) -> u64 {
        self.0 as u64
    }

    /// `task->pid`
    #[inline(always)]
    pub fn tid(self) -> u32 {
        self.field(&offsets::TASK_PID)
    }

    /// `task->tgid`
    #[inline(always)]
    pub fn tgid(self) -> u32 {
        self.field(&offsets::TASK_TGID)
    }

    /// `task->flags`
    #[inline(always)]
    pub fn flags(self) -> u32 {
        self.field(&offsets::TASK_FLAGS)
    }

    /// Copies `task->comm`.
    #[inline(always)]
    pub fn comm(self, into: *mut [u8; 16]) {
        if is_typed() {
            return read::comm(self.0, into);
        }
        // SAFETY: `into` is 16 bytes of a reserved record.
        unsafe { into.write(probe(self.address(), &offsets::TASK_COMM)) };
    }

    /// Its system call; see [`read::syscall`].
    #[inline(always)]
    pub fn syscall(self) -> Syscall {
        if is_typed() {
            return read::syscall(self.0);
        }
        if !known(&offsets::REGS_NR) {
            return read::NO_SYSCALL;
        }
        let compat = known(&offsets::TASK_COMPAT)
            && self.field::<u32>(&offsets::TASK_COMPAT) & read::TS_COMPAT != 0;
        read::syscall_at(self.field(&offsets::TASK_STACK), compat)
    }

    /// Address of the run queue of the CPU it runs on (`se.cfs_rq->rq`).
    #[inline(always)]
    pub fn run_queue(self) -> u64 {
        if is_typed() {
            let cfs_rq: Task = field(self.0, &offsets::TASK_CFS_RQ);
            return field(cfs_rq, &offsets::CFS_RQ_RQ);
        }
        probe(self.field(&offsets::TASK_CFS_RQ), &offsets::CFS_RQ_RQ)
    }

    #[inline(always)]
    fn field<T: Copy>(self, offset: &Global<u32>) -> T {
        if is_typed() {
            field(self.0, offset)
        } else {
            probe(self.address(), offset)
        }
    }
}

#[inline(always)]
fn is_typed() -> bool {
    offsets::HAS_CURRENT_TASK_BTF.load() != 0
}
