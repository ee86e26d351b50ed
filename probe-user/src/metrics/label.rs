//! What a program is called. `git index-pack`, `git rev-list` and
//! `git remote-https` are all `git` to the kernel: the first words of argv
//! keep them apart.
//!
//! A program's name is that of its exec, whatever it calls itself later. Where it was
//! found running, its arguments may be a title by then, which nginx, postgres, sshd,
//! redis and all that call setproctitle write over them: one text, with NULs behind it
//! as far as the arguments reached, that does not name the program's file. Such a
//! program has the name that the kernel knows, or that of its file where it has given
//! that away as well; its title is a detail, since it is another one at the next moment.

use crate::world::program::Program;

/// Programs that are many in one, distinguished by their first plain argument.
const MULTI_CALL: &[&str] = &[
    "git",
    "cargo",
    "docker",
    "podman",
    "kubectl",
    "npm",
    "go",
    "systemctl",
    "apt",
    "apt-get",
    "pip",
    "pip3",
    "busybox",
    "svn",
    "hg",
    "rustup",
    "helm",
    "terraform",
    "perf",
    "dnf",
    "yum",
];

/// Programs that run another, named by the first argument that is no option.
const INTERPRETERS: &[&str] = &[
    "python", "perl", "ruby", "node", "bash", "dash", "sh", "zsh", "php", "lua", "java",
];

/// Label of a program.
pub fn program(program: &Program) -> String {
    if let Some(title) = title(program) {
        return name_behind(&title, program).to_owned();
    }
    let words = arguments(program);
    let name = words.first().map_or("", |first| name_of(first));
    let arguments = words.get(1..).unwrap_or_default();
    if MULTI_CALL.contains(&name) {
        return match arguments.iter().find(|a| is_subcommand(a)) {
            Some(sub) => format!("{name} {sub}"),
            None => name.to_owned(),
        };
    }
    // A script run by its interpreter keeps the interpreter's comm or has its own.
    let interpreter = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if INTERPRETERS.contains(&interpreter)
        && let Some(script) = arguments.first().filter(|a| !a.starts_with('-'))
    {
        return format!("{name} {}", base_name(script));
    }
    if is_its_name(name, program) {
        name.to_owned()
    } else {
        program.comm.to_string()
    }
}

/// What a program that was found running has written over its arguments.
pub fn title(program: &Program) -> Option<String> {
    let file = program.found.as_deref()?;
    let (words, padding) = unpadded(&program.argv);
    let [title] = &*words else {
        return None;
    };
    let name = name_of(title);
    let is_comm = is_cut(&program.comm, name) && !name.contains(' ');
    let is_argument = padding <= 1 && (is_comm || is_file(file, name));
    let is_known = !(program.comm.is_empty() && file.is_empty());
    (is_known && !is_argument).then(|| title.trim_end().to_owned())
}

/// What a program was executed with, as far as the kernel's copy reaches; nothing where
/// it has written over that.
pub fn arguments(program: &Program) -> Vec<String> {
    if title(program).is_some() {
        return Vec::new();
    }
    match unpadded(&program.argv) {
        (words, 2..) if program.found.is_some() => words,
        _ => words(&program.argv),
    }
}

fn words(argv: &[u8]) -> Vec<String> {
    let text = argv.strip_suffix(b"\0").unwrap_or(argv);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|&b| b == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// The words up to the last that is not empty, and how many were behind it.
fn unpadded(argv: &[u8]) -> (Vec<String>, usize) {
    let mut words = words(argv);
    let all = words.len();
    let len = words.iter().rposition(|word| !word.is_empty());
    words.truncate(len.map_or(0, |last| last + 1));
    let padding = all - words.len();
    (words, padding)
}

/// Whether there was more than the kernel's copy has: whole arguments end with NUL.
pub fn is_cut_off(program: &Program) -> bool {
    program.argv.last().is_some_and(|&last| last != 0)
}

/// What a program is called that bears a title, which may be its `comm`, too.
fn name_behind<'a>(title: &str, program: &'a Program) -> &'a str {
    let Program { comm, found, .. } = program;
    let file = found.as_deref().filter(|file| !file.is_empty());
    let is_title = comm.is_empty() || is_cut(comm, title);
    file.filter(|_| is_title).unwrap_or(comm)
}

