//! Kernel functions by address, from `/proc/kallsyms`.

use std::{fs, io};

use rustc_hash::FxHashMap;

/// The kernel's text symbols, sorted by address.
#[derive(Clone, Debug, Default)]
pub struct KernelSymbols {
    names: String,
    /// Address, and where the name begins and ends in `names`.
    entries: Vec<(u64, u32, u32)>,
    /// `.sched.text`: the functions that `/proc/PID/wchan` skips
    /// (`in_sched_functions` in kernel/sched/core.c).
    sched: (u64, u64),
}

/// A resolved address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// Function name without the compiler's suffixes (`.constprop.0`).
    pub name: &'a str,
    /// It lies in `.sched.text`.
    pub sched: bool,
}

/// No kernel function is longer, bytes.
const LONGEST_FUNCTION: u64 = 1 << 18;

impl KernelSymbols {
    /// Reads the running kernel's.
    pub fn load() -> io::Result<KernelSymbols> {
        Ok(KernelSymbols::parse(&fs::read("/proc/kallsyms")?))
    }

    /// Parses kallsyms text; lines that are not understood are skipped.
    pub fn parse(text: &[u8]) -> KernelSymbols {
        let mut symbols = KernelSymbols::default();
        for line in text.split(|&b| b == b'\n') {
            symbols.add(line);
        }
        symbols.entries.sort_unstable();
        symbols
    }

    /// Addresses are hidden from this process (`kptr_restrict`), or there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The function a *return* address lies in: the call is before it.
    pub fn resolve(&self, return_addr: u64) -> Option<Resolved<'_>> {
        let addr = return_addr.checked_sub(1)?;
        let after = self.entries.partition_point(|&(start, ..)| start <= addr);
        let &(start, from, to) = self.entries.get(after.checked_sub(1)?)?;
        // Generated code that kallsyms does not list is not its neighbour's.
        if addr - start > LONGEST_FUNCTION {
            return None;
        }
        let name = self.names.get(from as usize..to as usize)?;
        let sched = (self.sched.0..self.sched.1).contains(&addr);
        Some(Resolved {
            name: without_suffix(name),
            sched,
        })
    }

    fn add(&mut self, line: &[u8]) {
        let Some((addr, kind, name)) = fields(line) else {
            return;
        };
        match name {
            "__sched_text_start" => self.sched.0 = addr,
            "__sched_text_end" => self.sched.1 = addr,
            _ => {}
        }
        if addr == 0 || !matches!(kind, "t" | "T" | "w" | "W") || name.starts_with("__pfx_") {
            return;
        }
        let from = self.names.len();
        self.names.push_str(name);
        let bounds = (u32::try_from(from), u32::try_from(self.names.len()));
        if let (Ok(from), Ok(to)) = bounds {
            self.entries.push((addr, from, to));
        }
    }
}

/// Addresses of symbols of any kind, data and per-CPU variables included: for
/// kernels whose type information leaves something out. Missing where kallsyms
/// lists text only, or hides addresses.
pub fn addresses(names: &[&str]) -> FxHashMap<String, u64> {
    let text = fs::read("/proc/kallsyms").unwrap_or_default();
    let symbols = text.split(|&b| b == b'\n').filter_map(fields);
    let mut hidden = true;
    let found = symbols
        .inspect(|&(addr, ..)| hidden &= addr == 0)
        .filter(|(_, _, name)| names.contains(name))
        .map(|(addr, _, name)| (name.to_owned(), addr))
        .collect();
    if hidden { FxHashMap::default() } else { found }
}

/// `ffffffff81000000 T _stext`, and `\t[module]` behind the names of modules.
fn fields(line: &[u8]) -> Option<(u64, &str, &str)> {
    let (addr, rest) = str::from_utf8(line).ok()?.split_once(' ')?;
    let (kind, name) = rest.split_once(' ')?;
    let name = name.split('\t').next().unwrap_or(name);
    Some((u64::from_str_radix(addr, 16).ok()?, kind, name))
}

/// `poll_schedule_timeout.constprop.0` is `poll_schedule_timeout` to everybody.
fn without_suffix(name: &str) -> &str {
    match name.find('.') {
        Some(0) | None => name,
        Some(dot) => &name[..dot],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KALLSYMS: &str = "\
0000000000000000 A not_text
ffffffff81000100 T do_wait
ffffffff81000090 t __pfx_do_wait
ffffffff81000200 t poll_schedule_timeout.constprop.0
ffffffff82000000 T __sched_text_start
ffffffff82000010 T schedule
ffffffff82000100 T __sched_text_end
ffffffffc0000000 t ext4_sync_file\t[ext4]
garbage line
ffffffffzz T bad
";

    #[test]
    fn return_addresses_resolve_to_the_calling_function() {
        let symbols = KernelSymbols::parse(KALLSYMS.as_bytes());
        let name = |addr| symbols.resolve(addr).map(|r| (r.name, r.sched));
        assert_eq!(name(0xffff_ffff_8100_0150), Some(("do_wait", false)));
        // A call that is a function's last instruction returns to the next one's start.
        assert_eq!(name(0xffff_ffff_8100_0200), Some(("do_wait", false)));
        assert_eq!(
            name(0xffff_ffff_8100_0201),
            Some(("poll_schedule_timeout", false))
        );
        assert_eq!(name(0xffff_ffff_8200_0011), Some(("schedule", true)));
        assert_eq!(name(0xffff_ffff_c000_0010), Some(("ext4_sync_file", false)));
        assert_eq!(name(0x10), None);
        assert_eq!(name(0), None);
    }

    #[test]
    fn hidden_addresses_mean_no_symbols() {
        assert!(KernelSymbols::parse(b"0000000000000000 T do_wait\n").is_empty());
        assert!(KernelSymbols::parse(b"").is_empty());
    }
}
