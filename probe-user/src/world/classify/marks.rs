//! Kernel functions that tell what a sleep below them waits for. Kernels 5.10 to 7.2: a name
//! that one of them has not got costs nothing.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::vocabulary::WaitKind;

/// What a function that may come between says; the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Intervening {
    rank: usize,
    /// What a sleep below it waits for.
    pub kind: WaitKind,
}

/// What a function says that may come between a system call and its own purpose.
pub fn intervening(name: &str) -> Option<Intervening> {
    let rank = INTERVENING.iter().position(|(known, _)| *known == name)?;
    let kind = INTERVENING[rank].1;
    Some(Intervening { rank, kind })
}

/// What may come between any system call and its own purpose, strongest first:
/// a read(2) that faults on its buffer waits for the page, not for the file.
const INTERVENING: &[(&str, WaitKind)] = &[
    ("handle_userfault", WaitKind::PageFault),
    ("do_swap_page", WaitKind::Swap),
    ("swap_read_folio", WaitKind::Swap),
    ("swap_readpage", WaitKind::Swap),
    ("shmem_swapin_folio", WaitKind::Swap),
    ("try_to_free_pages", WaitKind::Memory),
    ("try_to_free_mem_cgroup_pages", WaitKind::Memory),
    ("mem_cgroup_handle_over_high", WaitKind::Memory),
    ("__mem_cgroup_handle_over_high", WaitKind::Memory),
    ("throttle_direct_reclaim", WaitKind::Memory),
    ("mem_cgroup_oom_synchronize", WaitKind::Memory),
    ("out_of_memory", WaitKind::Memory),
    ("percpu_rwsem_wait", WaitKind::KernelLock),
    // The writer's side of RCU: waits until every reader has left.
    ("synchronize_rcu", WaitKind::KernelLock),
    ("synchronize_rcu_normal", WaitKind::KernelLock),
    ("synchronize_rcu_expedited", WaitKind::KernelLock),
    ("__wait_rcu_gp", WaitKind::KernelLock),
    ("__synchronize_srcu", WaitKind::KernelLock),
    ("rcu_barrier", WaitKind::KernelLock),
    ("rcu_barrier_tasks", WaitKind::KernelLock),
    ("rcu_barrier_tasks_generic", WaitKind::KernelLock),
    ("rcu_barrier_tasks_trace", WaitKind::KernelLock),
    ("srcu_barrier", WaitKind::KernelLock),
    ("synchronize_srcu", WaitKind::KernelLock),
    ("synchronize_srcu_expedited", WaitKind::KernelLock),
    ("synchronize_rcu_tasks", WaitKind::KernelLock),
    ("synchronize_rcu_tasks_generic", WaitKind::KernelLock),
    ("synchronize_rcu_tasks_rude", WaitKind::KernelLock),
    ("synchronize_rcu_tasks_trace", WaitKind::KernelLock),
    ("synchronize_rcu_mult", WaitKind::KernelLock),
    ("rcu_sync_enter", WaitKind::KernelLock),
    ("rcu_sync_dtor", WaitKind::KernelLock),
    ("cond_synchronize_rcu", WaitKind::KernelLock),
    ("cond_synchronize_rcu_expedited", WaitKind::KernelLock),
    ("synchronize_net", WaitKind::KernelLock),
    ("percpu_down_write", WaitKind::KernelLock),
    ("percpu_ref_switch_to_atomic_sync", WaitKind::KernelLock),
    ("__lock_sock", WaitKind::KernelLock),
    ("wait_for_vfork_done", WaitKind::Vfork),
    ("__refrigerator", WaitKind::Throttled),
    ("do_freezer_trap", WaitKind::Throttled),
    ("get_signal_freezer", WaitKind::Throttled),
    // The call has not begun: a supervisor holds it (seccomp_unotify(2)).
    ("seccomp_do_user_notification", WaitKind::Stopped),
    // Another task holds the thread until it answers.
    ("fanotify_get_response", WaitKind::Stopped),
    ("fanotify_handle_event", WaitKind::Stopped),
    ("userfaultfd_event_wait_completion", WaitKind::Stopped),
    ("coredump_task_exit", WaitKind::Stopped),
    ("coredump_wait", WaitKind::Stopped),
    ("ptrace_stop", WaitKind::Stopped),
    ("do_signal_stop", WaitKind::Stopped),
    ("balance_dirty_pages", WaitKind::Sync),
    ("jbd2_log_wait_commit", WaitKind::Sync),
    ("jbd2_journal_lock_updates", WaitKind::Sync),
    ("wait_transaction_locked", WaitKind::Sync),
    ("add_transaction_credits", WaitKind::Sync),
    ("do_get_write_access", WaitKind::Sync),
    ("folio_wait_writeback", WaitKind::Sync),
    ("wait_on_page_writeback", WaitKind::Sync),
    ("handle_mm_fault", WaitKind::PageFault),
    ("exc_page_fault", WaitKind::PageFault),
    ("do_user_addr_fault", WaitKind::PageFault),
    ("do_page_fault", WaitKind::PageFault),
    ("faultin_page", WaitKind::PageFault),
];

