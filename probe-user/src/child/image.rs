//! Everything execve(2) needs, prepared before the fork: where the program may
//! be, its arguments and its environment. Running it is `execvp(3)`, with one
//! difference: a directory in PATH that this user may not search hides the
//! program, as for a shell, and does not make it "permission denied". Under
//! sudo PATH often has one of root's.

use std::ffi::{CStr, CString, OsStr, OsString, c_char};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::ptr;

use anyhow::Context;
use nix::errno::Errno;
use nix::libc;

use super::identity::Identity;
use super::inherited;

/// As execvp(3) when PATH is unset.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Runs files that execve(2) does not recognise.
const SHELL: &CStr = c"/bin/sh";

pub(super) struct Image {
    candidates: Vec<CString>,
    /// The candidates come from PATH.
    searched: bool,
    argv: Vec<*const c_char>,
    /// `/bin/sh`, a place for the script, the arguments.
    script_argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    /// What `argv`, `script_argv` and `envp` point into.
    _strings: [Vec<CString>; 2],
}

impl Image {
    pub(super) fn prepare(
        command: &[OsString],
        identity: Option<&Identity>,
    ) -> anyhow::Result<Self> {
        let program = command.first().context("there is no command to run")?;
        let (candidates, searched) = candidates(program, std::env::var_os("PATH"))?;
        let args = c_strings(command.iter().map(OsString::as_os_str), "the command")?;
        let env = changed(inherited::environment(), identity)?;
        let argv = terminated(&args);
        let mut script_argv = vec![SHELL.as_ptr(), ptr::null()];
        script_argv.extend(argv.iter().skip(1));
        Ok(Self {
            candidates,
            searched,
            argv,
            script_argv,
            envp: terminated(&env),
            _strings: [args, env],
        })
    }

    /// Replaces this process; returns the error number if that fails. Safe in
    /// a child forked from several threads: system calls and nothing else.
    pub(super) fn exec(&mut self) -> i32 {
        let mut denied = false;
        for candidate in &self.candidates {
            let errno = execute(candidate, &self.argv, &mut self.script_argv, &self.envp);
            match errno {
                _ if !self.searched => return errno,
                libc::EACCES => denied |= is_visible(candidate),
                libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {}
                _ => return errno,
            }
        }
        if denied { libc::EACCES } else { libc::ENOENT }
    }

    /// There is such a file: if execve(2) says there is none, it means the
    /// interpreter or the dynamic loader.
    pub(super) fn exists(&self) -> bool {
        self.candidates
            .iter()
            .any(|candidate| Path::new(OsStr::from_bytes(candidate.as_bytes())).is_file())
    }
}

