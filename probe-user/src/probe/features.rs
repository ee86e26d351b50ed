//! What the probes can observe, and which kernel structure members each of it needs,
//! under all the names that these have had.

/// Members that are of use only together.
pub(super) struct Feature {
    /// What it lets one observe.
    pub(super) name: &'static str,
    /// Nothing works without it.
    pub(super) essential: bool,
    /// The global whose absence switches the feature off in the probes.
    pub(super) gate: &'static str,
    /// What it needs.
    pub(super) members: &'static [Wanted],
}

// Names of features that more than their members can switch off.
pub(super) const CALLS: &str = "system calls";
pub(super) const DESCRIPTORS: &str = "what a descriptor is";
pub(super) const DESCRIPTOR_TABLES: &str = "how many descriptors are open";
pub(super) const MEMORY: &str = "peak memory of processes";
pub(super) const ARGUMENTS: &str = "program arguments";
pub(super) const INTERRUPTS: &str = "interrupt context of wake-ups";
pub(super) const DISKS: &str = "names of disks";
pub(super) const THROTTLING: &str = "throttling by CPU quotas";
pub(super) const STACK_POINTERS: &str = "stack pointers of faults";

/// A global and the places its member may be found at, newest first.
pub(super) type Wanted = (&'static str, &'static [(&'static str, &'static str)]);

