//! Who ended a wait. `current` at a waking is the waker only in task context;
//! an interrupt's stack tells a timer from a packet from a disk.

use probe_common::{sched::waker, stack::FRAMES};

use super::stack::{Symbol, without_probe};
use crate::{
    vocabulary::{WaitKind, WakeSource},
    wire::{decode::in_interrupt, event::Waking},
};

/// The source of a waking whose waker's stack was `stack` (empty: not taken), which
/// is what could be named of `frames` frames.
pub fn source(wake: &Waking, stack: &[&Symbol], frames: usize) -> WakeSource {
    if wake.flags & waker::NEW != 0 {
        return WakeSource::New;
    }
    if wake.flags & waker::RECOVERED != 0 {
        return WakeSource::Unverified;
    }
    let own = without_probe(stack);
    if let Some(source) = own.iter().find_map(|symbol| symbol.interrupt()) {
        return source;
    }
    if wake.flags & waker::NET_RX != 0 {
        return WakeSource::NetRx;
    }
    // An interrupt whose beginning is not on the stack, or perhaps one.
    let known = wake.flags & waker::CONTEXT_KNOWN != 0;
    // A stack of which nothing can be named tells nothing.
    let whole = !stack.is_empty() && frames < FRAMES;
    if in_interrupt(wake.flags) || !known && !whole {
        return WakeSource::Unverified;
    }
    task(wake.flags, own)
}

/// Whether a waking was brought about by a packet that `current` itself had sent.
pub fn is_by_sender(source: WakeSource, flags: u16) -> bool {
    source == WakeSource::NetRx && flags & waker::SENDER != 0
}

/// Whether a waking was brought about by a request that a disk had finished, and
/// not by a device that finishes without one (dm, brd).
pub fn is_behind_request(stack: &[&Symbol]) -> bool {
    stack
        .iter()
        .any(|symbol| REQUEST_ENDS.contains(&&*symbol.name))
}

/// What kind of request of asynchronous I/O has come to its end, where the stack of the
/// waking shows it: a sleeper in io_getevents(2) shows only that it waits for any.
pub fn request_finished(stack: &[&Symbol]) -> Option<WaitKind> {
    let has = |name: &&(&str, WaitKind)| stack.iter().any(|symbol| &*symbol.name == name.0);
    AIO_ENDS.iter().find(has).map(|&(_, kind)| kind)
}

/// fs/aio.c, fs/direct-io.c, fs/iomap/direct-io.c, block/fops.c
const AIO_ENDS: &[(&str, WaitKind)] = &[
    ("aio_poll_wake", WaitKind::Poll),
    ("aio_poll_complete_work", WaitKind::Poll),
    ("aio_poll_put_work", WaitKind::Poll),
    ("aio_poll_cancel", WaitKind::Poll),
    ("aio_fsync_work", WaitKind::Sync),
    ("iomap_dio_complete", WaitKind::Disk),
    ("iomap_dio_complete_work", WaitKind::Disk),
    ("iomap_dio_bio_end_io", WaitKind::Disk),
    ("dio_complete", WaitKind::Disk),
    ("dio_aio_complete_work", WaitKind::Disk),
    ("dio_bio_end_aio", WaitKind::Disk),
    ("blkdev_bio_end_io", WaitKind::Disk),
    ("blkdev_bio_end_io_async", WaitKind::Disk),
    ("bio_endio", WaitKind::Disk),
    ("blk_update_request", WaitKind::Disk),
    ("blk_mq_end_request", WaitKind::Disk),
];

/// All of them tell the request (`block_rq_complete`) before they end its bios.
const REQUEST_ENDS: [&str; 4] = [
    "blk_update_request",
    "blk_mq_end_request",
    "blk_mq_end_request_batch",
    "blk_complete_request",
];

