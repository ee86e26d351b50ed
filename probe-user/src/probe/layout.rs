//! Where the kernel structure members that the probes need lie, and what is
//! switched off when one is missing. There is no hard-coded offset: a wrong one
//! can load silently.

use probe_common::config::NO_OFFSET;
use rustc_hash::FxHashMap;

use super::{
    bind::Value,
    btf::{Btf, Member},
    features::{
        ARGUMENTS, CALLS, DESCRIPTOR_TABLES, DESCRIPTORS, DISKS, Feature, INTERRUPTS, MEMORY,
        STACK_POINTERS, features_of,
    },
};

/// Values for the probes' constants, from one kernel's BTF.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Constants that are offsets, [`NO_OFFSET`] when their feature is off.
    pub offsets: Vec<Value>,
    /// See `IOWAIT_MASK` in the probes.
    pub iowait_mask: u8,
    /// See `HAS_PREV_STATE_ARG`.
    pub has_prev_state_arg: bool,
    /// See `HAS_PREEMPT_COUNT`.
    pub has_preempt_count: bool,
    /// See `HAS_CURRENT_TASK_BTF`.
    pub has_current_task_btf: bool,
    /// See `HAS_TASK_PT_REGS`.
    pub has_task_pt_regs: bool,
    /// See `HAS_PROBE_READ`.
    pub has_probe_read: bool,
    /// Number of the kernel function `bpf_rdonly_cast`, if it has one and we use it.
    pub rdonly_cast: Option<u32>,
    /// What had to be switched off.
    pub missing: Vec<Missing>,
}

/// Something that a feature needs and does not get from this kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// `task_struct.files`, or the helper that is refused.
    pub member: String,
    /// What cannot be observed without it.
    pub feature: &'static str,
    /// Nothing works without it.
    pub essential: bool,
    /// The kernel has it and does not let us use it.
    pub refused: bool,
}

impl Missing {
    /// Why the feature is off.
    pub fn reason(&self) -> String {
        if self.refused {
            format!("this kernel refuses {} (lockdown)", self.member)
        } else {
            format!("this kernel has no {}", self.member)
        }
    }
}

impl Layout {
    /// Looks everything up. `addresses` finds symbols by name where the type
    /// information of older kernels leaves something out.
    pub fn resolve(
        btf: &Btf,
        arch: &str,
        addresses: impl Fn(&[&str]) -> FxHashMap<String, u64>,
    ) -> Layout {
        let mut layout = Layout {
            has_probe_read: true,
            ..Layout::default()
        };
        for feature in features_of(arch) {
            layout.add(btf, feature);
        }
        if arch == "aarch64" {
            for (register, global) in (1..).zip(["REGS_ARG1", "REGS_ARG2", "REGS_ARG3"]) {
                layout.shift(global, 8 * register);
            }
        }
        layout.iowait_mask = btf
            .member("task_struct", "in_iowait")
            .map_or(0, Member::mask);
        // Before 5.18 sched_switch passed three arguments.
        layout.has_prev_state_arg = btf
            .tracepoint_args("sched_switch")
            .is_some_and(|args| args >= 4);
        layout.has_current_task_btf = btf.has_function("bpf_get_current_task_btf");
        layout.has_task_pt_regs = btf.has_function("bpf_task_pt_regs");
        layout.add_stack(btf, &addresses);
        layout.add_preempt_count(btf, &addresses);
        layout.add_request_disk(btf);
        layout.add_throttling(btf);
        layout.add_cast(btf);
        layout
    }

    /// Every constant of the probes that follows from it.
    pub fn values(&self) -> Vec<Value> {
        let switches = [
            ("HAS_PREV_STATE_ARG", self.has_prev_state_arg),
            ("HAS_PREEMPT_COUNT", self.has_preempt_count),
            ("HAS_CURRENT_TASK_BTF", self.has_current_task_btf),
            ("HAS_TASK_PT_REGS", self.has_task_pt_regs),
            ("HAS_PROBE_READ", self.has_probe_read),
        ];
        let mut values = self.offsets.clone();
        values.push(("PAGE_SHIFT", page_bytes().trailing_zeros()));
        values.push(("IOWAIT_MASK", u32::from(self.iowait_mask)));
        values.extend(switches.map(|(name, on)| (name, u32::from(on))));
        values
    }