/// All but the registers, which differ by architecture.
const FEATURES: &[Feature] = &[
    Feature {
        name: "threads and their states",
        essential: true,
        gate: "TASK_PID",
        members: &[
            ("TASK_PID", &[("task_struct", "pid")]),
            ("TASK_TGID", &[("task_struct", "tgid")]),
            ("TASK_FLAGS", &[("task_struct", "flags")]),
            (
                "TASK_STATE",
                &[("task_struct", "__state"), ("task_struct", "state")],
            ),
            ("TASK_ON_CPU", &[("task_struct", "on_cpu")]),
            ("TASK_COMM", &[("task_struct", "comm")]),
            ("TASK_START_TIME", &[("task_struct", "start_time")]),
            ("TASK_REAL_PARENT", &[("task_struct", "real_parent")]),
            ("TASK_EXIT_CODE", &[("task_struct", "exit_code")]),
        ],
    },
    Feature {
        name: ARGUMENTS,
        essential: false,
        gate: "MM_ARG_START",
        members: &[
            ("TASK_MM", &[("task_struct", "mm")]),
            ("MM_ARG_START", &[("mm_struct", "arg_start")]),
            ("MM_ARG_END", &[("mm_struct", "arg_end")]),
        ],
    },
    Feature {
        name: DESCRIPTORS,
        essential: false,
        gate: "TASK_FILES",
        members: &[
            ("TASK_FILES", &[("task_struct", "files")]),
            ("FILES_FDT", &[("files_struct", "fdt")]),
            ("FDT_MAX_FDS", &[("fdtable", "max_fds")]),
            ("FDT_FD", &[("fdtable", "fd")]),
            ("FILE_INODE", &[("file", "f_inode")]),
            ("FILE_OP", &[("file", "f_op")]),
            ("FILE_PRIVATE", &[("file", "private_data")]),
            ("FILE_DENTRY", &[("file", "f_path.dentry")]),
            ("DENTRY_NAME_PTR", &[("dentry", "d_name.name")]),
            ("INODE_MODE", &[("inode", "i_mode")]),
            ("INODE_INO", &[("inode", "i_ino")]),
            ("INODE_RDEV", &[("inode", "i_rdev")]),
        ],
    },
    Feature {
        name: DESCRIPTOR_TABLES,
        essential: false,
        gate: "FDT_OPEN_FDS",
        members: &[
            ("FDT_OPEN_FDS", &[("fdtable", "open_fds")]),
            ("FDT_CLOSE_ON_EXEC", &[("fdtable", "close_on_exec")]),
            ("FILES_COUNT", &[("files_struct", "count")]),
            ("SIGNAL_RLIM", &[("signal_struct", "rlim")]),
        ],
    },
    Feature {
        name: MEMORY,
        essential: false,
        gate: "SIGNAL_MAXRSS",
        members: &[
            ("SIGNAL_MAXRSS", &[("signal_struct", "maxrss")]),
            ("SIGNAL_LIVE", &[("signal_struct", "live")]),
        ],
    },
    Feature {
        name: "sizes of kernel stacks",
        essential: false,
        gate: "TASK_STACK_AREA",
        members: &[
            ("TASK_STACK_AREA", &[("task_struct", "stack_vm_area")]),
            ("AREA_PAGES", &[("vm_struct", "nr_pages")]),
        ],
    },
    Feature {
        name: "socket families and addresses",
        essential: false,
        gate: "SOCKET_SK",
        members: &[
            ("SOCKET_SK", &[("socket", "sk")]),
            ("SOCK_FAMILY", &[("sock", "__sk_common.skc_family")]),
            ("SOCK_STATE", &[("sock", "__sk_common.skc_state")]),
            ("SOCK_TYPE", &[("sock", "sk_type")]),
            ("SOCK_PROTOCOL", &[("sock", "sk_protocol")]),
            ("SOCK_LPORT", &[("sock", "__sk_common.skc_num")]),
            ("SOCK_RPORT", &[("sock", "__sk_common.skc_dport")]),
            ("SOCK_LADDR4", &[("sock", "__sk_common.skc_rcv_saddr")]),
            ("SOCK_RADDR4", &[("sock", "__sk_common.skc_daddr")]),
        ],
    },
    Feature {
        name: "IPv6 socket addresses",
        essential: false,
        gate: "SOCK_LADDR6",
        members: &[
            ("SOCK_LADDR6", &[("sock", "__sk_common.skc_v6_rcv_saddr")]),
            ("SOCK_RADDR6", &[("sock", "__sk_common.skc_v6_daddr")]),
        ],
    },
    Feature {
        name: "queues of listening sockets",
        essential: false,
        gate: "SOCK_ACK_BACKLOG",
        members: &[
            ("SOCK_ACK_BACKLOG", &[("sock", "sk_ack_backlog")]),
            ("SOCK_MAX_ACK_BACKLOG", &[("sock", "sk_max_ack_backlog")]),
            (
                "ICSK_QUEUE_LEN",
                &[("inet_connection_sock", "icsk_accept_queue.qlen")],
            ),
        ],
    },
    Feature {
        name: "network namespaces of sockets",
        essential: false,
        gate: "SOCK_NET",
        members: &[
            ("SOCK_NET", &[("sock", "__sk_common.skc_net.net")]),
            ("NET_INUM", &[("net", "ns.inum")]),
        ],
    },
    Feature {
        name: "whether SYN cookies are sent",
        essential: false,
        gate: "NET_SYNCOOKIES",
        members: &[("NET_SYNCOOKIES", &[("net", "ipv4.sysctl_tcp_syncookies")])],
    },
    Feature {
        name: "what becomes of connections",
        essential: false,
        gate: "SOCK_ERR",
        members: &[
            ("SOCK_ERR", &[("sock", "sk_err")]),
            ("TCP_RECEIVED", &[("tcp_sock", "bytes_received")]),
            ("TCP_SENT", &[("tcp_sock", "segs_out")]),
            ("TCP_AGAIN", &[("tcp_sock", "total_retrans")]),
        ],
    },
    Feature {
        name: "sleeps for I/O",
        essential: false,
        gate: "TASK_IOWAIT",
        members: &[("TASK_IOWAIT", &[("task_struct", "in_iowait")])],
    },
    Feature {
        name: DISKS,
        essential: false,
        gate: "DISK_MAJOR",
        members: &[
            ("DISK_MAJOR", &[("gendisk", "major")]),
            ("DISK_FIRST_MINOR", &[("gendisk", "first_minor")]),
        ],
    },
    Feature {
        name: INTERRUPTS,
        essential: false,
        gate: "TASK_CFS_RQ",
        members: &[
            ("TASK_CFS_RQ", &[("task_struct", "se.cfs_rq")]),
            ("CFS_RQ_RQ", &[("cfs_rq", "rq")]),
        ],
    },
    Feature {
        name: THROTTLING,
        essential: false,
        gate: "CFS_RQ_THROTTLE_COUNT",
        members: &[
            ("TASK_PRIO", &[("task_struct", "prio")]),
            ("TASK_PARENT_ENTITY", &[("task_struct", "se.parent")]),
            ("ENTITY_PARENT", &[("sched_entity", "parent")]),
            ("ENTITY_CFS_RQ", &[("sched_entity", "cfs_rq")]),
            ("CFS_RQ_THROTTLE_COUNT", &[("cfs_rq", "throttle_count")]),
            ("CFS_RQ_GROUP", &[("cfs_rq", "tg")]),
            ("GROUP_CGROUP", &[("task_group", "css.cgroup")]),
            ("GROUP_QUOTA", &[("task_group", "cfs_bandwidth.quota")]),
            ("GROUP_PERIOD", &[("task_group", "cfs_bandwidth.period")]),
            ("CGROUP_NODE", &[("cgroup", "kn")]),
            ("NODE_ID", &[("kernfs_node", "id")]),
            ("NODE_NAME", &[("kernfs_node", "name")]),
        ],
    },
    Feature {
        name: "moves between run queues",
        essential: false,
        gate: "TASK_NR_MIGRATIONS",
        members: &[
            ("TASK_NR_MIGRATIONS", &[("task_struct", "se.nr_migrations")]),
            (
                "TASK_CPU",
                &[("task_struct", "thread_info.cpu"), ("task_struct", "cpu")],
            ),
        ],
    },
    Feature {
        name: "signals that end waits",
        essential: false,
        gate: "TASK_PENDING",
        members: &[
            ("TASK_BLOCKED", &[("task_struct", "blocked")]),
            ("TASK_PENDING", &[("task_struct", "pending.signal")]),
            ("TASK_SIGNAL", &[("task_struct", "signal")]),
            (
                "SIGNAL_PENDING",
                &[("signal_struct", "shared_pending.signal")],
            ),
            ("SIGNAL_EXIT_CODE", &[("signal_struct", "group_exit_code")]),
        ],
    },
    Feature {
        name: "senders of signals",
        essential: false,
        gate: "SIGINFO_CODE",
        members: &[
            ("SIGINFO_CODE", &[("kernel_siginfo", "si_code")]),
            (
                "SIGINFO_ADDR",
                &[("kernel_siginfo", "_sifields._sigfault._addr")],
            ),
        ],
    },
    Feature {
        name: "bounds of stacks",
        essential: false,
        gate: "MM_START_STACK",
        members: &[("MM_START_STACK", &[("mm_struct", "start_stack")])],
    },
    Feature {
        name: "switches that the kernel hides",
        essential: false,
        gate: "RQ_CLOCK",
        members: &[
            ("RQ_CLOCK", &[("rq", "clock")]),
            (
                "TASK_LAST_ARRIVAL",
                &[("task_struct", "sched_info.last_arrival")],
            ),
            (
                "TASK_LAST_QUEUED",
                &[("task_struct", "sched_info.last_queued")],
            ),
            ("TASK_RUN_DELAY", &[("task_struct", "sched_info.run_delay")]),
        ],
    },
];

