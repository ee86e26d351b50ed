//! Sizes that recordings depend on, asserted at compile time on both sides.

use crate::{disk, fd, header, kernel_return, listen, loss_sums, sched, stack, task};

const _: () = {
    assert!(size_of::<header::Header>() == 16);
    assert!(size_of::<sched::Switch>() == 64);
    assert!(size_of::<sched::Waker>() == 48);
    assert!(size_of::<stack::Stack>() == 280);
    assert!(size_of::<fd::Object>() == 120);
    assert!(size_of::<task::Fork>() == 64);
    assert!(size_of::<task::Exec>() == 304);
    assert!(size_of::<task::Exit>() == 32);
    assert!(size_of::<task::Rename>() == 40);
    assert!(size_of::<task::Snapshot>() == 96);
    assert!(size_of::<kernel_return::KernelReturn>() == 32);
    assert!(size_of::<listen::Request>() == 56);
    assert!(size_of::<disk::Disk>() == 24);
    assert!(size_of::<loss_sums::Key>() == 16);
    assert!(size_of::<loss_sums::Sum>() == 16);
};