/// Whether the name that a program was executed under is its own: a caller may choose
/// any.
fn is_its_name(name: &str, program: &Program) -> bool {
    let Program { comm, found, .. } = program;
    // `/proc/self/exe`, or a descriptor.
    let says_nothing = &**comm == "exe" || comm.bytes().all(|b| b.is_ascii_digit());
    let is_files = found.as_deref().is_some_and(|file| is_file(file, name));
    !name.is_empty() && (says_nothing || is_cut(comm, name) || is_files)
}

/// Whether `comm` is a name as the kernel keeps it, cut at 15 bytes.
fn is_cut(comm: &str, name: &str) -> bool {
    let is_whole = comm.len() < COMM_BYTES;
    comm == name || !is_whole && name.starts_with(comm)
}

/// Whether a file has a name, or one with its version: `python3`, `python3.11`.
fn is_file(file: &str, name: &str) -> bool {
    let rest = file.strip_prefix(name).filter(|_| !name.is_empty());
    let is_version = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-');
    rest.is_some_and(|version| version.chars().all(is_version))
}

/// Bytes of a name that the kernel keeps.
const COMM_BYTES: usize = 15;

/// A thread's name with the number at its end as a `*`: `worker-12` → `worker-*`.
pub fn role(comm: &str) -> String {
    let stem = comm.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == comm.len() {
        comm.to_owned()
    } else {
        format!("{stem}*")
    }
}

/// A program's name from its first argument; a login shell has a dash before it.
fn name_of(first: &str) -> &str {
    let name = base_name(first);
    name.strip_prefix('-').unwrap_or(name)
}

fn base_name(path: &str) -> &str {
    path.rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or(path)
}

