//! Which shared libraries a program needs, as the loader itself lists them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::run::output_of;

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// The libraries of a program, and the loader.
pub(crate) fn of(program: &Path) -> Result<Vec<PathBuf>> {
    let told = output_of(Command::new(LOADER).arg("--list").arg(program))?;
    Ok(parse(&told))
}

/// Lines are `NAME => PATH (ADDRESS)`, `PATH (ADDRESS)`, or a name that is no file.
fn parse(told: &str) -> Vec<PathBuf> {
    told.lines()
        .filter_map(|line| {
            let place = line.split_once(" => ").map_or(line, |(_, place)| place);
            let path = place.trim().split(" (").next()?;
            path.starts_with('/').then(|| path.into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_from_what_the_loader_prints() {
        let told = "\tlinux-vdso.so.1 (0x00007f376a0c4000)\n\
            \tlibcap-ng.so.0 => /lib/x86_64-linux-gnu/libcap-ng.so.0 (0x00007f376a097000)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f376a0c6000)\n";
        let expect = ["/lib/x86_64-linux-gnu/libcap-ng.so.0", LOADER].map(PathBuf::from);
        assert_eq!(parse(told), expect);
        assert_eq!(parse(""), Vec::<PathBuf>::new());
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_program_of_this_machine_needs_the_loader_and_a_c_library() {
        let found = of(Path::new("/bin/sh")).unwrap();
        assert!(found.contains(&LOADER.into()), "{found:?}");
        assert!(found.len() >= 2, "{found:?}");
    }
}