/// Marks of an interrupt's work, and of its beginning. Walking outwards from
/// the wake-up, whatever comes first decides.
const INTERRUPTS: &[(&str, WakeSource)] = &[
    ("hrtimer_wakeup", WakeSource::Timer),
    ("__hrtimer_run_queues", WakeSource::Timer),
    ("hrtimer_run_softirq", WakeSource::Timer),
    ("hrtimer_interrupt", WakeSource::Timer),
    ("process_timeout", WakeSource::Timer),
    ("call_timer_fn", WakeSource::Timer),
    ("__run_timers", WakeSource::Timer),
    ("run_timer_softirq", WakeSource::Timer),
    ("run_posix_cpu_timers", WakeSource::Timer),
    ("tick_nohz_handler", WakeSource::Timer),
    ("tick_sched_timer", WakeSource::Timer),
    ("net_rx_action", WakeSource::NetRx),
    ("net_tx_action", WakeSource::NetRx),
    ("process_backlog", WakeSource::NetRx),
    ("__napi_poll", WakeSource::NetRx),
    ("blk_done_softirq", WakeSource::BlockIo),
    ("blk_complete_reqs", WakeSource::BlockIo),
    ("blk_mq_end_request", WakeSource::BlockIo),
    ("blk_mq_complete_request", WakeSource::BlockIo),
    ("blk_update_request", WakeSource::BlockIo),
    ("bio_endio", WakeSource::BlockIo),
    ("virtblk_done", WakeSource::BlockIo),
    ("nvme_irq", WakeSource::BlockIo),
    ("handle_softirqs", WakeSource::Irq),
    ("__do_softirq", WakeSource::Irq),
    ("do_softirq", WakeSource::Irq),
    ("irq_exit_rcu", WakeSource::Irq),
    ("common_interrupt", WakeSource::Irq),
    ("asm_common_interrupt", WakeSource::Irq),
    ("handle_irq_event", WakeSource::Irq),
];

/// Which interrupt's work a function is.
pub fn interrupt(name: &str) -> Option<WakeSource> {
    let known = INTERRUPTS.iter().find(|(mark, _)| *mark == name);
    // sysvec_apic_timer_interrupt, asm_sysvec_reschedule_ipi, …
    let vector = name.starts_with("sysvec_") || name.starts_with("asm_sysvec_");
    let known = known.map(|&(_, source)| source);
    known.or(vector.then_some(WakeSource::Irq))
}

fn task(flags: u16, stack: &[&Symbol]) -> WakeSource {
    let exits = [
        "do_exit",
        "do_notify_parent",
        "exit_notify",
        "exit_mm_release",
        "mm_release",
    ];
    // An exec gives the old memory up as well, and lets a vfork's parent go on.
    let execs = [
        "exec_mm_release",
        "exec_mmap",
        "begin_new_exec",
        "flush_old_exec",
    ];
    let has_any = |names: &[&str]| stack.iter().any(|symbol| names.contains(&&*symbol.name));
    let on_its_way_out = flags & waker::EXITING != 0 || has_any(&exits) && !has_any(&execs);
    // Kernel threads begin in `kthread`, whose flag the raw tier cannot read.
    let kernel_thread =
        flags & waker::KTHREAD != 0 || stack.iter().any(|symbol| &*symbol.name == "kthread");
    if on_its_way_out {
        WakeSource::TaskExit
    } else if kernel_thread {
        WakeSource::Kthread
    } else if flags & waker::IDLE != 0 {
        // The idle task wakes nobody itself.
        WakeSource::Irq
    } else {
        WakeSource::Task
    }
}

#[cfg(test)]
mod tests {
    use super::super::stack::named;
    use super::*;

    fn check(flags: u16, stack: &str, expected: WakeSource) {
        check_of(stack.split_whitespace().count(), flags, stack, expected);
    }

    /// What could be named of so many frames.
    #[track_caller]
    fn check_of(frames: usize, flags: u16, stack: &str, expected: WakeSource) {
        let symbols = named(stack);
        let stack_refs: Vec<&Symbol> = symbols.iter().collect();
        let wake = Waking {
            ts_ns: 1,
            tid: 5,
            nr: 0,
            flags,
        };
        let told = source(&wake, &stack_refs, frames);
        assert_eq!(told, expected, "{flags:#x} {stack}");
    }

    const TASK: u16 = waker::CONTEXT_KNOWN | waker::TRACED;

