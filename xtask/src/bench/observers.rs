//! Who observes: waitscope, and the tools that see waits.

use std::ffi::OsString;
use std::path::Path;

use super::floor::Does;
use crate::workspace::Workspace;

pub(super) struct Observer {
    pub(super) name: &'static str,
    pub(super) way: Way,
    /// One round is enough: it takes ten times as long or more.
    pub(super) is_slow: bool,
}

/// How an observer comes to a workload.
pub(super) enum Way {
    /// It starts it: these words stand in front of the command.
    Starts(Vec<OsString>),
    /// It is there already, and watches the whole machine.
    Beside(Vec<OsString>),
    /// Programs of ours, on the tracepoints of the scheduler.
    Floor(Does),
}

pub(super) fn all(workspace: &Workspace, folder: &Path) -> Vec<Observer> {
    let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
    let file = |name: &str| folder.join(name).into_os_string();
    let waitscope = |tail: Vec<OsString>| {
        let mut words = vec![workspace.waitscope().into_os_string(), "run".into()];
        words.extend(tail);
        words.push("--".into());
        Way::Starts(words)
    };
    let starts = |line: &str, out: &str, end: &str| {
        let mut all = words(line);
        all.push(file(out));
        all.extend(end.split_whitespace().map(OsString::from));
        Way::Starts(all)
    };
    let report = file("report.json");
    let observer = |name, way| Observer {
        name,
        way,
        is_slow: false,
    };
    let slow = |name, way| Observer {
        is_slow: true,
        ..observer(name, way)
    };
    vec![
        observer("empty programs", Way::Floor(Does::Nothing)),
        observer("clock programs", Way::Floor(Does::ReadsClock)),
        observer("waitscope", waitscope(vec!["-o".into(), report.clone()])),
        observer(
            "record",
            waitscope(vec![
                "--record".into(),
                file("run.wsc"),
                "-o".into(),
                report,
            ]),
        ),
        observer("offcputime", Way::Beside(words("/usr/sbin/offcputime 600"))),
        observer("wakeuptime", Way::Beside(words("/usr/sbin/wakeuptime 600"))),
        observer(
            "bpftrace",
            Way::Beside(words(
                "bpftrace -e tracepoint:sched:sched_switch{@off[args->prev_pid]=nsecs;\
                 delete(@off[args->next_pid]);}",
            )),
        ),
        observer(
            "perf sched record",
            starts("perf sched record -q -o", "perf.data", "--"),
        ),
        slow(
            "perf trace -s",
            starts("perf trace -s -o", "trace.txt", "--"),
        ),
        slow("strace", starts("strace -f -c -w -o", "strace.txt", "--")),
    ]
}
