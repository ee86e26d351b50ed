//! What a program is called. `git index-pack`, `git rev-list` and
//! `git remote-https` are all `git` to the kernel: the first words of argv
//! keep them apart.

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

/// Label of a program with this `comm` and NUL-separated arguments.
pub fn program(comm: &str, argv: &[u8]) -> String {
    let argv = words(argv);
    let name = argv.first().map_or(comm, |first| base_name(first));
    // The kernel cuts comm at 15 bytes; a thread or program may also rename itself.
    let renamed = !name.as_bytes().starts_with(comm.as_bytes());
    let arguments = argv.get(1..).unwrap_or_default();
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
    if renamed || comm.is_empty() {
        comm.to_owned()
    } else {
        name.to_owned()
    }
}

/// The arguments, as far as the kernel's copy reaches.
pub fn words(argv: &[u8]) -> Vec<String> {
    let text = argv.strip_suffix(b"\0").unwrap_or(argv);
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|&b| b == 0)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// Whether there was more than the kernel's copy has: whole arguments end with NUL.
pub fn is_cut(argv: &[u8]) -> bool {
    argv.last().is_some_and(|&last| last != 0)
}

/// A thread's name with the number at its end as a `*`: `worker-12` → `worker-*`.
pub fn role(comm: &str) -> String {
    let stem = comm.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == comm.len() {
        comm.to_owned()
    } else {
        format!("{stem}*")
    }
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

    fn check(comm: &str, argv: &[&str], expected: &str) {
        assert_eq!(program(comm, argv.join("\0").as_bytes()), expected);
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
        check(
            "a-very-long-pro",
            &["./a-very-long-program-name"],
            "a-very-long-program-name",
        );
        check("sh", &["/bin/sh", "build.sh"], "sh build.sh");
        check("renamed", &["server"], "renamed");
        check("kworker", &[], "kworker");
    }

    #[test]
    fn label_a_number_at_the_end_of_a_role_is_a_star() {
        assert_eq!(role("ThreadPoolExecu"), "ThreadPoolExecu");
        assert_eq!(role("worker-12"), "worker-*");
        assert_eq!(role("42"), "*");
        assert_eq!(role(""), "");
    }
}