    /// Does without reads at addresses that the verifier has not typed: the
    /// kernel refuses the helper for them.
    pub fn forgo_probe_reads(&mut self) {
        self.has_probe_read = false;
        self.forgo_cast();
        self.has_preempt_count = false;
        self.refuse(INTERRUPTS);
        self.close("TASK_FILES");
        self.refuse(DESCRIPTORS);
        self.close("FDT_OPEN_FDS");
        self.refuse(DESCRIPTOR_TABLES);
        self.close("SIGNAL_MAXRSS");
        self.refuse(MEMORY);
        // The loader takes the helper for user memory to be missing as well.
        self.close("MM_ARG_START");
        self.refuse(ARGUMENTS);
        if !self.has_task_pt_regs {
            self.close("REGS_FROM_STACK");
            self.close("REGS_SP");
            self.refuse(STACK_POINTERS);
            if !self.notes_calls() {
                self.refuse(CALLS);
            }
        }
    }

    /// Does without types for addresses: what lies there is read by a helper.
    pub fn forgo_cast(&mut self) {
        self.rdonly_cast = None;
        self.close("WORD_TYPE");
    }

    /// Whether system calls must be noted as they begin: neither the running
    /// task's type is known, nor may its registers be read.
    pub fn notes_calls(&self) -> bool {
        !self.has_probe_read && !self.has_current_task_btf
    }

    /// Whether the feature behind a global is there.
    pub fn knows(&self, gate: &str) -> bool {
        let mut offsets = self.offsets.iter();
        offsets.any(|&(global, offset)| global == gate && offset != NO_OFFSET)
    }

    /// Every feature with what it lacks.
    pub fn features(&self, arch: &str) -> Vec<(&'static str, Vec<&Missing>)> {
        let of = |name| self.missing.iter().filter(|m| m.feature == name).collect();
        features_of(arch).map(|f| (f.name, of(f.name))).collect()
    }

    /// The first essential member that is missing.
    pub fn fatal(&self) -> Option<&Missing> {
        self.missing.iter().find(|m| m.essential)
    }

    fn add(&mut self, btf: &Btf, feature: &Feature) {
        let mut complete = true;
        for (global, places) in feature.members {
            let found = places
                .iter()
                .find_map(|(outer, path)| btf.member(outer, path));
            if found.is_none() {
                complete = false;
                let (outer, path) = places[0];
                self.missing.push(Missing {
                    member: format!("{outer}.{path}"),
                    feature: feature.name,
                    essential: feature.essential,
                    refused: false,
                });
            }
            self.offsets
                .push((global, found.map_or(NO_OFFSET, Member::byte_offset)));
        }
        if !complete {
            self.close(feature.gate);
        }
    }

    /// Switches off what depends on a global.
    fn close(&mut self, gate: &str) {
        for (global, offset) in &mut self.offsets {
            if *global == gate {
                *offset = NO_OFFSET;
            }
        }
    }

    fn is_closed(&self, gate: &str) -> bool {
        self.offsets.contains(&(gate, NO_OFFSET))
    }

    fn shift(&mut self, global: &str, by: u32) {
        for (name, offset) in &mut self.offsets {
            if *name == global && *offset != NO_OFFSET {
                *offset += by;
            }
        }
    }

    /// Where `task_pt_regs()` finds a task's registers on x86: at the end of its
    /// stack. How far from its beginning, the probes learn from the helper.
    fn add_stack(&mut self, btf: &Btf, addresses: &Addresses<'_>) {
        let mut stack = btf.member("task_struct", "stack").map(Member::byte_offset);
        let mut from_stack = None;
        if !self.has_task_pt_regs {
            let sizes = thread_size(btf, addresses).zip(btf.struct_size("pt_regs"));
            from_stack = sizes.and_then(|(stack, regs)| stack.checked_sub(regs));
            if stack.and(from_stack).is_none() {
                (stack, from_stack) = (None, None);
                self.miss("bpf_task_pt_regs and THREAD_SIZE", CALLS);
            }
        }
        for (name, offset) in [("TASK_STACK", stack), ("REGS_FROM_STACK", from_stack)] {
            self.offsets.push((name, offset.unwrap_or(NO_OFFSET)));
        }
    }

    /// Distance of two per-CPU variables. `__preempt_count` is one of its own up
    /// to 6.1 and from 6.15 on, and a member of `pcpu_hot` in between; on arm64
    /// it lies in `thread_info`, which the probes do not read yet.
    fn add_preempt_count(&mut self, btf: &Btf, addresses: &Addresses<'_>) {
        let own = || btf.per_cpu_offset("__preempt_count");
        let hot = || {
            let member = btf.member("pcpu_hot", "preempt_count")?;
            btf.per_cpu_offset("pcpu_hot")?
                .checked_add(member.byte_offset())
        };
        let by_type = || {
            let count = own().or_else(hot)?;
            Some(count.wrapping_sub(btf.per_cpu_offset("runqueues")?))
        };
        // Type information from before 5.12 has no per-CPU variables.
        let by_symbol = || {
            let found = addresses(&["__preempt_count", "runqueues"]);
            let distance = found
                .get("__preempt_count")?
                .wrapping_sub(*found.get("runqueues")?);
            i32::try_from(distance.cast_signed())
                .ok()
                .map(i32::cast_unsigned)
        };
        let distance = by_type().or_else(by_symbol);
        self.has_preempt_count = distance.is_some();
        self.offsets
            .push(("PREEMPT_COUNT_FROM_RQ", distance.unwrap_or(0)));
        if distance.is_none() {
            self.miss("per-CPU __preempt_count", INTERRUPTS);
        }
    }

