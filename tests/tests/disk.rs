//! Waits for a real disk are blamed on it, by its name.

use std::fs::{self, File};
use std::io::Write;
use std::os::linux::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use waitscope_tests::report::Blame;
use waitscope_tests::{audit, live};

/// The disk under a file: the one that its partition is on, if it is on one.
fn disk_under(file: &Path) -> Result<String> {
    let dev = fs::metadata(file)?.st_dev();
    let (major, minor) = (libc::major(dev), libc::minor(dev));
    let link = format!("/sys/dev/block/{major}:{minor}");
    let mut device = fs::canonicalize(&link).with_context(|| format!("{link}: not on a disk"))?;
    if device.join("partition").exists() {
        device.pop();
    }
    let name = device.file_name().context("a name")?;
    Ok(name.to_string_lossy().into_owned())
}

#[test]
fn reads_past_the_page_cache_are_blamed_on_the_disk_by_name() -> Result<()> {
    let dir = live::shared_dir()?;
    let path = dir.path().join("data");
    let mut file = File::create(&path)?;
    file.write_all(&vec![1; 8 << 20])?;
    file.sync_all()?;
    let disk = disk_under(&path)?;

    let input = format!("if={}", path.display());
    let (outcome, report) =
        live::traced(&["dd", &input, "of=/dev/null", "bs=64k", "iflag=direct"])?;
    outcome.expect_code(0)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());

    let root = report.only("dd", |thread| thread.creator_tid.is_none())?;
    let waited_ns = root.account.kind_ns("disk");
    let blame = root.account.blame.iter().filter(|b| b.kind == "disk");
    let is_named = |b: &&Blame| b.cause == "disk" && b.detail.as_ref() == Some(&disk);
    let named_ns: u64 = blame.clone().filter(is_named).map(|b| b.ns).sum();
    // The kernel may hide the waking of one read or another, which is counted.
    let hidden_ns: u64 = match report.coverage.unverified_wakes {
        0 => 0,
        _ => blame.filter(|b| b.cause == "unknown").map(|b| b.ns).sum(),
    };
    ensure!(
        named_ns > 0 && named_ns * 100 >= (waited_ns - hidden_ns) * 95,
        "{named_ns} of {waited_ns} ns are blamed on {disk}: {:?}; dd: {}",
        root.account,
        outcome.stderr
    );
    Ok(())
}
