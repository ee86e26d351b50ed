//! Signals that come to us, and the one we end by.

use std::io::Write;
use std::os::fd::AsRawFd;

use nix::pty::openpty;
use nix::sys::signal::Signal;
use nix::unistd::{getpid, setsid};

use super::super::reraise;
use super::super::signals::{Received, Signals, should_forward};
use super::*;

/// A fork that reads its signals through [`Signals`].
fn with_signals(body: impl AsyncFnOnce(Signals) -> i32) -> Exit {
    in_fork(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { body(Signals::new(None).unwrap()).await })
    })
}

fn kill_self(signal: i32) {
    // SAFETY: integers only.
    unsafe { libc::kill(libc::getpid(), signal) };
}

async fn next(signals: &mut Signals) -> Received {
    tokio::time::timeout(Duration::from_secs(20), signals.next())
        .await
        .unwrap()
        .unwrap()
}

#[test]
fn every_signal_for_the_command_is_read_with_its_sender() {
    let exit = with_signals(async |mut signals| {
        let me = std::process::id();
        for signal in [
            libc::SIGINT,
            libc::SIGTERM,
            libc::SIGHUP,
            libc::SIGQUIT,
            libc::SIGUSR1,
            libc::SIGUSR2,
        ] {
            kill_self(signal);
            let received = next(&mut signals).await;
            assert_eq!(
                received,
                Received {
                    signal,
                    sent_by: Some(me)
                }
            );
            assert!(should_forward(&received, 1 << 30));
        }
        // SAFETY: sends to this very thread (SI_TKILL).
        unsafe { libc::raise(libc::SIGTERM) };
        let received = next(&mut signals).await;
        assert_eq!(
            received,
            Received {
                signal: libc::SIGTERM,
                sent_by: Some(me)
            }
        );
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

#[test]
fn dropping_a_pending_read_loses_nothing() {
    let exit = with_signals(async |mut signals| {
        for _ in 0..3 {
            let wait = tokio::time::timeout(Duration::from_millis(5), signals.next());
            assert!(wait.await.is_err());
            kill_self(libc::SIGUSR1);
            assert_eq!(next(&mut signals).await.signal, libc::SIGUSR1);
        }
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

#[test]
fn signals_include_one_of_our_own_which_may_be_a_real_time_one() {
    let exit = in_fork(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let own = libc::SIGRTMIN() + 1;
        runtime.block_on(async {
            let mut signals = Signals::new(Some(own)).unwrap();
            for signal in [own, libc::SIGUSR1, own] {
                kill_self(signal);
                assert_eq!(next(&mut signals).await.signal, signal);
            }
            let held = spawn_held(
                &os(&["sh", "-c", &format!("kill -{own} $$")]),
                None,
                signals.inherited_mask(),
            );
            let mut running = held.unwrap().release().unwrap();
            let exit = running.wait().await.unwrap();
            assert_eq!(exit, Exit::Signal(own), "the command may be killed by it");
        });
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

#[test]
fn a_terminals_ctrl_c_reaches_the_child_once() {
    let scratch = Scratch::new("terminal");
    let log = scratch.file("log");
    let exit = in_fork(|| {
        setsid().unwrap();
        let pty = openpty(None, None).unwrap();
        // SAFETY: makes the terminal ours; integers only.
        let controlling = unsafe { libc::ioctl(pty.slave.as_raw_fd(), libc::TIOCSCTTY, 0) };
        assert_eq!(controlling, 0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut signals = Signals::new(None).unwrap();
            let script = format!(
                "trap 'echo int >> {0}' INT; trap 'exit 4' TERM; echo up >> {0}; \
                 while :; do sleep 0.01; done",
                log.display()
            );
            let held =
                spawn_held(&os(&["sh", "-c", &script]), None, signals.inherited_mask()).unwrap();
            let mut running = held.release().unwrap();
            assert!(eventually(|| log.exists() && text(&log) == "up\n"));
            std::fs::File::from(pty.master.try_clone().unwrap())
                .write_all(b"\x03")
                .unwrap();
            let typed = next(&mut signals).await;
            assert_eq!(
                typed,
                Received {
                    signal: libc::SIGINT,
                    sent_by: None
                }
            );
            assert!(!should_forward(&typed, running.pid()));
            assert!(eventually(|| text(&log) == "up\nint\n"));
            kill_self(libc::SIGTERM);
            let sent = next(&mut signals).await;
            assert!(should_forward(&sent, running.pid()));
            running.signal(sent.signal).unwrap();
            assert_eq!(running.wait().await.unwrap(), Exit::Code(4));
            assert_eq!(text(&log), "up\nint\n");
        });
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

#[test]
fn what_the_child_sends_to_its_group_is_not_sent_back() {
    let exit = in_fork(|| {
        setsid().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut signals = Signals::new(None).unwrap();
            // The child itself, then a process below it that lives on.
            for script in [
                "trap '' USR1; kill -USR1 0; sleep 60",
                "trap '' USR1; (kill -USR1 0; sleep 60); true",
            ] {
                let held =
                    spawn_held(&os(&["sh", "-c", script]), None, signals.inherited_mask()).unwrap();
                let running = held.release().unwrap();
                let received = next(&mut signals).await;
                assert_eq!(received.signal, libc::SIGUSR1);
                assert!(!should_forward(&received, running.pid()), "{received:?}");
                running.signal(libc::SIGKILL).unwrap();
            }
            // What is left of the group.
            libc::SIGKILL
        });
        // SAFETY: the session made above: this fork and its children.
        unsafe { libc::kill(0, libc::SIGKILL) };
        1
    });
    assert_eq!(exit, Exit::Signal(libc::SIGKILL));
}

#[test]
fn the_kernels_other_signals_are_forwarded() {
    let kernel = |signal| Received {
        signal,
        sent_by: None,
    };
    let me = getpid().as_raw() as u32;
    assert!(
        should_forward(&kernel(libc::SIGHUP), me) && should_forward(&kernel(libc::SIGTERM), me)
    );
    assert!(
        !should_forward(&kernel(libc::SIGINT), me) && !should_forward(&kernel(libc::SIGQUIT), me)
    );
    // From another pid namespace, and from a process that has ended.
    for sent_by in [0, u32::MAX] {
        assert!(should_forward(
            &Received {
                signal: libc::SIGTERM,
                sent_by: Some(sent_by)
            },
            me
        ));
    }
}

#[test]
fn an_ignored_signal_stays_ignored_for_both() {
    let exit = in_fork(|| {
        // SAFETY: ignoring runs no code. As nohup(1) does.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut signals = Signals::new(None).unwrap();
            kill_self(libc::SIGHUP);
            kill_self(libc::SIGUSR1);
            assert_eq!(next(&mut signals).await.signal, libc::SIGUSR1);
            let command = os(&["sh", "-c", "kill -HUP $$; exit 9"]);
            let held = spawn_held(&command, None, signals.inherited_mask()).unwrap();
            assert_eq!(held.release().unwrap().wait().await.unwrap(), Exit::Code(9));
        });
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

#[test]
fn the_command_does_not_inherit_what_we_block() {
    let exit = with_signals(async |signals| {
        assert!(SigSet::thread_get_mask().unwrap().contains(Signal::SIGTERM));
        let command = os(&["sh", "-c", "kill -TERM $$; exit 9"]);
        let held = spawn_held(&command, None, signals.inherited_mask()).unwrap();
        let exit = held.release().unwrap().wait().await.unwrap();
        i32::from(exit == Exit::Signal(libc::SIGTERM))
    });
    assert_eq!(exit, Exit::Code(1));
}

#[test]
fn we_end_by_the_commands_signal() {
    for signal in [
        libc::SIGTERM,
        libc::SIGINT,
        libc::SIGSEGV,
        libc::SIGKILL,
        libc::SIGPIPE,
        40,
    ] {
        let exit = with_signals(async |_signals| i32::from(reraise(signal)));
        assert_eq!(exit, Exit::Signal(signal));
    }
}

#[test]
fn a_signal_that_cannot_end_us_becomes_a_status() {
    // Ignored by default, like every signal in the first process of a container.
    assert_eq!(
        in_fork(|| i32::from(reraise(libc::SIGWINCH))),
        Exit::Code(128 + libc::SIGWINCH)
    );
    assert_eq!(in_fork(|| i32::from(reraise(0))), Exit::Code(128));
    assert_eq!(in_fork(|| i32::from(reraise(i32::MAX))), Exit::Code(255));
}

#[test]
fn ending_by_a_signal_leaves_no_core_dump() {
    let scratch = Scratch::new("core");
    let exit = in_fork(|| {
        std::env::set_current_dir(&scratch.0).unwrap();
        let unlimited = libc::rlimit {
            rlim_cur: 1 << 30,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: points to a local; only root may raise the hard limit.
        unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const unlimited) };
        i32::from(reraise(libc::SIGSEGV))
    });
    assert_eq!(exit, Exit::Signal(libc::SIGSEGV));
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 0);
}
