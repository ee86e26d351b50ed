//! What a probe writes is what the world gets, for every kind of record.

use probe_common::{
    connection::{accept, step},
    fd,
    fd_table::why,
    kernel_return::{self, function},
    listen::{self, request},
    oom,
    sched::{self, flag, state, waker},
    signal,
    stack::{self, FRAMES, role},
    task::{self, ARGV_BYTES, snapshot},
};

use super::{
    bytes::{at, padded, seal},
    decoded,
    samples::*,
};
use crate::wire::{
    decode::Problems,
    event::{
        Accept, BUILD_ID, Before, BuildId, Cgroup, Connect, Event, Exec, FdKinds, FdLook, Fork,
        Function, KernelReturn, Listening, Migration, Object, Occasion, Off, On, Open, Owner, Peak,
        Pending, Prev, Request, Sent, Snapshot, Step, Stepped, Stranger, Syscall, UserFrame,
        UserFrames, Waking, What,
    },
};

fn check(record: &[u8], expected: &[(u32, What)]) {
    let (events, problems) = decoded(record);
    assert_eq!(problems, Problems::default());
    let expected: Vec<Event> = expected
        .iter()
        .map(|(tid, what)| Event {
            ts_ns: NOW,
            cpu: CPU,
            tid: *tid,
            what: what.clone(),
        })
        .collect();
    assert_eq!(events, expected);
}

fn off() -> Off {
    Off {
        seq: u16::MAX,
        state: state::UNINTERRUPTIBLE,
        preempted: false,
        io_wait: false,
        has_object: false,
        has_second: false,
        on_lock: false,
        throttled: false,
        call: Syscall {
            nr: 202,
            compat: false,
            kernel: false,
            looked_up: false,
            arg0: u64::MAX - 1,
            arg1: 128,
        },
    }
}

fn on() -> On {
    On {
        seq: 4,
        wake: Some(Waking {
            ts_ns: NOW - 5,
            tid: 13,
            nr: -1,
            flags: waker::CONTEXT_KNOWN | waker::HARDIRQ,
        }),
        ..On::default()
    }
}

