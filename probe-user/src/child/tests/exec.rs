//! What can be run, what cannot, and how it ends.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use super::super::spawn::ExecErrorKind::{self, NotExecutable, NotFound, Other};
use super::*;

fn refusal(words: &[&str]) -> (ExecErrorKind, i32, u8, String) {
    let error = run(words).unwrap_err();
    (
        error.kind,
        error.errno,
        error.exit_code(),
        error.to_string(),
    )
}

#[test]
fn the_exit_is_the_commands_own() {
    assert_eq!(run(&["/bin/true"]), Ok(Exit::Code(0)));
    assert_eq!(run(&["false"]), Ok(Exit::Code(1)));
    assert_eq!(sh("exit 7"), Exit::Code(7));
    assert_eq!(sh("kill -TERM $$; exit 1"), Exit::Signal(libc::SIGTERM));
    assert_eq!(sh("kill -SEGV $$; exit 1"), Exit::Signal(libc::SIGSEGV));
    assert_eq!(sh("kill -KILL $$; exit 1"), Exit::Signal(libc::SIGKILL));
    // A real-time signal, which not every wrapper of waitpid knows.
    assert_eq!(sh("kill -40 $$; exit 1"), Exit::Signal(40));
}

#[test]
fn arguments_and_environment_arrive_unchanged() {
    let script = "test \"$0|$1|$2|$PATH|$#\" = \"name|a  b\nc||$3|3\"";
    let path = std::env::var("PATH").unwrap();
    let words = ["sh", "-c", script, "name", "a  b\nc", "", &path];
    assert_eq!(run(&words), Ok(Exit::Code(0)));
}

#[test]
fn what_is_not_there_is_127_and_what_cannot_run_126() {
    let scratch = Scratch::new("refused");
    let plain = scratch.write("plain", 0o644, "#!/bin/sh\n");
    let orphan = scratch.write("orphan", 0o755, "#!/nowhere/interpreter\n");
    let below = format!("{plain}/x");
    let cases: [(&[&str], _); 7] = [
        (
            &["waitscope-no-such-command"],
            (NotFound, libc::ENOENT, 127, "was not found"),
        ),
        (
            &["./no/such/file"],
            (NotFound, libc::ENOENT, 127, "was not found"),
        ),
        (&[""], (NotFound, libc::ENOENT, 127, "was not found")),
        (
            &["/"],
            (NotExecutable, libc::EACCES, 126, "Permission denied"),
        ),
        (
            &[&plain],
            (NotExecutable, libc::EACCES, 126, "Permission denied"),
        ),
        (
            &[&below],
            (NotExecutable, libc::ENOTDIR, 126, "Not a directory"),
        ),
        (
            &[&orphan],
            (
                NotExecutable,
                libc::ENOENT,
                126,
                "its interpreter or loader",
            ),
        ),
    ];
    for (words, (kind, errno, code, message)) in cases {
        let refused = refusal(words);
        assert_eq!(
            (refused.0, refused.1, refused.2),
            (kind, errno, code),
            "{words:?}"
        );
        assert!(refused.3.contains(message), "{}", refused.3);
    }
    let long = "x".repeat(8 << 20);
    let refused = refusal(&["true", &long]);
    assert_eq!((refused.0, refused.1, refused.2), (Other, libc::E2BIG, 126));
    let hostile = refusal(&["\u{1b}]0;owned\u{7}\u{202e}"]).3;
    assert!(
        !hostile.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{hostile:?}"
    );
}

#[test]
fn no_command_is_an_error() {
    let error = spawn_held(&[], None, Mask::EMPTY).err().unwrap();
    assert_eq!(error.to_string(), "there is no command to run");
}

/// In a fork, where Rust's own lock around the environment may be held by a
/// thread that is not there.
fn set_path(path: &OsStr) {
    let path = CString::new(path.as_bytes()).unwrap();
    // SAFETY: the fork has one thread, and both strings end with NUL.
    unsafe { libc::setenv(c"PATH".as_ptr(), path.as_ptr(), 1) };
}

#[test]
fn path_is_searched_past_what_cannot_run() {
    let scratch = Scratch::new("path");
    let in_path = |dirs: &[&str], program: &str| {
        let path: Vec<_> = dirs.iter().map(|dir| scratch.file(dir)).collect();
        let path = std::env::join_paths(path).unwrap();
        in_fork(move || {
            set_path(&path);
            match run(&[program]) {
                Ok(Exit::Code(code)) => code,
                Ok(Exit::Signal(_)) => 99,
                Err(error) => i32::from(error.exit_code()),
            }
        })
    };
    for dir in ["denied", "good"] {
        std::fs::create_dir(scratch.file(dir)).unwrap();
    }
    scratch.write("denied/tool", 0o644, "#!/bin/sh\nexit 1\n");
    scratch.write("good/tool", 0o755, "#!/bin/sh\nexit 42\n");
    scratch.write("file", 0o644, "");
    assert_eq!(
        in_path(&["none", "file", "denied", "good"], "tool"),
        Exit::Code(42)
    );
    assert_eq!(in_path(&["denied", "none"], "tool"), Exit::Code(126));
    assert_eq!(in_path(&["none", "good", "file"], "other"), Exit::Code(127));
}

#[test]
fn a_directory_we_may_not_search_hides_what_is_in_it() {
    let scratch = Scratch::new("hidden");
    let hidden = scratch.file("hidden");
    std::fs::create_dir(&hidden).unwrap();
    scratch.write("hidden/tool", 0o755, "#!/bin/sh\n");
    std::fs::set_permissions(&hidden, std::os::unix::fs::PermissionsExt::from_mode(0o0)).unwrap();
    let exit = in_fork(|| {
        set_path(hidden.as_os_str());
        // SAFETY: integers only. Root may search every directory; an ordinary
        // user needs no change and is refused one.
        unsafe { libc::syscall(libc::SYS_setresuid, 65534, 65534, 65534) };
        run(&["tool"]).map_or_else(|error| i32::from(error.exit_code()), |_| 0)
    });
    assert_eq!(exit, Exit::Code(127));
    std::fs::set_permissions(&hidden, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn a_script_without_an_interpreter_line_is_run_by_sh() {
    let scratch = Scratch::new("script");
    let script = scratch.write(
        "script",
        0o755,
        "test \"$1-$2-$#\" = 'a b--2' && exit 11\nexit 1\n",
    );
    assert_eq!(run(&[&script, "a b", ""]), Ok(Exit::Code(11)));
}

#[test]
fn waiting_on_tokio_survives_being_dropped() {
    let runtime = runtime();
    let mut running = hold(&["sh", "-c", "sleep 0.2; exit 3"]).release().unwrap();
    let exit = runtime.block_on(async {
        for _ in 0..5 {
            let early = tokio::time::timeout(Duration::from_millis(10), running.wait()).await;
            assert!(early.is_err(), "{early:?}");
        }
        assert_eq!(running.try_wait().unwrap(), None);
        running.wait().await.unwrap()
    });
    assert_eq!(exit, Exit::Code(3));
    assert_eq!(runtime.block_on(running.wait()).unwrap(), Exit::Code(3));
    // Its pid may belong to somebody else by now.
    running.signal(libc::SIGKILL).unwrap();
}

#[test]
fn a_signal_reaches_the_running_command() {
    let running = hold(&["sleep", "60"]).release().unwrap();
    running.signal(libc::SIGTERM).unwrap();
    assert_eq!(ended(running), Exit::Signal(libc::SIGTERM));
}
