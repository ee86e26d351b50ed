//! The 16 bytes that open every record.

record! {
    /// Opens every record.
    #[derive(Default)]
    pub struct Header {
        /// One of [`crate::families::kind`].
        pub kind: u16,
        /// Size of the whole record in bytes, this header included.
        pub size: u16,
        /// CPU that wrote the record.
        pub cpu: u16,
        /// Bits whose meaning depends on the kind, see the record's own file.
        pub flags: u16,
        /// `CLOCK_MONOTONIC` at the event, ns (`bpf_ktime_get_ns`).
        pub ts_ns: u64,
    }
}

const _: () = assert!(size_of::<Header>() == 16);
