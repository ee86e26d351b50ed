//! Cgroups that have used up their CPU quota, by their ids.

use rustc_hash::FxHashMap;

use super::names::{NameId, Names};
use crate::wire::event::Cgroup;

/// Those that were described.
#[derive(Clone, Debug, Default)]
pub struct Cgroups(FxHashMap<u64, Named>);

#[derive(Clone, Copy, Debug)]
struct Named {
    /// `cgroup batch`.
    name: NameId,
    /// `cgroup batch, quota 20 ms per 100 ms`.
    with_quota: NameId,
}

impl Cgroups {
    /// Learns one, or its new quota.
    pub(super) fn learn(&mut self, cgroup: &Cgroup, names: &mut Names) {
        let name = match cgroup.name.is_empty() {
            true => format!("cgroup {}", cgroup.id),
            false => format!("cgroup {}", String::from_utf8_lossy(&cgroup.name)),
        };
        let (quota, period) = (millis(cgroup.quota_ns), millis(cgroup.period_ns));
        let with_quota = format!("{name}, quota {quota} per {period}");
        let named = Named {
            name: names.id(&name),
            with_quota: names.id(&with_quota),
        };
        self.0.insert(cgroup.id, named);
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = NameId> {
        let named = self.0.values();
        named.flat_map(|named| [named.name, named.with_quota])
    }

    /// What one is called; none if it was not described.
    pub(super) fn name(&self, id: u64) -> NameId {
        self.0.get(&id).map_or(NameId::NONE, |named| named.name)
    }

    /// The same with its quota.
    pub fn with_quota(&self, id: u64) -> Option<NameId> {
        self.0.get(&id).map(|named| named.with_quota)
    }
}

/// `20 ms`, `12.5 ms`: quotas are set in µs.
fn millis(ns: u64) -> String {
    let (whole, micros) = (ns / 1_000_000, ns / 1000 % 1000);
    let fraction = format!("{micros:03}");
    match fraction.trim_end_matches('0') {
        "" => format!("{whole} ms"),
        digits => format!("{whole}.{digits} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cgroup_quotas_are_told_in_milliseconds() {
        let mut names = Names::default();
        let mut cgroups = Cgroups::default();
        let mut text = |id, name: &[u8], quota_ns, period_ns| {
            let cgroup = Cgroup {
                id,
                quota_ns,
                period_ns,
                name: name.into(),
            };
            cgroups.learn(&cgroup, &mut names);
            let name = cgroups.with_quota(id).and_then(|name| names.text(name));
            name.map(str::to_owned)
        };
        let mut check = |id, name: &[u8], quota_ns, period_ns, expect: &str| {
            assert_eq!(text(id, name, quota_ns, period_ns).as_deref(), Some(expect));
        };
        let ms = 1_000_000;
        check(
            1,
            b"a",
            20 * ms,
            100 * ms,
            "cgroup a, quota 20 ms per 100 ms",
        );
        check(
            1,
            b"a",
            12_500_000,
            10 * ms,
            "cgroup a, quota 12.5 ms per 10 ms",
        );
        check(7, b"", 1000, ms, "cgroup 7, quota 0.001 ms per 1 ms");
        assert_eq!(Cgroups::default().with_quota(1), None);
        assert_eq!(Cgroups::default().name(1), NameId::NONE);
    }
}
