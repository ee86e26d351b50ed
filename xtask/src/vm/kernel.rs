//! The kernels that guests boot: Debian's, each from the suite it is kept in.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::setup::{Apt, DebianSource};
use crate::vm::files;

/// Those for virtual machines: small, and all that a guest needs is built in.
const FLAVOUR: &str = "-cloud-amd64";

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kernel {
    #[value(name = "5.10")]
    V5_10,
    #[value(name = "6.1")]
    V6_1,
    #[value(name = "6.12")]
    V6_12,
    #[value(name = "7.2")]
    V7_2,
}

/// Where one comes from.
struct Source {
    name: &'static str,
    /// What the names of its packages begin with.
    packages: &'static str,
    suite: &'static str,
    /// Whether the suite has security updates of its own.
    secured: bool,
}

impl Kernel {
    fn source(self) -> Source {
        let (name, packages, suite, secured) = match self {
            Self::V5_10 => ("5.10", "linux-image-5.10.", "bullseye", true),
            Self::V6_1 => ("6.1", "linux-image-6.1.", "bookworm", true),
            Self::V6_12 => ("6.12", "linux-image-6.12.", "trixie", true),
            Self::V7_2 => ("7.2", "linux-binary-7.2.", "sid", false),
        };
        Source {
            name,
            packages,
            suite,
            secured,
        }
    }

    /// The image in the cache, fetched unless it is there.
    pub(crate) fn image(self, debian: &DebianSource<'_>) -> Result<PathBuf> {
        let image = files::cache(debian.workspace)
            .join("kernels")
            .join(self.to_string())
            .join("vmlinuz");
        if !image.is_file() {
            self.fetch(debian, &image)
                .with_context(|| format!("cannot fetch kernel {self}"))?;
        }
        Ok(image)
    }

    fn fetch(self, debian: &DebianSource<'_>, image: &Path) -> Result<()> {
        let source = self.source();
        let scratch = files::cache(debian.workspace)
            .join("fetch")
            .join(source.name);
        files::empty(&scratch)?;
        let mirror = debian.mirror()?;
        let mut suites = vec![mirror.suite(source.suite)];
        if source.secured {
            suites.extend(mirror.security(source.suite));
        }
        let apt = Apt::without_packages(&scratch.join("apt"), &suites)?;
        apt.update()?;
        let names = apt.names(source.packages)?;
        let package = newest(names.lines()).with_context(|| {
            let Source {
                packages, suite, ..
            } = source;
            format!("{suite} has no package {packages}*{FLAVOUR} (any more)")
        })?;
        let tree = scratch.join("tree");
        apt.unpack(package, &scratch.join("debs"), &tree)?;
        files::place(&find_image(&tree)?, image)?;
        files::remove(&scratch)
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.source().name)
    }
}

/// The package of our flavour with the highest version in its name.
fn newest<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .filter(|name| name.ends_with(FLAVOUR))
        .max_by_key(|name| version(name.trim_end_matches(FLAVOUR)))
}

/// All numbers in a name, in order.
fn version(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

/// `boot/vmlinuz-RELEASE`, since 7.x `usr/lib/modules/RELEASE/vmlinuz`.
fn find_image(tree: &Path) -> Result<PathBuf> {
    let boot = files::entries(&tree.join("boot")).unwrap_or_default();
    let modules = files::entries(&tree.join("usr/lib/modules")).unwrap_or_default();
    let named = boot.into_iter().filter(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"))
    });
    named
        .chain(modules.into_iter().map(|folder| folder.join("vmlinuz")))
        .find(|path| path.is_file())
        .with_context(|| format!("no kernel image in {}", tree.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], expect: Option<&str>) {
        assert_eq!(newest(names.iter().copied()), expect, "{names:?}");
    }

    #[test]
    fn the_newest_is_told_by_numbers_not_by_letters() {
        check(
            &[
                "linux-image-5.10.0-9-cloud-amd64",
                "linux-image-5.10.0-46-cloud-amd64",
                "linux-image-5.10.0-30-cloud-amd64",
            ],
            Some("linux-image-5.10.0-46-cloud-amd64"),
        );
        check(
            &[
                "linux-image-6.12.90+deb13.1-cloud-amd64",
                "linux-image-6.12.107+deb13-cloud-amd64",
                "linux-image-6.12.90+deb13-cloud-amd64",
            ],
            Some("linux-image-6.12.107+deb13-cloud-amd64"),
        );
        check(
            &[
                "linux-image-6.12.90+deb13.1-cloud-amd64",
                "linux-image-6.12.90+deb13-cloud-amd64",
            ],
            Some("linux-image-6.12.90+deb13.1-cloud-amd64"),
        );
    }

    #[test]
    fn other_flavours_and_debug_packages_are_not_it() {
        check(
            &[
                "linux-image-6.1.0-50-cloud-amd64-dbg",
                "linux-image-6.1.0-50-rt-amd64",
                "linux-image-6.1.0-47-cloud-amd64",
            ],
            Some("linux-image-6.1.0-47-cloud-amd64"),
        );
        check(&["linux-image-6.1.0-50-amd64"], None);
        check(&[], None);
    }

    #[test]
    fn images_are_found_where_old_and_new_packages_have_them() {
        for place in [
            "boot/vmlinuz-5.10.0-46-cloud-amd64",
            "usr/lib/modules/7.2.13+deb14-cloud-amd64/vmlinuz",
        ] {
            let tree = files::testing::scratch("images");
            files::place_bytes(&tree.join("boot/config-5.10"), b"").unwrap();
            assert!(find_image(&tree).is_err());
            files::place_bytes(&tree.join(place), b"image").unwrap();
            assert_eq!(find_image(&tree).unwrap(), tree.join(place));
            files::remove(&tree).unwrap();
        }
    }
}
