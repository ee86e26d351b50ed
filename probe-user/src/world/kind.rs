//! The closed vocabulary of waits and wakes (design §4). Ids are append-only:
//! they order rows and may be stored.

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the vocabulary of the field")]
pub enum WaitKind {
    ChildExit = 0,
    Vfork = 1,
    Epoll = 2,
    Poll = 3,
    Select = 4,
    Futex = 5,
    Gil = 6,
    PipeRead = 7,
    PipeWrite = 8,
    SocketRecv = 9,
    SocketSend = 10,
    SocketAccept = 11,
    SocketConnect = 12,
    Sleep = 13,
    Timer = 14,
    Event = 15,
    Signal = 16,
    Disk = 17,
    Sync = 18,
    PageFault = 19,
    Swap = 20,
    Memory = 21,
    KernelLock = 22,
    FileLock = 23,
    Tty = 24,
    IoUring = 25,
    Ipc = 26,
    Stopped = 27,
    Throttled = 28,
    Unknown = 29,
}

impl WaitKind {
    /// The name used in every output.
    pub fn name(self) -> &'static str {
        match self {
            WaitKind::ChildExit => "child-exit",
            WaitKind::Vfork => "vfork",
            WaitKind::Epoll => "epoll",
            WaitKind::Poll => "poll",
            WaitKind::Select => "select",
            WaitKind::Futex => "futex",
            WaitKind::Gil => "gil",
            WaitKind::PipeRead => "pipe-read",
            WaitKind::PipeWrite => "pipe-write",
            WaitKind::SocketRecv => "socket-recv",
            WaitKind::SocketSend => "socket-send",
            WaitKind::SocketAccept => "socket-accept",
            WaitKind::SocketConnect => "socket-connect",
            WaitKind::Sleep => "sleep",
            WaitKind::Timer => "timer",
            WaitKind::Event => "event",
            WaitKind::Signal => "signal",
            WaitKind::Disk => "disk",
            WaitKind::Sync => "sync",
            WaitKind::PageFault => "page-fault",
            WaitKind::Swap => "swap",
            WaitKind::Memory => "memory",
            WaitKind::KernelLock => "kernel-lock",
            WaitKind::FileLock => "file-lock",
            WaitKind::Tty => "tty",
            WaitKind::IoUring => "io-uring",
            WaitKind::Ipc => "ipc",
            WaitKind::Stopped => "stopped",
            WaitKind::Throttled => "throttled",
            WaitKind::Unknown => "unknown",
        }
    }
}

/// Who ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum WakeSource {
    /// A task on its way out.
    TaskExit = 0,
    /// A task, by a system call.
    Task = 1,
    /// A timer interrupt.
    Timer = 2,
    /// A packet, in softirq.
    NetRx = 3,
    /// Completion of block I/O.
    BlockIo = 4,
    /// Another interrupt.
    Irq = 5,
    /// A kernel thread.
    Kthread = 6,
    /// The first run of a new thread.
    New = 7,
    /// An interrupt or a task: it could not be verified which.
    Unverified = 8,
}

impl WakeSource {
    /// The name used in every output.
    pub fn name(self) -> &'static str {
        match self {
            WakeSource::TaskExit => "task-exit",
            WakeSource::Task => "task",
            WakeSource::Timer => "timer",
            WakeSource::NetRx => "net-rx",
            WakeSource::BlockIo => "block-io",
            WakeSource::Irq => "irq",
            WakeSource::Kthread => "kthread",
            WakeSource::New => "new",
            WakeSource::Unverified => "unverified",
        }
    }

    /// Whether `current` at the waking is the one who did it.
    pub fn is_task(self) -> bool {
        matches!(
            self,
            WakeSource::TaskExit | WakeSource::Task | WakeSource::Kthread
        )
    }
}
