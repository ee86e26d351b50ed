//! Every program, what it gives, and the ways to hook it in, best first.

use super::{layout::Layout, tables::Settings};
use crate::wire::session::Tier;

/// A way to hook a program in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// BTF-typed raw tracepoint.
    Tracepoint,
    /// BPF task iterator.
    TaskIterator,
    /// Function entry.
    FunctionEntry,
    /// Function exit.
    FunctionExit,
    /// Kernel probe at a function's entry.
    KernelProbe,
    /// Kernel probe at a function's return.
    KernelReturnProbe,
    /// Tracepoint whose fields tracefs describes; the target is `CATEGORY:NAME`.
    ClassicTracepoint,
    /// Tracepoint that passes its arguments as they are.
    RawTracepoint,
    /// Packets that come to the sockets of every cgroup. Attached only to try it, and
    /// then when there is something to see ([`super::load::Probes::watch_listeners`]).
    CgroupIngress,
}

impl Hook {
    /// The name that libbpf's section names made common.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Tracepoint => "tp_btf",
            Hook::TaskIterator => "iter",
            Hook::FunctionEntry => "fentry",
            Hook::FunctionExit => "fexit",
            Hook::KernelProbe => "kprobe",
            Hook::KernelReturnProbe => "kretprobe",
            Hook::ClassicTracepoint => "tracepoint",
            Hook::RawTracepoint => "raw_tracepoint",
            Hook::CgroupIngress => "cgroup_skb/ingress",
        }
    }
}

/// One rung of a ladder: a program of the object and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Rung {
    /// How.
    pub hook: Hook,
    /// The program's name in the object.
    pub program: &'static str,
    /// The tracepoint or kernel function.
    pub target: &'static str,
}

/// Something to observe, and the rungs of which the first that holds is used.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its name for users.
    pub name: &'static str,
    /// The tier it belongs to.
    pub tier: Tier,
    /// Its tier does not work without it.
    pub required: bool,
    /// What is lost without it.
    pub gives: &'static str,
    /// What it is for.
    pub when: When,
    /// Best first.
    pub rungs: &'static [Rung],
}

/// What a program is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All.
    Always,
    /// Those that show a task's registers only as a system call begins
    /// ([`Layout::notes_calls`]).
    NotesCalls,
    /// Those where descriptors shall be counted exactly ([`Settings::exact_descriptors`]).
    ExactDescriptors,
    /// Those where user stacks shall be taken ([`Settings::user_stacks`]).
    UserStacks,
}

impl Spec {
    /// Whether it is of use on a kernel.
    pub fn is_for(&self, layout: &Layout, settings: &Settings) -> bool {
        match self.when {
            When::Always => true,
            When::NotesCalls => layout.notes_calls(),
            When::ExactDescriptors => settings.exact_descriptors,
            When::UserStacks => settings.user_stacks,
        }
    }
}

/// A spec from its parts.
macro_rules! spec {
    ($name:expr, $tier:ident, $required:literal, $gives:literal, $when:ident,
     [$($hook:ident $program:literal $target:literal),+]) => {
        Spec {
            name: $name,
            tier: Tier::$tier,
            required: $required,
            gives: $gives,
            when: When::$when,
            rungs: &[$(Rung { hook: Hook::$hook, program: $program, target: $target }),+],
        }
    };
}

/// A tracepoint whose program has its name.
macro_rules! tracepoint {
    ($name:literal, $required:literal, $gives:literal) => {
        tracepoint!($name, $required, $gives, Always)
    };
    ($name:literal, $required:literal, $gives:literal, $when:ident) => {
        spec!($name, Tracepoint, $required, $gives, $when, [Tracepoint $name $name])
    };
}

/// A tracepoint whose program, of its name, takes the arguments as they are.
macro_rules! raw_tracepoint {
    ($name:literal, $gives:literal) => {
        spec!($name, Tracepoint, false, $gives, Always, [RawTracepoint $name $name])
    };
}

/// A function of the full tier.
macro_rules! function {
    ($name:literal, $gives:literal, $rungs:tt) => {
        function!($name, true, $gives, $rungs)
    };
    ($name:literal, $required:literal, $gives:literal, $rungs:tt) => {
        spec!($name, Full, $required, $gives, Always, $rungs)
    };
}