    /// How a request leads to its disk: by itself up to 5.16, then by its queue.
    fn add_request_disk(&mut self, btf: &Btf) {
        let mut offset = |outer, path| {
            let found = btf.member(outer, path).map(Member::byte_offset);
            if found.is_none() {
                self.miss(&format!("{outer}.{path}"), DISKS);
            }
            found
        };
        let (request, queue) = match btf.member("request", "rq_disk") {
            Some(disk) => (Some(disk.byte_offset()), None),
            None => (offset("request", "q"), offset("request_queue", "disk")),
        };
        if self.missing.iter().any(|missing| missing.feature == DISKS) {
            self.close("DISK_MAJOR");
        }
        self.offsets
            .push(("REQUEST_DISK", request.unwrap_or(NO_OFFSET)));
        self.offsets
            .push(("QUEUE_DISK", queue.unwrap_or(NO_OFFSET)));
    }

    /// Members that only newer kernels have, and that others do without.
    fn add_throttling(&mut self, btf: &Btf) {
        let own = btf.member("task_struct", "throttled");
        let clock = btf.member("cfs_rq", "throttled_clock_self");
        let sum = btf.member("cfs_rq", "throttled_clock_self_time");
        let (clock, sum) = clock.zip(sum).unzip();
        for (name, member) in [
            ("TASK_THROTTLED", own),
            ("CFS_RQ_THROTTLED_CLOCK", clock),
            ("CFS_RQ_THROTTLED_SUM", sum),
        ] {
            let offset = member.map_or(NO_OFFSET, Member::byte_offset);
            self.offsets.push((name, offset));
        }
        if self.is_closed("CFS_RQ_THROTTLE_COUNT") {
            self.close("TASK_THROTTLED");
        }
    }

    /// How an address gets a type (6.2): any structure will do that begins with an
    /// integer of eight bytes, of which shorter ones may be read as well.
    fn add_cast(&mut self, btf: &Btf) {
        let word = btf
            .member("timespec64", "tv_sec")
            .filter(|seconds| seconds.bit_offset == 0)
            .and_then(|_| btf.structure("timespec64"));
        let both = btf.function("bpf_rdonly_cast").zip(word);
        self.rdonly_cast = both.map(|(function, _)| function);
        let word = both.map_or(NO_OFFSET, |(_, word)| word);
        self.offsets.push(("WORD_TYPE", word));
    }

    fn miss(&mut self, member: &str, feature: &'static str) {
        self.missing.push(Missing {
            member: member.to_owned(),
            feature,
            essential: false,
            refused: false,
        });
    }

    /// Notes that a feature is off, unless it was off already.
    fn refuse(&mut self, feature: &'static str) {
        if self.missing.iter().any(|m| m.feature == feature) {
            return;
        }
        self.missing.push(Missing {
            member: "bpf_probe_read_kernel".to_owned(),
            feature,
            essential: false,
            refused: true,
        });
    }
}

/// Bytes of a page.
fn page_bytes() -> u64 {
    // SAFETY: a number in, a number out.
    let bytes = unsafe { nix::libc::sysconf(nix::libc::_SC_PAGESIZE) };
    u64::try_from(bytes).unwrap_or(4096)
}

type Addresses<'a> = dyn Fn(&[&str]) -> FxHashMap<String, u64> + 'a;

/// `THREAD_SIZE`: of `union thread_union`, or of the first task's stack
/// (`INIT_TASK_DATA` in include/asm-generic/vmlinux.lds.h).
fn thread_size(btf: &Btf, addresses: &Addresses<'_>) -> Option<u32> {
    btf.union_size("thread_union").or_else(|| {
        let found = addresses(&["__start_init_task", "__end_init_task"]);
        let size = found
            .get("__end_init_task")?
            .checked_sub(*found.get("__start_init_task")?)?;
        u32::try_from(size)
            .ok()
            .filter(|size| size.is_power_of_two())
    })
}