fn is_subcommand(argument: &str) -> bool {
    let mut chars = argument.chars();
    chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(comm: &str, argv: &[&str]) -> Program {
        let argv: String = argv.iter().map(|word| format!("{word}\0")).collect();
        Program {
            comm: comm.into(),
            argv: argv.into_bytes().into(),
            found: None,
        }
    }

    #[track_caller]
    fn check(comm: &str, argv: &[&str], expected: &str) {
        let run = run(comm, argv);
        assert_eq!(program(&run), expected);
        assert_eq!(arguments(&run), argv);
        assert_eq!(title(&run), None);
    }

    #[test]
    fn label_programs_are_named_by_their_first_words() {
        check("git", &["git", "index-pack", "--stdin"], "git index-pack");
        check(
            "git",
            &["/usr/lib/git-core/git", "--exec-path=/x", "fetch"],
            "git fetch",
        );
        check("git", &["git"], "git");
        check(
            "python3",
            &["python3", "/opt/gitsync", "--jobs", "8"],
            "python3 gitsync",
        );
        check("python3", &["python3", "-c", "pass"], "python3");
        check("gitsync", &["python3", "gitsync"], "python3 gitsync");
        check("sleep", &["sleep", "1"], "sleep");
        check("cat", &["cat", "", ""], "cat");
        check(
            "a-very-long-pro",
            &["./a-very-long-program-name"],
            "a-very-long-program-name",
        );
        check("sh", &["/bin/sh", "build.sh"], "sh build.sh");
        check("kworker", &[], "kworker");
    }

    #[test]
    fn label_a_name_that_is_not_the_files_is_not_the_programs() {
        check("renamed", &["server"], "renamed");
        check("nginx", &["/opt/nginx.conf"], "nginx");
        check("nginx", &["nginx: master process /x/nginx.conf"], "nginx");
        check("bash", &["-bash"], "bash");
        check("busybox", &["ls", "-l"], "busybox");
        check("ls", &["ls", "-l"], "ls");
        // Chrome runs itself by a link, runc by a descriptor.
        check("exe", &["/opt/chrome/chrome", "--type=gpu"], "chrome");
        check("6", &["runc", "init"], "runc");
    }

    /// A program found running: `comm`, file, what `/proc/PID/cmdline` has.
    fn found(comm: &str, file: &str, cmdline: &str) -> Program {
        Program {
            comm: comm.into(),
            argv: cmdline.as_bytes().into(),
            found: Some(file.into()),
        }
    }

    /// `comm`, file, title, label.
    const TITLES: &[(&str, &str, &str, &str)] = &[
        (
            "nginx",
            "nginx",
            "nginx: master process nginx -c /etc/x/nginx.conf",
            "nginx",
        ),
        ("nginx", "nginx", "nginx: worker process", "nginx"),
        ("nginx", "nginx", "nginx: cache manager process", "nginx"),
        (
            "nginx",
            "",
            "nginx: worker process is shutting down",
            "nginx",
        ),
        (
            "postgres",
            "postgres",
            "postgres: checkpointer ",
            "postgres",
        ),
        (
            "postgres",
            "postgres",
            "postgres: 15/main: bench bench [local] idle",
            "postgres",
        ),
        ("sshd", "sshd", "sshd: root [priv]", "sshd"),
        (
            "sshd",
            "sshd",
            "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups",
            "sshd",
        ),
        (
            "sshd-session",
            "sshd-session",
            "sshd-session: root@pts/1",
            "sshd-session",
        ),
        (
            "redis-server",
            "redis-check-rdb",
            "/usr/bin/redis-server 127.0.0.1:6379",
            "redis-server",
        ),
        (
            "redis-server",
            "redis-server",
            "redis-server *:6379",
            "redis-server",
        ),
        (
            "php-fpm8.2",
            "php-fpm8.2",
            "php-fpm: pool www",
            "php-fpm8.2",
        ),
        (
            "sendmail",
            "sendmail",
            "sendmail: accepting connections",
            "sendmail",
        ),
        (
            "gunicorn: maste",
            "python3.11",
            "gunicorn: master [app:app]",
            "python3.11",
        ),
        ("spamd child", "perl", "spamd child", "perl"),
        ("my title", "node", "my title", "node"),
        (
            "chrome",
            "chrome",
            "/opt/chrome/chrome --type=renderer --lang=en",
            "chrome",
        ),
        ("(sd-pam)", "systemd", "(sd-pam)\0\0\0\0", "systemd"),
    ];

    #[test]
    fn label_a_title_is_not_the_name_of_a_program() {
        for &(comm, file, text, label) in TITLES {
            for padding in ["", "\0", "\0\0\0\0"] {
                let program = found(comm, file, &format!("{text}{padding}"));
                assert_eq!(super::program(&program), label, "{text:?}");
                let text = text.trim_end_matches([' ', '\0']);
                assert_eq!(title(&program).as_deref(), Some(text));
                assert_eq!(arguments(&program), [""; 0], "{text:?}");
            }
        }
    }

    #[test]
    fn label_arguments_are_not_a_title() {
        for (comm, file, cmdline, label) in [
            (
                "haproxy",
                "haproxy",
                "/usr/sbin/haproxy\0-Ws\0-f\0/x.cfg\0",
                "haproxy",
            ),
            (
                "postgres",
                "postgres",
                "/usr/local/bin/postgres\0-D\0/data\0",
                "postgres",
            ),
            (
                "gunicorn",
                "python3.11",
                "/usr/bin/python3\0/usr/bin/gunicorn\0app\0",
                "python3 gunicorn",
            ),
            ("bash", "bash", "-bash\0", "bash"),
            ("sh", "dash", "sh\0", "sh"),
            ("cat", "cat", "cat\0", "cat"),
            ("cat", "cat", "cat\0\0", "cat"),
            ("My App", "My App", "/opt/My App\0", "My App"),
            (
                "Web Content",
                "firefox",
                "/usr/lib/firefox\0-contentproc\0",
                "firefox",
            ),
            ("python3", "python3.11", "python3\0", "python3"),
            ("java", "java", "java\0-jar\0x.jar\0", "java"),
            ("", "server", "server\0", "server"),
            ("server", "", "server\0-x\0\0\0\0", "server"),
        ] {
            let program = found(comm, file, cmdline);
            assert_eq!(super::program(&program), label);
            assert_eq!(title(&program), None, "{cmdline:?}");
            let padded = arguments(&program).join("\0");
            assert_eq!(
                padded.trim_end_matches('\0'),
                cmdline.trim_end_matches('\0')
            );
            assert!(!padded.ends_with("\0\0"));
        }
        assert_eq!(program(&found("comm", "", "")), "comm");
        assert_eq!(title(&found("", "", "alone\0")), None);
    }

    #[test]
    fn label_a_number_at_the_end_of_a_role_is_a_star() {
        assert_eq!(role("ThreadPoolExecu"), "ThreadPoolExecu");
        assert_eq!(role("worker-12"), "worker-*");
        assert_eq!(role("42"), "*");
        assert_eq!(role(""), "");
    }
}
