//! Packs what a guest has: our programs at the paths they have here, the system
//! programs that tests start, and the plan.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use waitscope_guest::{PLAN_FILE, Plan};

use crate::vm::cpio::Archive;
use crate::vm::programs::Programs;
use crate::vm::{files, libraries};
use crate::workspace::{Workspace, find_program};

/// What tests and their scripts start: perf, and of Debian's essential packages.
const SYSTEM_PROGRAMS: &str = "perf bash cat clear cp cut date dd echo env false find grep head id kill ln ls \
    mkdir mkfifo mktemp mount mv nice nproc printf ps readlink rm sed seq setpriv setsid sh sleep sort stat stty sync \
    tail taskset tee test timeout tmux touch tr true uname unshare wc";
/// What tmux must know: its own terminal, and characters.
const FOR_TMUX: [&str; 2] = ["/lib/terminfo/s/screen", "/usr/lib/locale/C.utf8/LC_CTYPE"];
/// Names of users that tests ask for.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n\
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\ndaemon:x:1:\nnogroup:x:65534:\n";
/// A merged /usr, as every Debian has it.
const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];
const PYTHON: &str = "/usr/bin/python3";
/// What the folders of Python's library begin with that no program needs.
const NO_MODULES: [&str; 5] = ["config-", "test", "lib2to3", "pydoc_data", "idlelib"];
const EXECUTABLE: u32 = 0o755;
const READABLE: u32 = 0o644;

