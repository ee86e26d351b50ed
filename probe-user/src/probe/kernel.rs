//! The kernel under us: its type information, and what programs may do.

use std::{fs, io};

use anyhow::{Context as _, Result, bail};
use aya::{
    programs::ProgramType,
    sys::{BpfHelper, is_helper_supported},
};
use thiserror::Error;

use super::{btf::Btf, layout::Layout};
use crate::symbol::kernel::addresses;

const BTF_PATH: &str = "/sys/kernel/btf/vmlinux";

/// Why a kernel offers no more than the raw tier.
#[derive(Debug, Error)]
pub enum Untyped {
    /// There is none, or not for us.
    #[error("this kernel offers no type information ({BTF_PATH}: {0})")]
    Absent(io::Error),
    /// It is of no form that we know.
    #[error("this kernel's type information ({BTF_PATH}) cannot be read")]
    Unreadable,
}

/// The kernel's type information, read once.
pub struct Kernel {
    /// For the loader.
    pub btf: aya::Btf,
    /// Where the members lie.
    pub layout: Layout,
}

impl Kernel {
    /// Reads BTF. The error is [`Untyped`] where the raw tier is what is left.
    pub fn read() -> Result<Kernel> {
        let raw = fs::read(BTF_PATH).map_err(Untyped::Absent)?;
        // Both readers parse the same bytes: making them takes the kernel a while.
        let for_loader = aya::Btf::parse(&raw, Default::default());
        let btf = Btf::parse(raw).ok_or(Untyped::Unreadable)?;
        let mut layout = Layout::resolve(&btf, std::env::consts::ARCH, addresses);
        if !is_compiled() {
            layout.forgo_cast();
        }
        if !may_probe_read() {
            layout.forgo_probe_reads();
        }
        if let Some(missing) = layout.fatal() {
            let (reason, feature) = (missing.reason(), missing.feature);
            bail!("{reason}, and without it waitscope cannot work: it would not know {feature}");
        }
        let btf = for_loader.context("reading the kernel's type information")?;
        Ok(Kernel { btf, layout })
    }
}

/// Whether the kernel compiles programs: without that it lets them call none of
/// its functions. Where it does not say (in a network namespace), we do without.
fn is_compiled() -> bool {
    fs::read_to_string("/proc/sys/net/core/bpf_jit_enable")
        .is_ok_and(|on| matches!(on.trim(), "1" | "2"))
}

/// Whether programs may read at addresses that the verifier has not typed. A
/// kernel in `lockdown=confidentiality` hands the helper to nobody. An answer
/// that cannot be had counts as yes: the programs are then tried.
fn may_probe_read() -> bool {
    let helper = BpfHelper::BPF_FUNC_probe_read_kernel;
    is_helper_supported(ProgramType::RawTracePoint, helper).unwrap_or(true)
}
