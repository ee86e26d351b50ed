//! `event`: eventfd, signalfd and inotify.

use std::ffi::CString;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering::SeqCst;

use crate::case::{Case, Job, Setting, until_done};
use crate::run::{measure, reap_subject};
use crate::slot::Slot;
use crate::sys::{self, check};

pub const CASES: &[Case] = &[
    case("eventfd", &["eventfd_read", "eventfd_ctx_do_read"], |_| {
        eventfd()
    }),
    case(
        "signalfd",
        &["signalfd_read", "signalfd_read_iter", "signalfd_dequeue"],
        signalfd,
    ),
    case("inotify", &["inotify_read"], inotify),
];

const fn case(
    name: &'static str,
    functions: &'static [&'static str],
    prepare: fn(&Setting) -> io::Result<Job>,
) -> Case {
    Case {
        name,
        kind: "event",
        functions,
        sources: &["task"],
        has_waker: true,
        prepare,
    }
}

fn eventfd() -> io::Result<Job> {
    // SAFETY: no pointers.
    let event = sys::own(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) })?;
    let mut reader = File::from(event);
    let mut writer = reader.try_clone()?;
    Job::pair(
        move |meter| meter.repeat(|_| reader.read(&mut [0; 8])),
        move |slot| until_done(slot, || writer.write_all(&1u64.to_ne_bytes())),
    )
}

/// In a process of its own: a signal for any thread wakes all readers of a
/// process's signalfds.
fn signalfd(setting: &Setting) -> io::Result<Job> {
    let set = sys::signal_set();
    let rounds = setting.rounds;
    Job::forked(move |slot: &Slot| {
        sys::set_name("k-signalfd")?;
        let pid = sys::fork(|| {
            sys::set_name("t-signalfd")?;
            // SAFETY: `set` is initialised; -1 asks for a new descriptor.
            let fd = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC) };
            let mut reader = File::from(sys::own(fd)?);
            measure(slot, rounds, |meter| {
                meter.repeat(|_| reader.read(&mut [0; 128]))
            })
        })?;
        until_done(slot, || {
            sys::signal_thread(slot.pid.load(SeqCst), slot.tid.load(SeqCst))
        })?;
        reap_subject(pid, slot)
    })
}

fn inotify(setting: &Setting) -> io::Result<Job> {
    let path = setting
        .dir
        .join(format!("truth-{}.watched", std::process::id()));
    File::create(&path)?;
    // SAFETY: no pointers.
    let fd = sys::own(unsafe { libc::inotify_init1(libc::IN_CLOEXEC) })?;
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: `name` is NUL-terminated and outlives the call.
    check(unsafe { libc::inotify_add_watch(fd.as_raw_fd(), name.as_ptr(), libc::IN_ATTRIB) })?;
    let mut reader = File::from(fd);
    Job::pair(
        move |meter| meter.repeat(|_| reader.read(&mut [0; 4096])),
        move |slot| {
            let mut mode = 0o600;
            until_done(slot, || {
                mode ^= 0o400;
                fs::set_permissions(&path, Permissions::from_mode(mode))
            })?;
            fs::remove_file(&path)
        },
    )
}