#[test]
fn a_switch_is_an_off_then_an_on() {
    let behind_traced = On {
        before: Before {
            prev: Prev::Traced,
            ..Before::default()
        },
        ..on()
    };
    let (prev, next) = ((11, What::Off(off())), (12, What::On(behind_traced)));
    check(
        &seal(switch(flag::HAS_PREV | flag::HAS_NEXT)),
        &[prev.clone(), next.clone()],
    );
    check(&seal(switch(flag::HAS_PREV)), &[prev]);
    check(&seal(switch(0)), &[]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_flag_of_a_switch_out_is_decoded() {
    let plain = off();
    let call = plain.call;
    let compat = Syscall {
        compat: true,
        ..call
    };
    let kernel = Syscall {
        kernel: true,
        ..call
    };
    let looked_up = Syscall {
        looked_up: true,
        ..call
    };
    for (bit, expected) in [
        (
            flag::PREEMPT,
            Off {
                preempted: true,
                ..plain
            },
        ),
        (
            flag::IOWAIT,
            Off {
                io_wait: true,
                ..plain
            },
        ),
        (
            flag::OBJECT,
            Off {
                has_object: true,
                ..plain
            },
        ),
        (
            flag::SECOND_OBJECT,
            Off {
                has_second: true,
                ..plain
            },
        ),
        (
            flag::LOOKED_UP,
            Off {
                call: looked_up,
                ..plain
            },
        ),
        (
            flag::LOCK,
            Off {
                on_lock: true,
                ..plain
            },
        ),
        (
            flag::THROTTLED,
            Off {
                throttled: true,
                ..plain
            },
        ),
        (
            flag::COMPAT,
            Off {
                call: compat,
                ..plain
            },
        ),
        (
            flag::KERNEL,
            Off {
                call: kernel,
                ..plain
            },
        ),
        (flag::RECOVERED, plain),
    ] {
        check(
            &seal(switch(flag::HAS_PREV | bit)),
            &[(11, What::Off(expected))],
        );
    }
}

#[test]
fn an_untraced_half_says_what_its_cpu_did_before() {
    let alone = |prev_tid, prev_arg0| sched::Switch {
        prev_tid,
        prev_arg0,
        prev_seq: 3,
        ..switch(flag::HAS_NEXT)
    };
    let expected = |prev, lost, steady_ns| {
        let before = Before {
            prev,
            lost,
            steady_ns,
        };
        (12, What::On(On { before, ..on() }))
    };
    // As older probes have left it.
    check(&seal(alone(11, 0)), &[expected(Prev::Unknown, 0, 0)]);
    check(&seal(alone(11, NOW - 9)), &[expected(Prev::Outside, 3, 9)]);
    check(&seal(alone(0, NOW - 9)), &[expected(Prev::Idle, 3, 9)]);
    check(&seal(alone(0, NOW + 9)), &[expected(Prev::Idle, 3, 0)]);
    let late = sched::Switch {
        header: at(1 << 40, CPU, flag::HAS_NEXT | flag::MOVES_KNOWN),
        ..alone(11, 1)
    };
    let found = decoded(&seal(late)).0.remove(0).what;
    let before = Before {
        prev: Prev::Outside,
        lost: 3,
        steady_ns: u32::MAX,
    };
    let on = On {
        before,
        moves_known: true,
        ..on()
    };
    assert_eq!(found, What::On(on));
}

#[test]
fn a_migration_leaves_a_cpu_that_is_idle_or_was() {
    let what = |idle_until_ns| {
        What::Migration(Migration {
            from_cpu: 2,
            to_cpu: CPU,
            idle_until_ns,
        })
    };
    check(&seal(migration()), &[(11, what(Some(NOW - 9)))]);
    let idle = sched::Migration {
        idle_until_ns: u64::MAX,
        ..migration()
    };
    check(&seal(idle), &[(11, what(None))]);
}

#[test]
fn no_waking_time_is_no_waking() {
    let hidden = sched::Switch {
        wake_ns: 0,
        prev_arg0: 0,
        ..switch(flag::HAS_NEXT | flag::RECOVERED)
    };
    let expected = On {
        wake: None,
        recovered: true,
        ..on()
    };
    check(&seal(hidden), &[(12, What::On(expected))]);
}

#[test]
fn strangers_names_end_at_their_nul_or_at_sixteen_bytes() {
    let named = |comm: &[u8]| {
        What::Waker(Stranger {
            tid: 99,
            pid: 98,
            comm: comm.into(),
        })
    };
    check(&seal(stranger()), &[(11, named(b"exactly-16-bytes"))]);
    let short = sched::Waker {
        comm: *b"cron\0rest of buf",
        ..stranger()
    };
    check(&seal(short), &[(11, named(b"cron"))]);
}

#[test]
fn stacks_have_as_many_frames_as_were_taken() {
    let frames = |len: u64| (0..len).map(|i| 0xffff_ffff_8100_0000 + i).collect();
    for len in [0, 1, FRAMES as u64] {
        let what = What::SleeperStack(frames(len));
        check(&seal(stack_of(role::SLEEPER, len as u32)), &[(11, what)]);
    }
    check(
        &seal(stack_of(role::WAKER, 2)),
        &[(11, What::WakerStack(frames(2)))],
    );
    // More than there is room for.
    let too_many = stack::Stack {
        len: u32::MAX,
        ..stack_of(role::SLEEPER, FRAMES as u32)
    };
    check(
        &seal(too_many),
        &[(11, What::SleeperStack(frames(FRAMES as u64)))],
    );
}

#[test]
fn objects_keep_every_field() {
    let expected = Object {
        fd: -1,
        ino: 1 << 40,
        mode: 0o140_777,
        rdev: 5,
        family: 2,
        sock_type: 1,
        protocol: 6,
        sock_state: 10,
        local_port: 9418,
        remote_port: 40_222,
        local_addr: padded(&[127, 0, 0, 1]),
        remote_addr: padded(&[10, 0, 0, 5]),
        name: (*b"TCP").into(),
    };
    let described = What::Object(Box::new(expected.clone()));
    check(&seal(object()), &[(11, described)]);
    let mut second = object();
    second.header.flags = fd::SECOND;
    let described = What::SecondObject(Box::new(expected.clone()));
    check(&seal(second), &[(11, described)]);
    for (flags, cloexec) in [(fd::OPEN, false), (fd::OPEN | fd::CLOEXEC, true)] {
        let mut open = object();
        open.header.flags = flags;
        let object = expected.clone();
        let described = What::Open(Box::new(Open { cloexec, object }));
        check(&seal(open), &[(11, described)]);
    }
}

#[test]
fn births_names_and_deaths_keep_every_field() {
    let born = Fork {
        creator_tid: 10,
        pid: 9,
        ppid: 1,
        clone_flags: 0x0001_0000,
        comm: (*b"worker\xff").into(),
    };
    check(&seal(fork()), &[(11, What::Fork(born))]);
    check(&seal(rename()), &[(11, What::Rename((*b"pool-1").into()))]);
    let migrations = 77;
    let status = Some(-1);
    check(&seal(exit()), &[(11, What::Exit { status, migrations })]);
    let mut unread = exit();
    unread.header.flags = task::exit::STATUS_UNKNOWN;
    let status = None;
    check(&seal(unread), &[(11, What::Exit { status, migrations })]);
}

#[test]
fn arguments_are_as_long_as_they_say() {
    let event = |argv: &[u8]| {
        What::Exec(Exec {
            old_tid: 12,
            comm: (*b"git").into(),
            argv: argv.into(),
        })
    };
    for argv in [&b""[..], b"git\0fetch\0", &[b'x'; ARGV_BYTES]] {
        check(&seal(exec(argv)), &[(11, event(argv))]);
    }
    let lying = task::Exec {
        argv_len: u32::MAX,
        ..exec(&[b'x'; ARGV_BYTES])
    };
    check(&seal(lying), &[(11, event(&[b'x'; ARGV_BYTES]))]);
    // Cut behind a whole word, they do not end as whole ones do.
    let mut words = [b'x'; ARGV_BYTES];
    words[ARGV_BYTES - 1] = 0;
    check(&seal(exec(&words)), &[(11, event(&words))]);
    let cut = task::Exec {
        argv_len: ARGV_BYTES as u32 + 1,
        ..exec(&words)
    };
    check(&seal(cut), &[(11, event(&[b'x'; ARGV_BYTES - 1]))]);
}

#[test]
fn snapshots_keep_every_field() {
    let expected = Snapshot {
        last: true,
        held: false,
        on_cpu: true,
        pid: 9,
        ppid: 1,
        migrations: 8,
        off: Off {
            seq: 5,
            state: state::INTERRUPTIBLE,
            call: Syscall {
                nr: 61,
                arg0: 2,
                arg1: 3,
                ..Syscall::default()
            },
            ..off()
        },
        wake: Some(Waking {
            ts_ns: NOW - 9,
            tid: 13,
            nr: 1,
            flags: waker::TRACED,
        }),
        comm: (*b"sh").into(),
    };
    check(
        &seal(snapshot_of(snapshot::FINAL | snapshot::ON_CPU)),
        &[(11, What::Snapshot(Box::new(expected.clone())))],
    );
    let seed = Snapshot {
        last: false,
        held: true,
        on_cpu: false,
        wake: None,
        ..expected
    };
    let unwoken = task::Snapshot {
        wake_ns: 0,
        ..snapshot_of(snapshot::HELD)
    };
    check(&seal(unwoken), &[(11, What::Snapshot(Box::new(seed)))]);
}

#[test]
fn calls_keep_every_field() {
    for (number, function) in [
        (function::DO_WAIT, Function::DoWait),
        (function::EPOLL, Function::Epoll),
    ] {
        let expected = KernelReturn {
            function,
            result: -4,
            entered_ns: Some(NOW - 1_000),
        };
        check(
            &seal(call_of(number)),
            &[(11, What::KernelReturn(expected))],
        );
        let unseen = kernel_return::KernelReturn {
            entered_ns: 0,
            ..call_of(number)
        };
        let expected = KernelReturn {
            entered_ns: None,
            ..expected
        };
        check(&seal(unseen), &[(11, What::KernelReturn(expected))]);
    }
}

#[test]
fn a_call_of_a_function_that_is_not_known_is_skipped_and_counted() {
    for number in [0, 3, u16::MAX] {
        let (events, problems) = decoded(&seal(call_of(number)));
        assert_eq!(events, []);
        assert_eq!((problems.unknown, problems.malformed), (1, 0), "{number}");
    }
}

#[test]
fn requests_keep_every_field_and_are_about_no_thread() {
    let expected = |ends_handshake, cookies| Request {
        sock: 0xffff_8881_0000_1000,
        accept_queue: 33,
        accept_limit: 32,
        syn_queue: 7,
        family: 2,
        port: 9418,
        addr: padded(&[127, 0, 0, 1]),
        ends_handshake,
        cookies,
    };
    let check_flags = |flags, expected| {
        let header = at(NOW, CPU, flags);
        let record = listen::Request {
            header,
            ..request()
        };
        check(&seal(record), &[(0, What::Request(expected))]);
    };
    check_flags(0, expected(false, None));
    check_flags(request::HANDSHAKE_END, expected(true, None));
    check_flags(request::COOKIES, expected(false, Some(true)));
    check_flags(request::NO_COOKIES, expected(false, Some(false)));
}

#[test]
fn connections_keep_every_field() {
    let begun = Connect {
        sock: 0xffff_8881_0000_2000,
        netns: Some(4_026_531_840),
        family: 10,
        port: 9418,
        local_addr: padded(&[0xfd, 1]),
        addr: padded(&[0xfd, 2]),
    };
    let mut record = connect();
    check(&seal(record), &[(11, What::Connect(Box::new(begun)))]);
    record.netns = 0;
    let somewhere = Connect {
        netns: None,
        ..begun
    };
    check(&seal(record), &[(11, What::Connect(Box::new(somewhere)))]);
    let taken = |to| Step {
        sock: 0xffff_8881_0000_2000,
        to,
        received: 1 << 40,
        sent: 3,
        error: 104,
        local_port: 40_222,
        state: 1,
        again: 2,
    };
    for (number, to) in [
        (step::ESTABLISHED, Stepped::Established),
        (step::PEER_CLOSED, Stepped::PeerClosed),
        (step::CLOSED, Stepped::Closed),
        (step::AGAIN, Stepped::Again),
    ] {
        check(&seal(step_to(number)), &[(0, What::Step(taken(to)))]);
    }
    assert_eq!(decoded(&seal(step_to(99))).1.unknown, 1);
}

#[test]
fn listeners_keep_every_field() {
    let found = |owner| {
        What::Listening(Box::new(Listening {
            sock: 0xffff_8881_0000_1000,
            owner,
            netns: Some(4_026_531_840),
            family: 2,
            port: 9418,
            addr: padded(&[127, 0, 0, 1]),
        }))
    };
    let owner = Owner {
        tid: 11,
        pid: 9,
        comm: (*b"daemon").into(),
        is_traced: true,
    };
    check(&seal(listening_by(11)), &[(0, found(Some(owner)))]);
    check(&seal(listening_by(0)), &[(0, found(None))]);
    let expected = |sock| {
        What::Accept(Accept {
            sock,
            netns: Some(4_026_531_840),
            queue: 2,
            family: 2,
            port: 9418,
            addr: padded(&[127, 0, 0, 1]),
        })
    };
    let listener = Some(0xffff_8881_0000_1000);
    check(&seal(accept_as(accept::CALL)), &[(11, expected(listener))]);
    check(&seal(accept_as(accept::END)), &[(11, expected(None))]);
    assert_eq!(decoded(&seal(accept_as(99))).1.unknown, 1);
}

#[test]
fn disks_are_named_by_their_numbers() {
    check(&seal(disk()), &[(11, What::Disk(254 << 20 | 16))]);
}

#[test]
fn a_peak_of_memory_is_in_bytes() {
    let expected = Peak {
        before: false,
        rss_bytes: 48 << 20,
        kernel_stack: Some(16_384),
    };
    check(&seal(peak()), &[(11, What::Peak(expected))]);
    let unread = probe_common::memory::Peak {
        kernel_stack: 0,
        ..peak()
    };
    let expected = Peak {
        kernel_stack: None,
        ..expected
    };
    check(&seal(unread), &[(11, What::Peak(expected))]);
    let mut before = unread;
    before.header.flags = probe_common::memory::BEFORE;
    let expected = Peak {
        before: true,
        ..expected
    };
    check(&seal(before), &[(11, What::Peak(expected))]);
}

#[test]
fn a_user_stack_lies_in_files_or_at_addresses() {
    let stack = 0x1234_5678_9abc_def1;
    check(&seal(user_stack()), &[(11, What::UserStack(stack))]);
    let build_id = BuildId([7; BUILD_ID]);
    let frames = [
        UserFrame::InFile {
            build_id,
            offset: 0x1139,
        },
        UserFrame::Address(0x7fff_0000_1000),
    ];
    let expected = UserFrames {
        stack,
        frames: frames.into(),
    };
    check(
        &seal(user_frames()),
        &[(11, What::UserFrames(Box::new(expected)))],
    );
    let text = build_id.to_string();
    assert_eq!(BuildId::of_hex(&text), Some(build_id));
    assert_eq!(BuildId::of_hex(&text[1..]), None);
    assert_eq!(BuildId::of_hex(&text.replace('7', "+")), None);
}

#[test]
fn records_stand_back_to_back() {
    let (events, problems) = decoded(&every_kind().concat());
    assert_eq!(problems, Problems::default());
    assert_eq!(events.len(), every_kind().len() + 1, "the switch is two");
}

#[test]
fn signals_are_those_of_the_thread_and_those_of_its_process() {
    let expect = Pending {
        own: 1 << 8,
        shared: 1 << 14 | 1 << 63,
        exit_code: 15,
    };
    check(&seal(pending()), &[(11, What::Signals(expect))]);
}

#[test]
fn a_look_at_a_descriptor_table_has_its_occasion() {
    let look = |occasion, cut| FdLook {
        occasion,
        files: 0xffff_8881_0000_2000,
        open: 47,
        cut,
        limit: Some(1024),
    };
    for (flags, occasion) in [
        (why::SWITCH, Occasion::Now),
        (why::CALL, Occasion::Now),
        (why::BIRTH, Occasion::Birth),
        (why::EXEC, Occasion::Exec),
        (why::EXIT, Occasion::Exit),
        (why::SEED, Occasion::Seed),
        (why::FINAL, Occasion::Final),
    ] {
        let expected = [(11, What::FdTable(look(occasion, false)))];
        check(&seal(fd_look(flags)), &expected);
        let expected = [(11, What::FdTable(look(occasion, true)))];
        check(&seal(fd_look(flags | why::CUT)), &expected);
    }
    let unread = probe_common::fd_table::Look {
        limit: 0,
        ..fd_look(why::SEED)
    };
    let expected = FdLook {
        limit: None,
        ..look(Occasion::Seed, false)
    };
    check(&seal(unread), &[(11, What::FdTable(expected))]);
    let (events, problems) = decoded(&seal(fd_look(why::MASK)));
    assert_eq!((events.len(), problems.unknown), (0, 1));
}

#[test]
fn kinds_of_descriptors_are_known_where_all_were_looked_at() {
    let kinds = |occasion, counts, described| {
        What::FdKinds(Box::new(FdKinds {
            occasion,
            files: 0xffff_8881_0000_2000,
            counts,
            open: 37,
            described,
        }))
    };
    let counts = Some([1, 2, 3, 4, 5, 6, 7, 8]);
    let expected = [(11, kinds(Occasion::Exec, counts, true))];
    check(&seal(fd_kinds(why::EXEC | why::DESCRIBED)), &expected);
    let expected = [(11, kinds(Occasion::Exit, None, false))];
    check(&seal(fd_kinds(why::EXIT | why::CUT)), &expected);
}

#[test]
fn signals_that_are_sent_have_a_sender_if_a_task_sent_them() {
    let expect = Sent {
        signal: 15,
        code: -6,
        sender: Some((98, (*b"killer").into())),
        addr: 1,
        sp: 2,
        ip: 3,
        stack_start: 4,
        stack_limit: 8 << 20,
    };
    let event = |sent| [(11, What::Sent(Box::new(sent)))];
    check(&seal(sent()), &event(expect.clone()));
    let by_the_kernel = signal::Sent {
        sender_tgid: 0,
        ..sent()
    };
    let sender = None;
    check(&seal(by_the_kernel), &event(Sent { sender, ..expect }));
}

#[test]
fn victims_have_as_many_frames_as_were_taken() {
    let frames = |len: u64| (0..len).map(|i| 0xffff_ffff_8100_0000 + i).collect();
    for (len, taken) in [(0, 0), (2, 2), (u32::MAX, oom::FRAMES as u64)] {
        check(&seal(victim(len)), &[(11, What::Victim(frames(taken)))]);
    }
}

#[test]
fn cgroups_keep_every_field_and_are_about_no_thread() {
    let expect = Cgroup {
        id: 1 << 32 | 7,
        quota_ns: 20_000_000,
        period_ns: 100_000_000,
        name: (*b"batch").into(),
    };
    check(&seal(cgroup()), &[(0, What::Cgroup(Box::new(expect)))]);
}