/// In the order of attaching: births before switches, so that no newborn
/// switches before it is known; returns before entries, so that no call that
/// was seen to begin ends unseen.
pub const PROBES: &[Spec] = &[
    tracepoint!("sched_wakeup_new", true, "new threads and processes"),
    tracepoint!("sched_process_exec", true, "program names and arguments"),
    spec!(
        "looks at execs",
        Tracepoint,
        false,
        "what descriptors come through an exec",
        Always,
        [Tracepoint "look_at_exec" "sched_process_exec"]
    ),
    // Before the exit itself: a thread that has exited has given its table back.
    spec!(
        "looks at exits",
        Tracepoint,
        false,
        "descriptors and memory at the end of a process",
        Always,
        [Tracepoint "look_at_exit" "sched_process_exit"]
    ),
    tracepoint!("task_rename", false, "thread names set later"),
    tracepoint!("sched_process_exit", true, "exit codes"),
    tracepoint!(
        "sched_process_free",
        true,
        "the end of tasks that never ran"
    ),
    tracepoint!("sched_migrate_task", false, "CPU migrations"),
    tracepoint!(
        "signal_generate",
        false,
        "who sent a signal that ends a process"
    ),
    spec!(
        "mark_victim",
        Tracepoint,
        false,
        "which processes are killed for want of memory",
        Always,
        [
            Tracepoint "mark_victim_task" "mark_victim",
            Tracepoint "mark_victim_id" "mark_victim"
        ]
    ),
    tracepoint!(
        "contention_begin",
        false,
        "which uninterruptible sleeps wait for a kernel lock"
    ),
    tracepoint!("contention_end", false, "where they end"),
    tracepoint!("block_rq_complete", false, "names of disks"),
    raw_tracepoint!("netif_receive_skb", "which packet is delivered"),
    raw_tracepoint!(
        "netif_rx",
        "who sent it (loopback and other virtual devices)"
    ),
    raw_tracepoint!("softirq_exit", "when packets are no more delivered"),
    raw_tracepoint!("softirq_entry", "when packets are delivered"),
    tracepoint!("inet_sock_set_state", false, "connections, and who listens"),
    tracepoint!(
        "tcp_retransmit_skb",
        false,
        "which of their segments are sent again"
    ),
    tracepoint!("sys_enter", true, "system calls", NotesCalls),
    tracepoint!("sys_exit", true, "their end", NotesCalls),
    spec!(
        "descriptor counts",
        Tracepoint,
        false,
        "open descriptors between two looks",
        ExactDescriptors,
        [Tracepoint "fd_sys_exit" "sys_exit"]
    ),
    tracepoint!("sched_waking", true, "who wakes"),
    tracepoint!("sched_switch", true, "every wait"),
    // Behind the switch's own, which notes when a sleep begins.
    spec!(
        "user stacks",
        Tracepoint,
        false,
        "where programs go to sleep",
        UserStacks,
        [Tracepoint "user_stack" "sched_switch"]
    ),
    spec!(
        "task_iter",
        Tracepoint,
        true,
        "tasks that were there before, wake-ups pending at the end",
        Always,
        [TaskIterator "task_iter" "task"]
    ),
    function!(
        "do_wait return",
        "results of waiting for children",
        [
            FunctionExit "do_wait_fexit" "do_wait",
            KernelReturnProbe "do_wait_kretprobe" "do_wait"
        ]
    ),
    function!(
        "do_wait entry",
        "how long these calls took",
        [
            FunctionEntry "do_wait_fentry" "do_wait",
            KernelProbe "do_wait_kprobe" "do_wait"
        ]
    ),
    function!(
        "epoll return",
        "events delivered by each epoll_wait",
        [
            FunctionExit "epoll_fexit" "ep_poll",
            FunctionExit "epoll_fexit" "do_epoll_wait",
            KernelReturnProbe "epoll_kretprobe" "ep_poll",
            KernelReturnProbe "epoll_kretprobe" "do_epoll_wait"
        ]
    ),
    function!(
        "epoll entry",
        "how long these calls took",
        [
            FunctionEntry "epoll_fentry" "ep_poll",
            FunctionEntry "epoll_fentry" "do_epoll_wait",
            KernelProbe "epoll_kprobe" "ep_poll",
            KernelProbe "epoll_kprobe" "do_epoll_wait"
        ]
    ),
    function!(
        "connection requests",
        "queues of listening sockets at each connection request",
        [
            FunctionEntry "conn_request_fentry" "tcp_conn_request",
            KernelProbe "conn_request_kprobe" "tcp_conn_request"
        ]
    ),
    function!(
        "ends of handshakes",
        false,
        "those that a full accept queue drops (IPv4)",
        [
            FunctionEntry "syn_recv_v4_fentry" "tcp_v4_syn_recv_sock",
            KernelProbe "syn_recv_v4_kprobe" "tcp_v4_syn_recv_sock"
        ]
    ),
    function!(
        "ends of handshakes, IPv6",
        false,
        "those that a full accept queue drops (IPv6)",
        [
            FunctionEntry "syn_recv_v6_fentry" "tcp_v6_syn_recv_sock",
            KernelProbe "syn_recv_v6_kprobe" "tcp_v6_syn_recv_sock"
        ]
    ),
    function!(
        "calls of accept",
        false,
        "who calls it at which listener",
        [
            FunctionEntry "accept_fentry" "inet_csk_accept",
            KernelProbe "accept_kprobe" "inet_csk_accept"
        ]
    ),
    // Below the full tier only, and so behind it.
    spec!(
        LISTENERS,
        Tracepoint,
        false,
        "queues of listening sockets at each connection request",
        Always,
        [CgroupIngress "ingress" "the root cgroup"]
    ),
];

/// The program that looks at listeners where the full tier does not.
pub(super) const LISTENERS: &str = "packets to listeners";

/// The programs without which connections are not observed.
pub(super) const CONNECTIONS: &[&str] = &["inet_sock_set_state", "tcp_retransmit_skb"];
