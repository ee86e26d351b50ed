//! Sizes of the probes' maps and the way to them, in one place for all tiers.

use anyhow::{Context as _, Result, anyhow};
use aya::{Ebpf, EbpfLoader, maps::RingBuf};
use probe_common::{
    config::most,
    entry::TaskEntry,
    loss_sums::{Key, Sum},
    ring,
    sched::Switch,
};

use super::{
    bind::Value,
    drain::{Drain, Ring},
    switches::Switches,
};

/// Bytes of the ring of births, names and deaths: some 40,000 of those between two drains.
/// Snapshots come by parts, between which it is emptied.
const COLD_BYTES: u32 = 4 << 20;

/// User stacks that are known at once: one that is not is written down anew.
const USER_STACKS: u32 = 16_384;

/// What a hash needs for an element besides key and value (`struct htab_elem`).
const HASH_ELEMENT: u64 = 48;

/// What the user may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Sleeps at least this long carry both stacks, ns.
    pub stack_threshold_ns: u64,
    /// Look at descriptor tables behind every system call.
    pub exact_descriptors: bool,
    /// Describe each descriptor of a table at its last look.
    pub describes_descriptors: bool,
    /// Take the user stack of each sleep.
    pub user_stacks: bool,
    /// Bytes of the ring that everything but switches, births and deaths goes
    /// through; a power of two.
    pub ring_bytes: u32,
    /// Bytes of each CPU's ring of switches; a power of two.
    pub switch_ring_bytes: u32,
    /// Tasks that can be followed at once.
    pub tasks: u32,
    /// Processes that can be named to the probes at once.
    pub targets: u32,
}

/// Sizes of the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tables {
    hot_bytes: u32,
    tasks: u32,
    targets: u32,
    /// CPUs that may ever be there.
    cpus: u32,
    /// Records in each CPU's ring of switches, a power of two.
    switches_per_cpu: u32,
    /// One less than the places for entries of tasks, a power of two.
    pub(super) entries_mask: u32,
    describes_descriptors: bool,
    /// User stacks that are known at once.
    user_stacks: u32,
}

impl Tables {
    /// As large as the user wants them.
    pub fn new(settings: &Settings) -> Result<Tables> {
        Ok(Tables::of(settings, possible_cpus()?))
    }

    fn of(settings: &Settings, cpus: u32) -> Tables {
        let records = settings.switch_ring_bytes / size_of::<Switch>() as u32;
        let places = settings.tasks.checked_next_power_of_two();
        Tables {
            hot_bytes: settings.ring_bytes,
            tasks: settings.tasks,
            targets: settings.targets,
            cpus,
            switches_per_cpu: records.next_power_of_two().max(ring::FEWEST),
            entries_mask: places.unwrap_or(1 << 31) - 1,
            describes_descriptors: settings.describes_descriptors,
            user_stacks: if settings.user_stacks { USER_STACKS } else { 1 },
        }
    }

    /// Hands them over to the loader.
    pub fn set(&self, loader: &mut EbpfLoader<'_>) {
        loader
            .map_max_entries("EVENTS", self.hot_bytes)
            .map_max_entries("LIFECYCLE", COLD_BYTES)
            .map_max_entries("TASKS", self.tasks)
            .map_max_entries("SLOTS", self.tasks)
            .map_max_entries("TARGETS", self.targets)
            .map_max_entries("ENTRIES", self.entries_mask + 1)
            .map_max_entries("SWITCHES", self.cpus.saturating_mul(self.switches_per_cpu))
            .map_max_entries("USER_STACKS", self.user_stacks)
            .map_max_entries("POSITIONS", self.cpus);
    }

    /// What the probes must know of them.
    pub fn constants(&self) -> [Value; 3] {
        [
            ("DESCRIBES_OPEN", u32::from(self.describes_descriptors)),
            ("ENTRIES_MASK", self.entries_mask),
            ("SWITCHES_PER_CPU", self.switches_per_cpu),
        ]
    }

    /// Whether user stacks were asked for.
    pub(super) fn takes_user_stacks(&self) -> bool {
        self.user_stacks > 1
    }

