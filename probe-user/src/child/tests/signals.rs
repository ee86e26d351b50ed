//! Signals that come to us, and the one we end by.

use std::io::Write;
use std::os::fd::AsRawFd;

use nix::pty::openpty;
use nix::unistd::setsid;

use super::super::mask::set_default;
use super::super::relay::{Relay, Route, Sender, is_harmless, route, stoppable};
use super::super::reraise;
use super::super::signals::{Received, Signals};
use super::super::witness::Witness;
use super::*;

/// A fork that reads its signals through [`Signals`].
fn with_signals(body: impl AsyncFnOnce(Signals) -> i32) -> Exit {
    in_fork(|| {
        let runtime = runtime();
        runtime.block_on(async { body(Signals::new().unwrap()).await })
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

/// What can be sent to us at all.
fn all() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal))
}

fn sent(signal: i32, sent_by: Option<u32>) -> Received {
    Received {
        signal,
        sent_by,
        value: None,
    }
}

#[test]
fn every_signal_is_read_with_its_sender() {
    let exit = with_signals(async |mut signals| {
        let me = std::process::id();
        for signal in all() {
            kill_self(signal);
            assert_eq!(next(&mut signals).await, sent(signal, Some(me)));
        }
        // SAFETY: sends to this very thread (SI_TKILL).
        unsafe { libc::raise(libc::SIGTERM) };
        assert_eq!(next(&mut signals).await, sent(libc::SIGTERM, Some(me)));
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

#[test]
fn faults_of_our_own_end_us_all_the_same() {
    let exit = with_signals(async |_signals| {
        // SAFETY: nothing is mapped there, which is the point.
        unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
        0
    });
    assert_eq!(exit, Exit::Signal(libc::SIGSEGV));
    let exit = with_signals(async |_signals| std::process::abort());
    assert_eq!(exit, Exit::Signal(libc::SIGABRT));
}

/// A shell that writes the numbers of what it catches.
#[test]
fn every_signal_reaches_the_command() {
    let scratch = Scratch::new("relayed");
    let log = scratch.file("log");
    // What a shell cannot catch, or keeps to itself, is tried by its effect below.
    let caught: Vec<i32> = all()
        .filter(|signal| ![libc::SIGCHLD, libc::SIGSEGV, 32, 33].contains(signal))
        .collect();
    let traps: String = caught
        .iter()
        .map(|n| format!("trap 'echo {n} >> {}' {n}; ", log.display()))
        .collect();
    let exit = with_signals(async |mut signals| {
        let script = format!(
            "{traps} echo up >> {}; while :; do sleep 0.01; done",
            log.display()
        );
        let held = spawn_held(
            &os(&["bash", "-c", &script]),
            None,
            signals.inherited_mask(),
        );
        let mut running = held.unwrap().release().unwrap();
        assert!(eventually(|| log.exists() && text(&log) == "up\n"));
        let mut relay = Relay::default();
        let mut expected = "up\n".to_owned();
        for signal in caught {
            relay
                .receive(&sent(signal, Some(u32::MAX)), &running)
                .unwrap();
            expected += &format!("{signal}\n");
            assert!(eventually(|| text(&log) == expected), "{signal}");
        }
        // The command may be started where they are ignored.
        [32, 33].into_iter().for_each(set_default);
        running.signal(libc::SIGKILL).unwrap();
        running.wait().await.unwrap();
        for last in [32, 33, libc::SIGSEGV] {
            let held = spawn_held(&os(&["sleep", "60"]), None, signals.inherited_mask());
            running = held.unwrap().release().unwrap();
            relay
                .receive(&sent(last, Some(u32::MAX)), &running)
                .unwrap();
            assert_eq!(running.wait().await.unwrap(), Exit::Signal(last));
        }
        let ended = next(&mut signals).await;
        assert_eq!((ended.signal, ended.sent_by), (libc::SIGCHLD, None));
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

#[test]
fn a_value_sent_with_a_signal_is_passed_on() {
    let exit = with_signals(async |mut signals| {
        let sival_ptr = std::ptr::without_provenance_mut(0xABCD);
        // SAFETY: the value is a number.
        let queued = unsafe { libc::sigqueue(libc::getpid(), 40, libc::sigval { sival_ptr }) };
        assert_eq!(queued, 0);
        let received = next(&mut signals).await;
        assert_eq!((received.signal, received.value), (40, Some(0xABCD)));
        let me = Running::new(std::process::id().cast_signed()).unwrap();
        Relay::default()
            .receive(&sent(41, Some(u32::MAX)), &me)
            .unwrap();
        assert_eq!(next(&mut signals).await.value, None);
        Relay::default().receive(&received, &me).unwrap();
        assert_eq!(next(&mut signals).await, received);
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

#[test]
fn we_stop_when_the_command_is_stopped_through_us_and_not_otherwise() {
    // A group whose leader's parent is in the same session: others may be stopped.
    let exit =
        in_fork(|| {
            // SAFETY: integers only.
            unsafe { libc::setpgid(0, 0) };
            let me = std::process::id();
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", &format!(
            "until grep -q '^State:.T' /proc/{me}/status; do sleep 0.01; done; kill -CONT {me}"
        )]);
            let mut continues = shell.spawn().unwrap();
            let runtime = runtime();
            runtime.block_on(async {
                let mut signals = Signals::new().unwrap();
                let held = spawn_held(&os(&["sleep", "60"]), None, signals.inherited_mask());
                let running = held.unwrap().release().unwrap();
                let mut relay = Relay::default();
                // A stop sent to the command itself does not stop us.
                running.signal(libc::SIGSTOP).unwrap();
                assert_eq!(next(&mut signals).await.signal, libc::SIGCHLD);
                relay.receive(&sent(libc::SIGCHLD, None), &running).unwrap();
                assert!(running.is_stopped());
                relay
                    .receive(&sent(libc::SIGCONT, Some(u32::MAX)), &running)
                    .unwrap();
                assert!(!running.is_stopped());
                relay
                    .receive(&sent(libc::SIGTSTP, Some(u32::MAX)), &running)
                    .unwrap();
                assert!(eventually(|| running.is_stopped()));
                // Stops here until the shell continues us.
                relay.receive(&sent(libc::SIGCHLD, None), &running).unwrap();
                assert!(continues.wait().unwrap().success());
                loop {
                    let received = next(&mut signals).await;
                    relay.receive(&received, &running).unwrap();
                    if received.signal == libc::SIGCONT {
                        break;
                    }
                }
                assert!(!running.is_stopped());
                running.signal(libc::SIGKILL).unwrap();
            });
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
fn a_terminals_ctrl_c_reaches_the_child_once() {
    let scratch = Scratch::new("terminal");
    let log = scratch.file("log");
    let exit = in_fork(|| {
        setsid().unwrap();
        let pty = openpty(None, None).unwrap();
        // SAFETY: makes the terminal ours; integers only.
        let controlling = unsafe { libc::ioctl(pty.slave.as_raw_fd(), libc::TIOCSCTTY, 0) };
        assert_eq!(controlling, 0);
        let runtime = runtime();
        runtime.block_on(async {
            let mut signals = Signals::new().unwrap();
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
            assert_eq!(typed, sent(libc::SIGINT, None));
            let mut relay = Relay::default();
            relay.receive(&typed, &running).unwrap();
            assert!(eventually(|| text(&log) == "up\nint\n"));
            kill_self(libc::SIGTERM);
            let term = next(&mut signals).await;
            relay.receive(&term, &running).unwrap();
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
        let runtime = runtime();
        runtime.block_on(async {
            let mut signals = Signals::new().unwrap();
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
                Relay::default().receive(&received, &running).unwrap();
                let back = tokio::time::timeout(Duration::from_millis(50), signals.next());
                let back = back.await.map(Result::unwrap);
                assert!(back.is_err(), "it came back: {back:?}");
                running.signal(libc::SIGKILL).unwrap();
                assert_eq!(next(&mut signals).await.signal, libc::SIGCHLD);
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

/// A shell outside of the group sends to the group, then to us alone, then to both one by
/// one. Real-time signals are kept apart even when they are the same.
#[test]
fn what_is_sent_to_the_whole_group_reaches_the_command_once() {
    let scratch = Scratch::new("group");
    let (log, go) = (scratch.file("log"), scratch.file("go"));
    let exit = in_fork(|| {
        // SAFETY: integers only.
        unsafe { libc::setpgid(0, 0) };
        let me = std::process::id();
        let send = |script: String| {
            let mut shell = std::process::Command::new("sh");
            // In a group of its own.
            std::os::unix::process::CommandExt::process_group(&mut shell, 0);
            assert!(shell.args(["-c", &script]).status().unwrap().success());
        };
        let runtime = runtime();
        runtime.block_on(async {
            let mut signals = Signals::new().unwrap();
            let mut relay = Relay::new(Some(Witness::start().unwrap()));
            let script = format!(
                "exec 2>/dev/null; trap 'echo int >> {0}' INT; trap 'echo 40 >> {0}' 40; echo up >> {0}; \
                 while ! [ -e {1} ]; do sleep 0.01; done",
                log.display(),
                go.display()
            );
            let command = os(&["bash", "-c", &script]);
            let held = spawn_held(&command, None, signals.inherited_mask()).unwrap();
            let mut running = held.release().unwrap();
            assert!(eventually(|| log.exists() && text(&log) == "up\n"));
            let mut expected = "up\n".to_owned();
            let mut check = async |script: String, caught: &str, relay: &mut Relay| {
                send(script);
                // That of the shell, and ours, in whichever order.
                loop {
                    let received = next(&mut signals).await;
                    if received.signal != libc::SIGCHLD {
                        relay.receive(&received, &running).unwrap();
                        break;
                    }
                }
                expected += caught;
                // Nothing is longer under way than to there.
                assert!(eventually(|| text(&log) == expected), "{:?}", text(&log));
                tokio::time::sleep(Duration::from_millis(50)).await;
                assert_eq!(text(&log), expected);
            };
            for _ in 0..3 {
                check(format!("kill -INT -{me}"), "int\n", &mut relay).await;
                check(format!("kill -40 -{me}"), "40\n", &mut relay).await;
                check(format!("kill -INT {me}"), "int\n", &mut relay).await;
                check(format!("kill -40 {me}"), "40\n", &mut relay).await;
            }
            std::fs::write(&go, "").unwrap();
            assert_eq!(running.wait().await.unwrap(), Exit::Code(0));
            relay.dismiss_witness();
        });
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

/// As Ctrl-Z while the probes are attached: it stops a command that is still held.
#[test]
fn a_stop_is_not_put_off_while_nobody_reads_signals() {
    let exit = in_fork(|| {
        // SAFETY: integers only. A group that others may be stopped in, as above.
        unsafe { libc::setpgid(0, 0) };
        let me = std::process::id();
        let script = format!(
            "until grep -q '^State:.T' /proc/{me}/status; do sleep 0.01; done; kill -CONT {me}"
        );
        let mut shell = std::process::Command::new("sh");
        let mut continues = shell.args(["-c", &script]).spawn().unwrap();
        Mask::ALL.block().unwrap();
        kill_self(libc::SIGTSTP);
        stoppable(|| assert!(continues.wait().unwrap().success()));
        assert!(Mask::EMPTY.block().unwrap().contains(libc::SIGTSTP));
        0
    });
    assert_eq!(exit, Exit::Code(0));
}

#[test]
fn what_the_command_has_already_is_not_passed_on() {
    use {Route::*, Sender::*};
    let typed = [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGWINCH];
    let ours = [libc::SIGCHLD, libc::SIGXCPU, libc::SIGTTIN, libc::SIGTTOU];
    let failed = [libc::SIGPIPE, libc::SIGXFSZ];
    for signal in all() {
        for (in_our_group, expected) in [(true, Nowhere), (false, Group)] {
            let expected = match signal {
                _ if typed.contains(&signal) => expected,
                _ if ours.contains(&signal) => Nowhere,
                _ => Command,
            };
            assert_eq!(route(signal, Kernel, in_our_group), expected, "{signal}");
            // What our screen sends is as if it were typed.
            let expected = match signal {
                _ if typed.contains(&signal) => expected,
                _ if failed.contains(&signal) => Nowhere,
                _ => Command,
            };
            assert_eq!(route(signal, Ourselves, in_our_group), expected, "{signal}");
            assert_eq!(route(signal, Tree, in_our_group), Nowhere, "{signal}");
            assert_eq!(route(signal, Other, in_our_group), Command, "{signal}");
        }
    }
}

#[test]
fn an_observation_of_others_ends_by_what_would_end_a_process() {
    let harmless: Vec<i32> = all().filter(|&n| is_harmless(&sent(n, Some(1)))).collect();
    let passed_by = [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH];
    assert_eq!(harmless, passed_by);
    let me = Some(std::process::id());
    assert!(
        is_harmless(&sent(libc::SIGPIPE, me)),
        "a write of ours failed"
    );
    assert!(!is_harmless(&sent(libc::SIGXCPU, None)));
}

#[test]
fn an_ignored_signal_stays_ignored_and_is_passed_on() {
    let exit = in_fork(|| {
        // SAFETY: ignoring runs no code. As nohup(1) does.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        let runtime = runtime();
        runtime.block_on(async {
            let mut signals = Signals::new().unwrap();
            assert!(signals.ignored().contains(libc::SIGHUP));
            assert!(!signals.ignored().contains(libc::SIGUSR1));
            // The command may have a handler for it.
            kill_self(libc::SIGHUP);
            assert_eq!(next(&mut signals).await.signal, libc::SIGHUP);
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
        assert!(Mask::EMPTY.block().unwrap().contains(libc::SIGTERM));
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
        32,
        33,
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
