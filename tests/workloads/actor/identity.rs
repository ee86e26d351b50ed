//! Who the process is and what it inherited, as JSON.

use std::env;
use std::fs;
use std::io;

use serde_json::{Map, Value, json};

/// Ids, groups, environment and capabilities to a file.
pub fn write(out: &str) -> io::Result<u8> {
    let status = status()?;
    let line = |key: &str| status.get(key).cloned().unwrap_or_default();
    let about = json!({
        "uid": line("Uid"),
        "gid": line("Gid"),
        "groups": line("Groups"),
        "cap_effective": line("CapEff"),
        "cap_inheritable": line("CapInh"),
        "cap_ambient": line("CapAmb"),
        "signals_blocked": line("SigBlk"),
        "signals_ignored": line("SigIgn"),
        "home": env::var("HOME").ok(),
        "user": env::var("USER").ok(),
        "logname": env::var("LOGNAME").ok(),
        "shell": env::var("SHELL").ok(),
    });
    fs::write(out, about.to_string())?;
    Ok(0)
}

/// `/proc/self/status` by key, fields separated by one space.
fn status() -> io::Result<Map<String, Value>> {
    let text = fs::read_to_string("/proc/self/status")?;
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    Ok(pairs
        .map(|(key, value)| {
            let fields: Vec<&str> = value.split_ascii_whitespace().collect();
            (key.to_owned(), Value::from(fields.join(" ")))
        })
        .collect())
}

/// Every open descriptor and what it is, to a file; the one that lists them
/// and the one that is written to are not there yet or already gone.
pub fn write_descriptors(out: &str) -> io::Result<u8> {
    let names: Vec<_> = fs::read_dir("/proc/self/fd")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    let open: Map<String, Value> = names
        .iter()
        .filter_map(|path| {
            let target = fs::read_link(path).ok()?;
            let number = path.file_name()?.to_string_lossy().into_owned();
            Some((number, Value::from(target.to_string_lossy())))
        })
        .collect();
    fs::write(out, Value::Object(open).to_string())?;
    Ok(0)
}
