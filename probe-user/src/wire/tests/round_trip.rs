//! What a probe writes is what the world gets, for every kind of record.

use probe_common::{
    fd,
    kernel_return::{self, function},
    sched::{self, flag, state, waker},
    stack::{self, FRAMES, role},
    task::{self, ARGV_BYTES, snapshot},
};

use super::{
    bytes::{padded, seal},
    decoded,
    samples::*,
};
use crate::wire::{
    decode::Problems,
    event::{
        Event, Exec, Fork, Function, KernelReturn, Object, Off, On, Request, Snapshot, Stranger,
        Syscall, Waking, What,
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
        recovered: false,
    }
}

#[test]
fn a_switch_is_an_off_then_an_on() {
    let (prev, next) = ((11, What::Off(off())), (12, What::On(on())));
    check(
        &seal(switch(flag::HAS_PREV | flag::HAS_NEXT)),
        &[prev.clone(), next.clone()],
    );
    check(&seal(switch(flag::HAS_PREV)), &[prev]);
    check(&seal(switch(flag::HAS_NEXT)), &[next]);
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
fn no_waking_time_is_no_waking() {
    let hidden = sched::Switch {
        wake_ns: 0,
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
    let described = What::SecondObject(Box::new(expected));
    check(&seal(second), &[(11, described)]);
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
    let expected = Request {
        sock: 0xffff_8881_0000_1000,
        accept_queue: 33,
        accept_limit: 32,
        syn_queue: 7,
        family: 2,
        port: 9418,
        addr: padded(&[127, 0, 0, 1]),
    };
    check(&seal(request()), &[(0, What::Request(expected))]);
}

#[test]
fn disks_are_named_by_their_numbers() {
    check(&seal(disk()), &[(11, What::Disk(254 << 20 | 16))]);
}

#[test]
fn records_stand_back_to_back() {
    let (events, problems) = decoded(&every_kind().concat());
    assert_eq!(problems, Problems::default());
    assert_eq!(events.len(), 13, "the switch is two");
}
