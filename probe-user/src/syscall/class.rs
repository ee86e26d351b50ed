//! What a sleep in a system call waits for, as far as its name tells.

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
    /// `futex` and its successors
    Futex,
    /// `nanosleep`, `clock_nanosleep`
    Sleep,
    /// `pause`, `rt_sigsuspend`, `rt_sigtimedwait`
    Signal,
    /// Reads from the descriptor in the first argument.
    Read,
    /// Writes to it.
    Write,
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
    /// SysV and POSIX message queues, semaphores
    Ipc,
    /// `io_uring_enter`
    IoUring,
    /// `io_getevents`, `io_pgetevents`
    Aio,
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
            "futex" | "futex_wait" | "futex_waitv" | "futex_requeue" => Class::Futex,
            "nanosleep" | "clock_nanosleep" => Class::Sleep,
            "pause" | "rt_sigsuspend" | "rt_sigtimedwait" => Class::Signal,
            "read" | "readv" | "pread64" | "preadv" | "preadv2" => Class::Read,
            // splice and tee block on their input unless a full pipe is the output.
            "splice" | "tee" | "copy_file_range" => Class::Read,
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" | "sendfile" | "vmsplice" => {
                Class::Write
            }
            "recvfrom" | "recvmsg" | "recvmmsg" => Class::Recv,
            "sendto" | "sendmsg" | "sendmmsg" => Class::Send,
            "accept" | "accept4" => Class::Accept,
            "connect" => Class::Connect,
            "fsync" | "fdatasync" | "syncfs" | "sync_file_range" => Class::Fsync,
            "sync" | "msync" => Class::Sync,
            "flock" => Class::Flock,
            "fcntl" => Class::Fcntl,
            "msgrcv" | "msgsnd" | "semop" | "semtimedop" | "mq_timedsend" | "mq_timedreceive" => {
                Class::Ipc
            }
            "io_uring_enter" => Class::IoUring,
            "io_getevents" | "io_pgetevents" => Class::Aio,
            _ => Class::Other,
        }
    }

    /// Whether the descriptor in the first argument says more.
    pub fn descriptor(self) -> Descriptor {
        match self {
            Class::Read
            | Class::Write
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
        !matches!(self, Class::Other | Class::Fcntl)
    }
}