/// System-call number, arguments and 32-bit flag as x86 keeps them.
const X86_REGISTERS: &[Feature] = &[
    Feature {
        name: CALLS,
        essential: false,
        gate: "REGS_NR",
        members: &[
            ("REGS_NR", &[("pt_regs", "orig_ax")]),
            ("REGS_ARG0", &[("pt_regs", "di")]),
            ("REGS_ARG1", &[("pt_regs", "si")]),
            ("REGS_ARG2", &[("pt_regs", "dx")]),
            ("REGS_ARG3", &[("pt_regs", "r10")]),
        ],
    },
    Feature {
        name: STACK_POINTERS,
        essential: false,
        gate: "REGS_SP",
        members: &[
            ("REGS_SP", &[("pt_regs", "sp")]),
            ("REGS_IP", &[("pt_regs", "ip")]),
        ],
    },
    Feature {
        name: "32-bit tasks",
        essential: false,
        gate: "TASK_COMPAT",
        members: &[
            ("TASK_COMPAT", &[("task_struct", "thread_info.status")]),
            ("REGS_CS", &[("pt_regs", "cs")]),
        ],
    },
];

/// The same for arm64.
const ARM_REGISTERS: &[Feature] = &[
    Feature {
        name: "system calls",
        essential: false,
        gate: "REGS_NR",
        members: &[
            ("REGS_NR", &[("pt_regs", "syscallno")]),
            ("REGS_ARG0", &[("pt_regs", "orig_x0")]),
            // regs[1] and so on: the array begins with regs[0] at `regs`.
            ("REGS_ARG1", &[("pt_regs", "regs")]),
            ("REGS_ARG2", &[("pt_regs", "regs")]),
            ("REGS_ARG3", &[("pt_regs", "regs")]),
        ],
    },
    Feature {
        name: STACK_POINTERS,
        essential: false,
        gate: "REGS_SP",
        members: &[
            ("REGS_SP", &[("pt_regs", "sp")]),
            ("REGS_IP", &[("pt_regs", "pc")]),
        ],
    },
];

/// Those of an architecture.
pub(super) fn features_of(arch: &str) -> impl Iterator<Item = &'static Feature> {
    let registers = if arch == "aarch64" {
        ARM_REGISTERS
    } else {
        X86_REGISTERS
    };
    FEATURES.iter().chain(registers)
}