    /// Takes the rings out of the loaded object.
    pub fn drain(&self, ebpf: &mut Ebpf) -> Result<Drain> {
        let records = switches_map(ebpf, "SWITCHES")?;
        let positions = switches_map(ebpf, "POSITIONS")?;
        let switches = Switches::new(records, positions, self.cpus, self.switches_per_cpu)?;
        let hot = Ring {
            map: RingBuf::try_from(take(ebpf, "EVENTS")?)?,
            bytes: self.hot_bytes,
        };
        let cold = Ring {
            map: RingBuf::try_from(take(ebpf, "LIFECYCLE")?)?,
            bytes: COLD_BYTES,
        };
        Ok(Drain::new(switches, hot, cold))
    }

    /// Memory that the kernel holds for us.
    pub fn bytes(&self) -> u64 {
        let switches = u64::from(self.cpus) * u64::from(self.switches_per_cpu);
        let entries = (u64::from(self.entries_mask) + 1) * size_of::<TaskEntry>() as u64;
        let index = u64::from(self.tasks) * 2 * (HASH_ELEMENT + 16);
        let targets = u64::from(self.targets) * (HASH_ELEMENT + 8);
        let rings = u64::from(self.hot_bytes)
            + u64::from(COLD_BYTES)
            + switches * size_of::<Switch>() as u64;
        let user_stacks = u64::from(self.user_stacks) * (HASH_ELEMENT + 12);
        rings + entries + index + targets + user_stacks + fixed_bytes()
    }
}

/// Memory of the hashes whose sizes nobody sets; arrays of fixed size are small.
fn fixed_bytes() -> u64 {
    let hash =
        |most: u32, key_and_value: usize| u64::from(most) * (HASH_ELEMENT + key_and_value as u64);
    hash(most::LOSS_SUMS, size_of::<Key>() + size_of::<Sum>())
        + hash(most::CGROUPS, 16)
        + hash(most::SOCKETS, 16)
        + hash(most::LISTENERS, 16)
}

/// CPUs that may ever be there: each has its own ring of switches.
pub fn possible_cpus() -> Result<u32> {
    let cpus = aya::util::nr_cpus().map_err(|(path, error)| anyhow!(error).context(path))?;
    u32::try_from(cpus).context("counting CPUs")
}

fn switches_map(ebpf: &mut Ebpf, name: &str) -> Result<aya::maps::MapData> {
    match take(ebpf, name)? {
        aya::maps::Map::Array(map) => Ok(map),
        _ => Err(anyhow!("the probes' map {name} is no array")),
    }
}

/// Takes a map out.
pub(super) fn take(ebpf: &mut Ebpf, name: &str) -> Result<aya::maps::Map> {
    ebpf.take_map(name)
        .ok_or_else(|| anyhow!("the probes have no map {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(switch_ring_bytes: u32, tasks: u32) -> Tables {
        let settings = Settings {
            stack_threshold_ns: 0,
            exact_descriptors: false,
            describes_descriptors: false,
            user_stacks: false,
            ring_bytes: 1 << 20,
            switch_ring_bytes,
            tasks,
            targets: 2,
        };
        Tables::of(&settings, 3)
    }

    #[test]
    fn sizes_are_powers_of_two() {
        assert_eq!(tables(4096, 64).switches_per_cpu, 64);
        assert_eq!(tables(1 << 20, 64).switches_per_cpu, 1 << 14);
        assert_eq!(tables(1, 64).switches_per_cpu, ring::FEWEST);
        assert_eq!(tables(4096, 64).entries_mask, 63);
        assert_eq!(tables(4096, 65).entries_mask, 127);
        assert_eq!(tables(4096, 4_194_304).entries_mask, (1 << 22) - 1);
    }

    #[test]
    fn memory_is_told_in_full() {
        let small = tables(4096, 64).bytes();
        let tasks = 64 * 192 + 64 * 128;
        let fixed = 16_384 * 80 + (1024 + 32_768 + 4096) * 64;
        let no_user_stacks = 60;
        let rest = 2 * 56 + no_user_stacks + fixed;
        assert_eq!(small, (5 << 20) + 3 * 4096 + tasks + rest);
    }
}