/// One attempt; returns only when it failed.
fn execute(
    candidate: &CStr,
    argv: &[*const c_char],
    script_argv: &mut [*const c_char],
    envp: &[*const c_char],
) -> i32 {
    // SAFETY: `Image` ends both arrays with a null pointer and keeps the
    // NUL-terminated strings they point to.
    unsafe { libc::execve(candidate.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    let errno = Errno::last_raw();
    let (libc::ENOEXEC, Some(script)) = (errno, script_argv.get_mut(1)) else {
        return errno;
    };
    *script = candidate.as_ptr();
    // SAFETY: as above.
    unsafe { libc::execve(SHELL.as_ptr(), script_argv.as_ptr(), envp.as_ptr()) };
    Errno::last_raw()
}

/// The file is there, whether or not it may be executed.
fn is_visible(file: &CStr) -> bool {
    // SAFETY: a NUL-terminated string.
    unsafe { libc::access(file.as_ptr(), libc::F_OK) == 0 }
}

/// Where `program` may be, in the order of the attempts; whether it is searched.
fn candidates(program: &OsStr, path: Option<OsString>) -> anyhow::Result<(Vec<CString>, bool)> {
    if program.is_empty() || program.as_bytes().contains(&b'/') {
        return Ok((c_strings([program], "the command")?, false));
    }
    let path = path.unwrap_or_else(|| DEFAULT_PATH.into());
    // An empty part is the working directory.
    let files: Vec<_> = std::env::split_paths(&path)
        .map(|directory| directory.join(program).into_os_string())
        .collect();
    let candidates = c_strings(files.iter().map(OsString::as_os_str), "PATH")?;
    Ok((candidates, true))
}

/// An environment with what the identity changes: each of its variables where it
/// stands, however often, else at the end.
fn changed(mut strings: Vec<CString>, identity: Option<&Identity>) -> anyhow::Result<Vec<CString>> {
    for (name, value) in identity.iter().flat_map(|identity| identity.environment()) {
        let variable = CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())
            .context("the user's entry in passwd contains a NUL byte")?;
        let before = strings.iter_mut();
        let mut same = before.filter(|string| is_named(string, name)).peekable();
        if same.peek().is_some() {
            same.for_each(|string| string.clone_from(&variable));
        } else {
            drop(same);
            strings.push(variable);
        }
    }
    Ok(strings)
}

fn is_named(string: &CStr, name: &str) -> bool {
    let value = string.to_bytes().strip_prefix(name.as_bytes());
    value.is_some_and(|value| value.first() == Some(&b'='))
}

fn c_strings<'a>(
    strings: impl IntoIterator<Item = &'a OsStr>,
    what: &str,
) -> anyhow::Result<Vec<CString>> {
    strings
        .into_iter()
        .map(|string| CString::new(string.to_owned().into_vec()))
        .collect::<Result<_, _>>()
        .with_context(|| format!("{what} contains a NUL byte"))
}

fn terminated(strings: &[CString]) -> Vec<*const c_char> {
    let pointers = strings.iter().map(|string| string.as_ptr());
    pointers.chain([ptr::null()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(program: &str, path: Option<&str>) -> (Vec<String>, bool) {
        let (candidates, searched) =
            candidates(program.as_ref(), path.map(OsString::from)).unwrap();
        let candidates = candidates.iter().map(|c| c.to_str().unwrap().to_owned());
        (candidates.collect(), searched)
    }

    #[test]
    fn path_is_searched_as_execvp_does() {
        let case = |program, path, expect: &[&str], searched| {
            let expect: Vec<_> = expect.iter().map(|s| s.to_string()).collect();
            assert_eq!(
                found(program, path),
                (expect, searched),
                "{program} in {path:?}"
            );
        };
        case("git", Some("/a:/b/"), &["/a/git", "/b/git"], true);
        case("git", Some(":/b:"), &["git", "/b/git", "git"], true);
        case("git", Some(""), &["git"], true);
        case("git", None, &["/bin/git", "/usr/bin/git"], true);
        case("./git", Some("/a"), &["./git"], false);
        case("a/git", Some("/a"), &["a/git"], false);
        case("", Some("/a"), &[""], false);
    }

    #[test]
    fn an_identity_changes_its_own_variables_and_no_others() {
        let identity = Identity {
            name: "me".into(),
            uid: 1,
            gid: 1,
            groups: Vec::new(),
            home: "/me".into(),
            shell: "/bin/sh".into(),
        };
        let before = [
            "HOME=/root",
            "HOMER=x",
            "HOME",
            "Z",
            "HOME=/2",
            "=HOME=",
            "USER=",
        ];
        let before = before.map(|text| CString::new(text).unwrap()).to_vec();
        let after = changed(before, Some(&identity)).unwrap();
        let after: Vec<&str> = after.iter().map(|text| text.to_str().unwrap()).collect();
        let expected = [
            "HOME=/me",
            "HOMER=x",
            "HOME",
            "Z",
            "HOME=/me",
            "=HOME=",
            "USER=me",
            "LOGNAME=me",
            "SHELL=/bin/sh",
        ];
        assert_eq!(after, expected);
    }

    #[test]
    fn a_nul_byte_is_refused() {
        let command = ["sh".into(), OsString::from_vec(b"a\0b".to_vec())];
        let error = Image::prepare(&command, None).err().unwrap();
        assert_eq!(error.to_string(), "the command contains a NUL byte");
    }
}
