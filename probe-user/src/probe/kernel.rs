//! The kernel under us: its type information, and what programs may do.

use std::fs;

use anyhow::{Context as _, Result, anyhow, bail};
use aya::{
    programs::ProgramType,
    sys::{BpfHelper, is_helper_supported},
};

use super::{btf::Btf, layout::Layout};
use crate::symbol::kernel::addresses;

const BTF_PATH: &str = "/sys/kernel/btf/vmlinux";

/// The kernel's type information, read once.
pub struct Kernel {
    /// For the loader.
    pub btf: aya::Btf,
    /// Where the members lie.
    pub layout: Layout,
}

impl Kernel {
    /// Reads BTF; without it nothing can be loaded.
    pub fn read() -> Result<Kernel> {
        let raw = fs::read(BTF_PATH).with_context(|| {
            format!(
                "this kernel offers no type information ({BTF_PATH}): waitscope needs a kernel \
                 built with CONFIG_DEBUG_INFO_BTF=y"
            )
        })?;
        let btf = Btf::parse(raw)
            .ok_or_else(|| anyhow!("the kernel's type information in {BTF_PATH} cannot be read"))?;
        let mut layout = Layout::resolve(&btf, std::env::consts::ARCH, addresses);
        if !may_probe_read() {
            layout.forgo_probe_reads();
        }
        if let Some(missing) = layout.fatal() {
            let (reason, feature) = (missing.reason(), missing.feature);
            bail!("{reason}, and without it waitscope cannot work: it would not know {feature}");
        }
        let btf = aya::Btf::from_sys_fs().context("reading the kernel's type information")?;
        Ok(Kernel { btf, layout })
    }
}

/// Whether programs may read at addresses that the verifier has not typed. A
/// kernel in `lockdown=confidentiality` hands the helper to nobody. An answer
/// that cannot be had counts as yes: the programs are then tried.
fn may_probe_read() -> bool {
    let helper = BpfHelper::BPF_FUNC_probe_read_kernel;
    is_helper_supported(ProgramType::RawTracePoint, helper).unwrap_or(true)
}
