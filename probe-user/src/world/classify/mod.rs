//! Which wait kind a sleep is: from the task state, the stack where one was
//! taken, the system call and the descriptor, in that order of authority.
//!
//! A kind is a fact or it is `unknown`: a sleep whose call does not settle the
//! matter and whose stack is not understood is shown with its stack.

pub(super) mod marks;
#[cfg(test)]
mod tests;

use probe_common::sched::state;

use super::{
    object::{FileKind, file_kind},
    stack::{self, Symbol},
};
use crate::{
    syscall::{Class, Table},
    vocabulary::WaitKind,
    wire::event::{Object, Syscall},
};

/// All that is known of a sleep.
pub struct Sleep<'a> {
    /// The system call it is in.
    pub call: Syscall,
    /// Which table the call's number belongs to.
    pub table: Table,
    /// `task->__state`
    pub state: u16,
    /// `task->in_iowait`
    pub io_wait: bool,
    /// In a kernel lock's slow path.
    pub on_lock: bool,
    /// The descriptor slept on.
    pub object: Option<&'a Object>,
    /// Its stack, innermost first; empty when none was taken.
    pub stack: &'a [&'a Symbol],
    /// What kind of asynchronous request its waking shows to be at its end.
    pub finished: Option<WaitKind>,
}

/// The kind.
pub fn classify(sleep: &Sleep<'_>) -> WaitKind {
    by_state(sleep.state)
        .or_else(|| sleep.on_lock.then_some(WaitKind::KernelLock))
        .or_else(|| by_innermost(sleep.stack))
        .or_else(|| by_intervening(sleep.stack))
        .or_else(|| by_call(sleep))
        .or_else(|| sleep.stack.iter().find_map(|symbol| symbol.kind()))
        .or_else(|| by_io_wait(sleep))
        .unwrap_or(WaitKind::Unknown)
}

fn by_state(bits: u16) -> Option<WaitKind> {
    if bits & (state::STOPPED | state::TRACED) != 0 {
        return Some(WaitKind::Stopped);
    }
    (bits & state::FROZEN != 0).then_some(WaitKind::Throttled)
}

/// Functions that sleep themselves for one reason only, because what they call
/// to do it is inlined or scheduler text.
fn by_innermost(stack: &[&Symbol]) -> Option<WaitKind> {
    match stack::function(stack)? {
        // `wait_for_vfork_done`
        "kernel_clone" | "_do_fork" => Some(WaitKind::Vfork),
        // `do_freezer_trap`: the cgroup is frozen. The other sleeps of
        // `get_signal` have states of their own (stopped, traced).
        "get_signal" => Some(WaitKind::Throttled),
        // Waits for another thread that makes the descriptor table larger.
        "expand_files" => Some(WaitKind::KernelLock),
        // On kernels without contention tracepoints: the slow path of a writer,
        // which is no scheduler text there, and the fault handler itself, which
        // sleeps for the address space's lock only.
        "rwsem_down_write_slowpath" | "do_user_addr_fault" => Some(WaitKind::KernelLock),
        _ => None,
    }
}

fn by_intervening(stack: &[&Symbol]) -> Option<WaitKind> {
    let found = stack.iter().filter_map(|symbol| symbol.intervening());
    found.min().map(|strongest| strongest.kind)
}

/// Waits for I/O, and for no page that is missing: those have marks. Without a stack
/// it may be either.
fn by_io_wait(sleep: &Sleep<'_>) -> Option<WaitKind> {
    (sleep.io_wait && !sleep.stack.is_empty()).then_some(WaitKind::Disk)
}