    #[test]
    fn source_a_timer_that_interrupted_a_task_is_a_timer() {
        let stack = "bpf_prog_6deef7357e7b4530 bpf_trace_run1 try_to_wake_up hrtimer_wakeup \
                     __hrtimer_run_queues hrtimer_interrupt sysvec_apic_timer_interrupt \
                     asm_sysvec_apic_timer_interrupt copy_to_user vfs_read";
        check(TASK, stack, WakeSource::Timer);
        check(TASK | waker::HARDIRQ, stack, WakeSource::Timer);
    }

    #[test]
    fn source_a_packet_delivered_in_the_senders_own_softirq_is_net_rx() {
        let stack = "try_to_wake_up sock_def_readable tcp_data_queue tcp_v4_rcv __netif_receive_skb \
                     process_backlog __napi_poll net_rx_action handle_softirqs do_softirq \
                     __local_bh_enable_ip __dev_queue_xmit tcp_sendmsg";
        check(TASK | waker::SOFTIRQ, stack, WakeSource::NetRx);
    }

    #[test]
    fn source_a_packet_needs_no_stack_where_its_delivery_is_known() {
        let flags = TASK | waker::SOFTIRQ | waker::NET_RX;
        check(flags, "", WakeSource::NetRx);
        check(
            flags,
            "try_to_wake_up bio_endio net_rx_action",
            WakeSource::BlockIo,
        );
    }

    #[test]
    fn source_exits_are_told_from_other_work_of_a_task() {
        check(
            TASK | waker::EXITING,
            "__wake_up_sync_key do_notify_parent do_exit",
            WakeSource::TaskExit,
        );
        check(
            TASK,
            "complete_signal __send_signal do_notify_parent exit_notify",
            WakeSource::TaskExit,
        );
        check(TASK | waker::EXITING, "", WakeSource::TaskExit);
        check(
            TASK,
            "complete mm_release exec_mm_release begin_new_exec load_elf_binary",
            WakeSource::Task,
        );
        check(TASK, "complete mm_release exec_mmap", WakeSource::Task);
        check(TASK, "complete mm_release do_exit", WakeSource::TaskExit);
        check(TASK, "try_to_wake_up futex_wake do_futex", WakeSource::Task);
        check(TASK, "", WakeSource::Task);
        check(
            waker::CONTEXT_KNOWN | waker::KTHREAD,
            "wake_up_process kworker",
            WakeSource::Kthread,
        );
        check(
            0,
            "__wake_up n_tty_receive_buf_common flush_to_ldisc process_one_work worker_thread \
             kthread ret_from_fork ret_from_fork_asm",
            WakeSource::Kthread,
        );
    }

    #[test]
    fn source_disks_and_other_interrupts() {
        check(
            waker::IDLE,
            "wake_up bio_endio blk_mq_end_request virtblk_done asm_common_interrupt",
            WakeSource::BlockIo,
        );
        check(
            waker::IDLE,
            "try_to_wake_up some_driver asm_common_interrupt",
            WakeSource::Irq,
        );
        check(TASK, "try_to_wake_up sysvec_irq_work", WakeSource::Irq);
    }

    #[test]
    fn source_what_cannot_be_verified_is_not_guessed() {
        check(0, "", WakeSource::Unverified);
        check(waker::TRACED, "", WakeSource::Unverified);
        check(TASK | waker::SOFTIRQ, "", WakeSource::Unverified);
        let bridged = "nf_hook_slow ".repeat(FRAMES);
        check(TASK | waker::SOFTIRQ, &bridged, WakeSource::Unverified);
        check(waker::TRACED, &bridged, WakeSource::Unverified);
        check(TASK, &bridged, WakeSource::Task);
        check(waker::NEW, "", WakeSource::New);
    }

    #[test]
    fn source_where_the_context_is_not_known_a_named_beginning_must_be_there() {
        let stack = "try_to_wake_up pipe_write ksys_write do_syscall_64";
        let flags = waker::TRACED;
        check_of(4, flags, stack, WakeSource::Task);
        check_of(6, flags, stack, WakeSource::Task);
        check_of(FRAMES, flags, stack, WakeSource::Unverified);
        check_of(4, flags, "", WakeSource::Unverified);
        check_of(0, flags, "", WakeSource::Unverified);
    }
}
