//! What a sleep in a system call waits for, as far as its name says.

use probe_common::config::lookup;

/// Families of calls that sleep for the same reason. `Other` calls sleep for
/// reasons that only the stack shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// `wait4`, `waitid`
    ChildExit,
    /// `vfork`
    Vfork,
    /// `epoll_wait` and kin
    Epoll,
    /// `poll`, `ppoll`
    Poll,
    /// `select`, `pselect6`
    Select,
    /// `futex` and its successors: the word in the first argument
    Futex,
    /// `futex_waitv`: several words
    Futexes,
    /// `nanosleep`, `clock_nanosleep`
    Sleep,
    /// `pause`, `rt_sigsuspend`, `rt_sigtimedwait`
    Signal,
    /// Reads from the descriptor in the first argument.
    Read,
    /// Writes to it.
    Write,
    /// `splice` and kin: from the descriptor in the first argument to another one. Which of
    /// the two it waits for, the stack shows.
    Splice,
    /// `sendfile`: to the descriptor in the first argument, from another one.
    SendFile,
    /// `vmsplice`: to or from one pipe, as the stack shows.
    VmSplice,
    /// `open` and kin: a FIFO waits for its other end.
    Open,
    /// Socket only: receive.
    Recv,
    /// Socket only: send.
    Send,
    /// Socket only: accept.
    Accept,
    /// Socket only: connect.
    Connect,
    /// `fsync` and others on a descriptor
    Fsync,
    /// `sync`, `msync`: no descriptor
    Sync,
    /// `flock`
    Flock,
    /// `fcntl`: a lock if the command in the second argument says so.
    Fcntl,
    /// SysV semaphores, by their id in the first argument
    Semaphores,
    /// SysV message queues, by their id
    Messages,
    /// POSIX message queues
    MessageQueue,
    /// `io_uring_enter`
    IoUring,
    /// `io_getevents`, `io_pgetevents`
    Aio,
    /// `restart_syscall`: an interrupted call goes on.
    Restart,
    /// Everything else.
    Other,
}

/// Which argument is a descriptor that says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descriptor {
    /// The first.
    First,
    /// None, or it says nothing about the wait.
    None,
}

impl Class {
    /// By the call's name.
    pub fn of(name: &str) -> Class {
        match name {
            "wait4" | "waitid" => Class::ChildExit,
            "vfork" => Class::Vfork,
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" | "epoll_wait_old" => Class::Epoll,
            "poll" | "ppoll" => Class::Poll,
            "select" | "pselect6" => Class::Select,
            "futex" | "futex_wait" | "futex_requeue" => Class::Futex,
            "futex_waitv" => Class::Futexes,
            "nanosleep" | "clock_nanosleep" => Class::Sleep,
            "pause" | "rt_sigsuspend" | "rt_sigtimedwait" => Class::Signal,
            "read" | "readv" | "pread64" | "preadv" | "preadv2" => Class::Read,
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" => Class::Write,
            "splice" | "tee" | "copy_file_range" => Class::Splice,
            "sendfile" => Class::SendFile,
            "vmsplice" => Class::VmSplice,
            "open" | "openat" | "openat2" | "creat" | "open_by_handle_at" => Class::Open,
            "recvfrom" | "recvmsg" | "recvmmsg" => Class::Recv,
            "sendto" | "sendmsg" | "sendmmsg" => Class::Send,
            "accept" | "accept4" => Class::Accept,
            "connect" => Class::Connect,
            "fsync" | "fdatasync" | "syncfs" | "sync_file_range" => Class::Fsync,
            "sync" | "msync" => Class::Sync,
            "flock" => Class::Flock,
            "fcntl" => Class::Fcntl,
            "semop" | "semtimedop" => Class::Semaphores,
            "msgrcv" | "msgsnd" => Class::Messages,
            "mq_timedsend" | "mq_timedreceive" => Class::MessageQueue,
            "io_uring_enter" => Class::IoUring,
            "io_getevents" | "io_pgetevents" => Class::Aio,
            "restart_syscall" => Class::Restart,
            _ => Class::Other,
        }
    }

    /// Whether the descriptor in the first argument says more.
    pub fn descriptor(self) -> Descriptor {
        match self {
            Class::Read
            | Class::Write
            | Class::Splice
            | Class::SendFile
            | Class::VmSplice
            | Class::MessageQueue
            | Class::Recv
            | Class::Send
            | Class::Accept
            | Class::Connect
            | Class::Epoll
            | Class::Fsync
            | Class::Flock
            | Class::Fcntl
            | Class::IoUring => Descriptor::First,
            _ => Descriptor::None,
        }
    }

    /// Whether the call's own wait is one that signals do not end. In any other
    /// call such a sleep is for something on the way: a lock, memory, RCU.
    pub fn sleeps_uninterruptibly(self) -> bool {
        matches!(
            self,
            Class::Read | Class::Write | Class::Fsync | Class::Sync | Class::Vfork | Class::Aio
        )
    }

    /// Whether the call (with its descriptor) settles the wait's kind, so that
    /// an interruptible sleep in it needs no stack.
    pub fn settles(self) -> bool {
        !matches!(
            self,
            Class::Other
                | Class::Fcntl
                | Class::Splice
                | Class::SendFile
                | Class::VmSplice
                | Class::Open
                | Class::Aio
                | Class::Restart
        )
    }

    /// Whether an interrupted call of it goes on as `restart_syscall`, without having
    /// run a handler (users of `restart_block`).
    pub fn is_restarted(self) -> bool {
        matches!(self, Class::Sleep | Class::Poll | Class::Futex)
    }
}

/// What the probes must look up besides two arguments, by a call's name.
pub fn lookup_of(name: &str) -> u8 {
    match name {
        "tee" | "sendfile" => lookup::DESCRIPTOR_1,
        "splice" | "copy_file_range" => lookup::DESCRIPTOR_2,
        "openat" | "open_by_handle_at" => lookup::THIRD,
        "openat2" => lookup::BEHIND_THIRD,
        "poll" | "ppoll" => lookup::POLL,
        "select" | "pselect6" => lookup::SELECT,
        "futex_waitv" => lookup::FUTEXES,
        _ => lookup::NONE,
    }
}