fn by_call(sleep: &Sleep<'_>) -> Option<WaitKind> {
    let class = sleep.call.class(sleep.table);
    if sleep.state & state::UNINTERRUPTIBLE != 0 && !class.sleeps_uninterruptibly() {
        // Not what the call waits for by its nature: its stack must tell.
        return None;
    }
    let file = sleep.object.map(file_kind);
    match class {
        Class::ChildExit => Some(WaitKind::ChildExit),
        Class::Vfork => Some(WaitKind::Vfork),
        Class::Epoll => Some(WaitKind::Epoll),
        Class::Poll => Some(WaitKind::Poll),
        Class::Select => Some(WaitKind::Select),
        Class::Futex | Class::Futexes => Some(WaitKind::Futex),
        Class::Sleep => Some(WaitKind::Sleep),
        Class::Signal => Some(WaitKind::Signal),
        Class::Recv => Some(WaitKind::SocketRecv),
        Class::Send => Some(WaitKind::SocketSend),
        Class::Accept => Some(WaitKind::SocketAccept),
        Class::Connect => Some(WaitKind::SocketConnect),
        Class::Fsync | Class::Sync => Some(WaitKind::Sync),
        Class::Flock => Some(WaitKind::FileLock),
        Class::Fcntl => is_lock_command(sleep.call.arg1).then_some(WaitKind::FileLock),
        Class::Semaphores | Class::Messages | Class::MessageQueue => Some(WaitKind::Ipc),
        Class::IoUring => Some(WaitKind::IoUring),
        // It may as well wait for pages to be written that others made dirty.
        Class::Write if file? == FileKind::Storage && sleep.stack.is_empty() => None,
        Class::Read => read_or_write(sleep, file?, WaitKind::PipeRead, WaitKind::SocketRecv),
        Class::Write => read_or_write(sleep, file?, WaitKind::PipeWrite, WaitKind::SocketSend),
        Class::Open => by_fifo(sleep),
        Class::Restart => is_resumed_sleep(sleep.stack).then_some(WaitKind::Sleep),
        Class::Aio => sleep.finished,
        Class::Splice | Class::SendFile | Class::VmSplice | Class::Other => None,
    }
}

/// A FIFO that is opened for one direction waits for somebody to open it for the other.
fn by_fifo(sleep: &Sleep<'_>) -> Option<WaitKind> {
    const O_ACCMODE: u64 = 3;
    const O_WRONLY: u64 = 1;
    if !sleep.stack.iter().any(|s| &*s.name == "wait_for_partner") {
        return None;
    }
    let name = sleep.table.name(sleep.call.nr)?;
    let flags = match name {
        "creat" => O_WRONLY,
        "open" => sleep.call.arg1,
        _ if sleep.call.looked_up => sleep.call.arg1,
        _ => return None,
    };
    let writes = flags & O_ACCMODE == O_WRONLY;
    Some(if writes {
        WaitKind::PipeWrite
    } else {
        WaitKind::PipeRead
    })
}

/// All that may go on as `restart_syscall` shows functions of its own between the call
/// and its sleep, but for a sleep on the timer: what is between there is scheduler text
/// or called as the last thing its caller does.
fn is_resumed_sleep(stack: &[&Symbol]) -> bool {
    let is_entry = |symbol: &&Symbol| {
        symbol.sched || RESUMED_SLEEP.iter().any(|part| symbol.name.contains(part))
    };
    !stack.is_empty() && stack.iter().all(is_entry)
}

/// Parts of names of the functions between the entry of the kernel and a sleep that goes on.
const RESUMED_SLEEP: &[&str] = &[
    "restart_syscall",
    "hrtimer_nanosleep",
    "nanosleep_restart",
    "do_nanosleep",
    "do_syscall_64",
    "x64_sys_call",
    "entry_SYSCALL_64",
    "el0_svc",
    "el0t_64_sync",
    "invoke_syscall",
];

/// `F_SETLKW`, `F_OFD_SETLKW` (fcntl(2)).
fn is_lock_command(command: u64) -> bool {
    matches!(command, 7 | 38)
}

fn read_or_write(
    sleep: &Sleep<'_>,
    file: FileKind,
    pipe: WaitKind,
    socket: WaitKind,
) -> Option<WaitKind> {
    match file {
        // A file in /proc or on a FUSE mount waits for something else than a
        // disk, and so does a writer that queues for the inode.
        FileKind::Storage => sleep.io_wait.then_some(WaitKind::Disk),
        // Nothing else lets a signal wait: this sleep is for a page of the buffer, or
        // for the other file of a sendfile or splice.
        _ if sleep.state & state::UNINTERRUPTIBLE != 0 => None,
        FileKind::Pipe => Some(pipe),
        FileKind::Socket => Some(socket),
        FileKind::Tty => Some(WaitKind::Tty),
        FileKind::Timer => Some(WaitKind::Timer),
        FileKind::Event => Some(WaitKind::Event),
        FileKind::Other => None,
    }
}
