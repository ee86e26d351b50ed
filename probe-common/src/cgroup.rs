//! Control groups that have used up their CPU quota.

use crate::header::Header;

/// Bytes of a name that are kept.
pub const NAME_BYTES: usize = 64;

record! {
    /// A traced task was throttled in a cgroup that no record was about so far, or whose quota
    /// was another one then.
    pub struct Cgroup {
        /// Kind [`crate::families::kind::CGROUP`].
        pub header: Header,
        /// Its id: the number of its directory (`kernfs_node.id`).
        pub id: u64,
        /// CPU time that it has in each period, ns.
        pub quota_ns: u64,
        /// The period, ns.
        pub period_ns: u64,
        /// The directory's name, without the way there, ended by NUL; empty where that could
        /// not be read.
        pub name: [u8; NAME_BYTES],
    }
}
