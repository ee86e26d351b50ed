//! Every family of records, once. From this list follow the kind numbers, the
//! sizes that recordings depend on (asserted as the kernel's and the user's side
//! are compiled), the class in which a lost record is counted, the dispatch of
//! decoding, and the tests with malformed bytes.

use crate::{header::Header, loss::Loss};

/// Hands every family to a macro: kind and its number, structure, size in bytes,
/// class of loss. Append-only: a number is never reused, and is written into
/// recordings.
#[macro_export]
macro_rules! families {
    ($each:ident) => {
        $each! {
            SWITCH = 1: sched::Switch, 64 bytes, lost as Switch;
            WAKER = 2: sched::Waker, 48 bytes, lost as Waker;
            STACK = 3: stack::Stack, 280 bytes, lost as Stack;
            OBJECT = 4: fd::Object, 120 bytes, lost as Object;
            FORK = 5: task::Fork, 64 bytes, lost as Task;
            EXEC = 6: task::Exec, 304 bytes, lost as Task;
            EXIT = 7: task::Exit, 32 bytes, lost as Task;
            RENAME = 8: task::Rename, 40 bytes, lost as Task;
            SNAPSHOT = 9: task::Snapshot, 96 bytes, lost as Task;
            KERNEL_RETURN = 10: kernel_return::KernelReturn, 32 bytes, lost as KernelReturn;
            REQUEST = 11: listen::Request, 56 bytes, lost as Request;
            DISK = 12: disk::Disk, 24 bytes, lost as Disk;
            MIGRATION = 13: sched::Migration, 32 bytes, lost as Migration;
            SIGNAL = 14: signal::Pending, 40 bytes, lost as Waker;
            SENT = 15: signal::Sent, 88 bytes, lost as Task;
            OOM = 16: oom::Victim, 280 bytes, lost as Task;
            CGROUP = 17: cgroup::Cgroup, 104 bytes, lost as Task;
            CONNECT = 20: connection::Connect, 72 bytes, lost as Connection;
            STEP = 21: connection::Step, 48 bytes, lost as Connection;
            LISTENING = 22: connection::Listening, 72 bytes, lost as Connection;
            ACCEPT = 23: connection::Accept, 56 bytes, lost as Connection;
            FD_TABLE = 25: fd_table::Look, 40 bytes, lost as FdTable;
            FD_KINDS = 26: fd_table::Kinds, 64 bytes, lost as FdTable;
            PEAK = 27: memory::Peak, 32 bytes, lost as Task;
            USER_STACK = 28: user_stack::UserStack, 32 bytes, lost as UserStack;
            USER_FRAMES = 29: user_stack::UserFrames, 1568 bytes, lost as UserStack;
        }
    };
}

/// A structure of the list: `#[repr(C)]`, made of integers, and opened by a [`Header`].
pub trait Record: Copy + 'static {
    /// Its kind.
    const KIND: u16;
    /// What is counted when there is no room for one.
    const LOSS: Loss;

    /// A header of this kind.
    #[inline(always)]
    fn header(cpu: u16, flags: u16, ts_ns: u64) -> Header {
        Header {
            kind: Self::KIND,
            size: size_of::<Self>() as u16,
            cpu,
            flags,
            ts_ns,
        }
    }
}

macro_rules! declare {
    ($($kind:ident = $number:literal: $module:ident::$record:ident,
       $size:literal bytes, lost as $loss:ident;)+) => {
        /// Record kinds.
        pub mod kind {
            $(
                #[doc = concat!("[`crate::", stringify!($module), "::", stringify!($record), "`]")]
                pub const $kind: u16 = $number;
            )+
        }

        /// Every kind, in the order of the list.
        pub const KINDS: &[u16] = &[$($number,)+];

        $(
            const _: () = {
                assert!(size_of::<crate::$module::$record>() == $size);
                assert!(core::mem::offset_of!(crate::$module::$record, header) == 0);
                assert!(align_of::<crate::$module::$record>() == 8);
            };

            impl Record for crate::$module::$record {
                const KIND: u16 = $number;
                const LOSS: Loss = Loss::$loss;
            }
        )+
    };
}

families!(declare);

/// Numbers rise from one entry to the next, so none stands there twice.
const _: () = {
    let mut at = 1;
    while at < KINDS.len() {
        assert!(KINDS[at - 1] < KINDS[at]);
        at += 1;
    }
};