/// What a sleep in a function waits for, where the call settles nothing: 32-bit tasks,
/// io_uring workers, calls that may wait for many things. Of several on a stack the
/// innermost decides.
pub fn by_function(name: &str) -> Option<WaitKind> {
    static KINDS: LazyLock<FxHashMap<&str, WaitKind>> = LazyLock::new(|| {
        let each = |&(kind, names): &(WaitKind, &'static str)| {
            names.split_ascii_whitespace().map(move |name| (name, kind))
        };
        FUNCTIONS.iter().flat_map(each).collect()
    });
    KINDS.get(name).copied()
}

const FUNCTIONS: &[(WaitKind, &str)] = &[
    (WaitKind::ChildExit, "do_wait"),
    (WaitKind::Epoll, "do_epoll_wait ep_poll"),
    (WaitKind::Poll, "do_sys_poll do_restart_poll"),
    (WaitKind::Select, "do_select core_sys_select"),
    (
        WaitKind::Futex,
        "futex_wait futex_lock_pi do_futex futex_wait_restart",
    ),
    (
        WaitKind::Sleep,
        "hrtimer_nanosleep hrtimer_nanosleep_restart alarmtimer_do_nsleep \
         alarm_timer_nsleep_restart do_cpu_nanosleep posix_cpu_nsleep_restart",
    ),
    (WaitKind::Timer, "timerfd_read timerfd_read_iter"),
    (
        WaitKind::Event,
        "eventfd_read signalfd_read signalfd_read_iter inotify_read fanotify_read",
    ),
    (
        WaitKind::Signal,
        "do_sigtimedwait sigsuspend __do_sys_pause",
    ),
    (
        WaitKind::PipeRead,
        "pipe_wait_readable pipe_read anon_pipe_read fifo_pipe_read",
    ),
    (
        WaitKind::PipeWrite,
        "pipe_wait_writable pipe_write anon_pipe_write fifo_pipe_write",
    ),
    (
        WaitKind::SocketAccept,
        "inet_csk_accept unix_accept vsock_accept",
    ),
    (WaitKind::SocketConnect, "__sys_connect"),
    (
        WaitKind::SocketRecv,
        "tcp_splice_read unix_stream_splice_read tls_sw_splice_read mptcp_splice_read \
         kcm_splice_read sock_splice_read sock_recvmsg sock_read_iter __sys_recvfrom",
    ),
    (
        WaitKind::SocketSend,
        "sk_stream_wait_memory sock_wait_for_wmem sock_alloc_send_pskb sock_sendmsg \
         sock_write_iter __sys_sendto",
    ),
    (WaitKind::Tty, "n_tty_read n_tty_write tty_wait_until_sent"),
    (
        WaitKind::FileLock,
        "fcntl_setlk posix_lock_inode_wait flock_lock_inode_wait locks_lock_inode_wait \
         __break_lease",
    ),
    (
        WaitKind::Ipc,
        "do_msgrcv do_msgsnd do_semtimedop __do_semtimedop wq_sleep",
    ),
    (
        WaitKind::IoUring,
        "io_cqring_wait io_wq_worker io_sq_thread",
    ),
    (
        WaitKind::Sync,
        "sync_inodes_sb __filemap_fdatawait_range vfs_fsync_range ksys_sync",
    ),
    (
        WaitKind::Disk,
        "xfs_buf_iowait submit_bio_wait filemap_read read_cache_folio __wait_on_buffer \
         __bread_gfp blkdev_direct_IO iomap_dio_rw blk_mq_get_tag",
    ),
    // Work that a kernel thread does: until it is done.
    (
        WaitKind::KernelLock,
        "__flush_work __flush_workqueue flush_workqueue flush_work flush_delayed_work \
         flush_rcu_work drain_workqueue __cancel_work_timer __cancel_work_sync cancel_work_sync \
         cancel_delayed_work_sync destroy_workqueue schedule_on_each_cpu work_on_cpu \
         work_on_cpu_key __lru_add_drain_all lru_add_drain_all kthread_flush_work \
         kthread_flush_worker kthread_cancel_work_sync kthread_stop kthread_park \
         kthread_create_on_node __kthread_create_on_node kthread_create_on_cpu \
         async_synchronize_cookie_domain async_synchronize_full wait_for_device_probe \
         tasklet_kill synchronize_irq",
    ),
    // Other CPUs, and the scheduler's own threads.
    (
        WaitKind::KernelLock,
        "stop_one_cpu stop_two_cpus stop_machine_cpuslocked stop_core_cpuslocked __stop_cpus \
         stop_cpus affine_move_task __set_cpus_allowed_ptr __set_cpus_allowed_ptr_locked \
         migrate_swap cpuhp_kick_ap __cpuhp_kick_ap cpuhp_kick_ap_work wait_for_ap_thread \
         takedown_cpu bringup_cpu cpuhp_issue_call cpuhp_invoke_ap_callback wait_task_inactive",
    ),
    // Names, inodes, mounts, nodes of pseudo file systems: another task is at it.
    (
        WaitKind::KernelLock,
        "d_alloc_parallel d_wait_lookup __wait_on_freeing_inode find_inode find_inode_fast \
         wait_on_new_inode insert_inode_locked super_lock grab_super grab_super_dead sget_fc \
         freeze_super thaw_super thaw_super_locked fsnotify_sb_delete \
         fsnotify_connector_destroy_marks fsnotify_wait_marks_destroyed fsnotify_destroy_group \
         kernfs_drain proc_entry_rundown unregister_sysctl_table start_unregistering \
         drop_sysctl_table bd_prepare_to_claim debugfs_file_put __debugfs_file_removed",
    ),
    // Memory maps and what holds on to them.
    (
        WaitKind::KernelLock,
        "__vma_start_write vma_start_write __vma_enter_locked __vma_start_exclude_readers \
         vma_mark_detached mmu_interval_read_begin mmu_interval_notifier_remove \
         mmu_notifier_unregister",
    ),
    // Groups, modules, network devices.
    (
        WaitKind::KernelLock,
        "cgroup_lock_and_drain_offline cgroup_drain_offline napi_disable napi_disable_locked \
         netdev_run_todo netdev_wait_allrefs netdev_wait_allrefs_any \
         idempotent_wait_for_completion finished_loading rhashtable_free_and_destroy",
    ),
    // The end of requests that were under way.
    (
        WaitKind::KernelLock,
        "exit_aio io_destroy __do_sys_io_destroy __se_sys_io_destroy __x64_sys_io_destroy \
         __arm64_sys_io_destroy kill_ioctx",
    ),
    // Locks whose slow path is no scheduler text.
    (
        WaitKind::KernelLock,
        "rt_mutex_slowlock __rt_mutex_slowlock rt_mutex_slowlock_block rt_mutex_schedule \
         rwsem_down_read_slowpath rwsem_down_write_slowpath __down_common ldsem_down_read \
         ldsem_down_write __percpu_down_read lock_sock_nested wait_for_owner_exiting",
    ),
    // io_uring that comes to its end.
    (
        WaitKind::IoUring,
        "io_uring_cancel_generic __io_uring_cancel io_uring_files_cancel io_wq_put_and_exit \
         io_wq_exit_workers io_rsrc_ref_quiesce io_sq_thread_park io_sq_thread_stop \
         io_sqpoll_wait_sq",
    ),
    // Swap.
    (
        WaitKind::Swap,
        "swapoff __do_sys_swapoff __se_sys_swapoff __x64_sys_swapoff __arm64_sys_swapoff \
         try_to_unuse",
    ),
    // Memory that has to be found.
    (
        WaitKind::Memory,
        "reclaim_throttle congestion_wait wait_iff_congested do_try_to_free_pages \
         try_to_compact_pages compact_zone compact_zone_order alloc_contig_range \
         __alloc_contig_migrate_range memory_reclaim_write",
    ),
    // Processes that end or begin.
    (
        WaitKind::ChildExit,
        "zap_pid_ns_processes call_usermodehelper_exec kernel_wait kernel_wait4 kernel_waitid",
    ),
    // Their other threads: until they have stopped for a dump of core, or ended for an exec.
    (WaitKind::Stopped, "do_coredump vfs_coredump"),
    (WaitKind::KernelLock, "de_thread begin_new_exec"),
    // Writing back, and journals.
    (
        WaitKind::Sync,
        "inode_wait_for_writeback __inode_wait_for_writeback inode_sleep_on_writeback \
         wb_wait_for_completion __writeback_inodes_sb_nr writeback_inodes_sb_nr \
         writeback_inodes_sb try_to_writeback_inodes_sb sync_filesystem \
         filemap_fdatawait_keep_errors filemap_write_and_wait_range file_write_and_wait_range \
         wait_sb_inodes folio_wait_stable filemap_fdatawait_range folio_wait_writeback_killable \
         start_this_handle wait_transaction_switching __jbd2_log_wait_for_space \
         jbd2_log_do_checkpoint jbd2_journal_flush jbd2_journal_destroy jbd2_complete_transaction \
         jbd2_journal_force_commit jbd2_journal_start jbd2__journal_start \
         jbd2_journal_get_write_access jbd2_journal_wait_updates jbd2_might_wait_for_commit \
         jbd2_fc_begin_commit ext4_fc_commit ext4_sync_file ext4_force_commit xlog_wait_on_iclog \
         xlog_grant_head_wait xlog_grant_head_check xlog_wait xlog_state_get_iclog_space \
         xfs_log_force xfs_log_force_seq xfs_ail_push_all_sync xfs_wait_buftarg xfs_buftarg_wait \
         xfs_iunpin_wait xfs_buf_wait_unpin btrfs_wait_ordered_range btrfs_start_ordered_extent \
         btrfs_start_ordered_extent_nowriteback btrfs_wait_ordered_extents btrfs_wait_for_commit \
         wait_current_trans btrfs_commit_transaction btrfs_sync_log wait_log_commit \
         wait_for_commit btrfs_sync_file f2fs_wait_on_page_writeback f2fs_wait_on_all_pages \
         f2fs_issue_checkpoint f2fs_issue_flush f2fs_balance_fs f2fs_sync_file",
    ),
    // Block devices: queues that are frozen or full, requests that are sent at once.
    (
        WaitKind::Disk,
        "blk_mq_freeze_queue_wait blk_mq_freeze_queue_wait_timeout blk_mq_freeze_queue \
         blk_mq_freeze_queue_nomemsave blk_freeze_queue blk_queue_enter __bio_queue_enter \
         bio_queue_enter blk_execute_rq blk_mq_alloc_request rq_qos_wait wbt_wait \
         __rq_qos_throttle blkdev_issue_flush blkdev_issue_discard blkdev_issue_zeroout bio_await \
         bio_await_chain inode_dio_wait __inode_dio_wait inode_dio_wait_interruptible \
         dio_await_completion do_blockdev_direct_IO __blockdev_direct_IO __blkdev_direct_IO \
         __blkdev_direct_IO_simple __iomap_dio_rw filemap_get_pages filemap_update_page \
         filemap_splice_read generic_file_splice_read read_cache_page do_read_cache_folio \
         bread_gfp wait_barrier raid5_get_active_stripe md_write_start md_flush_request \
         md_handle_request dm_wait_for_completion __dm_suspend dm_wait_for_bios_completion \
         nvme_wait_freeze scsi_execute_cmd scsi_block_when_processing_errors mmc_wait_for_req \
         ext4_wait_block_bitmap btrfs_read_extent_buffer",
    ),
    // Throttled by a group.
    (
        WaitKind::Throttled,
        "blkcg_maybe_throttle_current __blkcg_maybe_throttle_current blkcg_maybe_throttle_blkg \
         cgroup_enter_frozen",
    ),
    // Sockets.
    (
        WaitKind::SocketConnect,
        "inet_wait_for_connect inet_stream_connect __inet_stream_connect unix_stream_connect \
         vsock_connect",
    ),
    (
        WaitKind::SocketSend,
        "sk_stream_wait_close sk_stream_wait_connect unix_wait_for_peer",
    ),
    (
        WaitKind::SocketRecv,
        "__skb_recv_datagram unix_stream_read_generic unix_stream_data_wait \
         vsock_connectible_recvmsg",
    ),
    // Terminals.
    (
        WaitKind::Tty,
        "tty_port_block_til_ready tty_port_close_start tty_ldisc_ref_wait tty_ldisc_lock \
         tty_ldisc_hangup tty_release tty_drain_buffer",
    ),
    // A process that answers: FUSE, binder.
    (
        WaitKind::Ipc,
        "request_wait_answer fuse_simple_request __fuse_simple_request fuse_dev_do_read \
         autofs_wait binder_wait_for_work binder_thread_read",
    ),
    // What others write.
    (
        WaitKind::Event,
        "userfaultfd_ctx_read evdev_read hidraw_read joydev_read devkmsg_read syslog_print userfaultfd_read_iter eventfd_read_iter perf_read",
    ),
];