enum Entry {
    Directory,
    Link(String),
    Copy(PathBuf),
    Bytes(&'static str),
}

/// Names relative to the root; sorted, so a folder comes before what is in it.
struct Tree(BTreeMap<String, Entry>);

/// An initramfs for every guest of one call; its file goes with it.
pub(crate) struct Initramfs(PathBuf);

impl Initramfs {
    pub(crate) fn write(
        workspace: &Workspace,
        programs: &Programs,
        plan: &Plan,
        has_python: bool,
    ) -> Result<Self> {
        let mut tree = Tree::of(workspace, programs)?;
        if has_python {
            tree.python()?;
        }
        let plan = serde_json::to_vec(plan)?;
        // Another call may be at work in the same checkout.
        let name = format!("initramfs-{}.cpio", std::process::id());
        let packed = Self(files::cache(workspace).join(name));
        pack(&tree, &plan, packed.path())
            .with_context(|| format!("cannot write {}", packed.path().display()))?;
        Ok(packed)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Initramfs {
    fn drop(&mut self) {
        // What is left only takes space.
        let _ = fs::remove_file(&self.0);
    }
}

fn pack(tree: &Tree, plan: &[u8], to: &Path) -> Result<()> {
    let mut archive = Archive::new(BufWriter::new(File::create(to)?));
    for (name, entry) in &tree.0 {
        match entry {
            Entry::Directory => archive.directory(name, EXECUTABLE)?,
            Entry::Link(target) => archive.link(name, target)?,
            Entry::Copy(from) => archive.file(name, EXECUTABLE, &files::read(from)?)?,
            Entry::Bytes(text) => archive.file(name, READABLE, text.as_bytes())?,
        }
    }
    archive.file(PLAN_FILE.trim_start_matches('/'), READABLE, plan)?;
    archive.finish()?;
    Ok(())
}

impl Tree {
    fn of(workspace: &Workspace, programs: &Programs) -> Result<Self> {
        let mut tree = Self(BTreeMap::new());
        for name in MERGED {
            tree.directory(Path::new("/usr").join(name))?;
            tree.0
                .insert(name.into(), Entry::Link(format!("usr/{name}")));
        }
        tree.add("/etc/passwd", Entry::Bytes(PASSWD))?;
        tree.add("/etc/group", Entry::Bytes(GROUP))?;
        tree.directory("/root")?;
        tree.with_libraries(Path::new("/init"), programs.init.clone())?;
        tree.directory(workspace.path("tests"))?;
        tree.directory(workspace.path("target/tmp"))?;
        let tests = programs.tests.iter().map(|test| &test.path);
        let ours = tests.chain(&programs.workloads);
        for program in ours.chain([&programs.waitscope]) {
            tree.with_libraries(program, program.clone())?;
        }
        for name in SYSTEM_PROGRAMS.split_whitespace() {
            tree.system(name)?;
        }
        for file in FOR_TMUX {
            tree.as_here(Path::new(file))?;
        }
        Ok(tree)
    }

    /// What is here, at the same place.
    fn as_here(&mut self, path: &Path) -> Result<()> {
        self.add(path, Entry::Copy(path.to_owned()))
    }

    /// A program of this machine with its libraries.
    fn system(&mut self, name: &str) -> Result<()> {
        let path = find_program(name)
            .with_context(|| format!("{name} is not in PATH, and tests in the guest start it"))?;
        self.with_libraries(&Path::new("/usr/bin").join(name), path)
    }

    /// What is here at `from`, and the libraries that it needs.
    fn with_libraries(&mut self, at: &Path, from: PathBuf) -> Result<()> {
        for library in libraries::of(&from)? {
            self.add(&library, Entry::Copy(library.clone()))?;
        }
        self.add(at, Entry::Copy(from))
    }

    /// Debian's own, whatever PATH finds before it, with the modules of its library.
    fn python(&mut self) -> Result<()> {
        let program = Path::new(PYTHON);
        let real = fs::canonicalize(program)
            .with_context(|| format!("{PYTHON} is not there: apt install python3"))?;
        let name = real.file_name().context("python3 has no name")?.to_owned();
        self.with_libraries(program, real)?;
        self.modules(&Path::new("/usr/lib").join(name))
    }

    /// A folder of modules with those below it; compiled ones, too, which start faster.
    fn modules(&mut self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(name) = name.filter(|name| !NO_MODULES.iter().any(|no| name.starts_with(no)))
            else {
                continue;
            };
            if path.is_dir() {
                self.modules(&path)?;
            } else if name.ends_with(".so") {
                self.with_libraries(&path, path.clone())?;
            } else {
                self.as_here(&path)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: impl AsRef<Path>, entry: Entry) -> Result<()> {
        let path = path.as_ref();
        if let Some(folder) = path.parent() {
            self.directory(folder)?;
        }
        self.0.insert(place(path)?, entry);
        Ok(())
    }

    /// A folder and all above it.
    fn directory(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let folders: Vec<&Path> = path.as_ref().ancestors().collect();
        for folder in folders {
            let name = place(folder)?;
            if !name.is_empty() {
                self.0.entry(name).or_insert(Entry::Directory);
            }
        }
        Ok(())
    }
}

/// The name in the archive of what has this absolute path.
fn place(path: &Path) -> Result<String> {
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    ensure!(
        path.is_absolute() && path.components().all(plain),
        "not a plain absolute path: {}",
        path.display()
    );
    let path = path.to_str().context("a path is not UTF-8")?;
    let name = path.trim_start_matches('/');
    let first = name.split('/').next().unwrap_or_default();
    if MERGED.contains(&first) {
        Ok(format!("usr/{name}"))
    } else {
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_go_where_the_merged_usr_has_them() {
        for (path, expect) in [
            (
                "/lib/x86_64-linux-gnu/libc.so.6",
                "usr/lib/x86_64-linux-gnu/libc.so.6",
            ),
            (
                "/lib64/ld-linux-x86-64.so.2",
                "usr/lib64/ld-linux-x86-64.so.2",
            ),
            ("/usr/lib/libz.so", "usr/lib/libz.so"),
            ("/library/x", "library/x"),
            ("/", ""),
        ] {
            assert_eq!(place(Path::new(path)).unwrap(), expect);
        }
        assert!(place(Path::new("lib/x")).is_err());
        assert!(place(Path::new("/a/../b")).is_err());
    }

    #[test]
    fn folders_come_before_what_is_in_them_and_once() {
        let mut tree = Tree(BTreeMap::new());
        tree.add("/a/b/c", Entry::Bytes("1")).unwrap();
        tree.add("/a/b/d", Entry::Bytes("2")).unwrap();
        let names: Vec<&str> = tree.0.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "a/b", "a/b/c", "a/b/d"]);
        assert!(matches!(tree.0["a/b"], Entry::Directory));
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn what_tests_start_is_on_this_machine() {
        let mut tree = Tree(BTreeMap::new());
        for name in SYSTEM_PROGRAMS.split_whitespace() {
            tree.system(name).unwrap();
            assert!(tree.0.contains_key(&format!("usr/bin/{name}")), "{name}");
        }
        assert!(tree.0.keys().any(|name| name.contains("libc.so")));
    }
}
