//! Why a recording cannot be read, or not further.

use std::io;

use super::format::MAJOR;

/// One clear sentence each. No text from the file is repeated in them, so they
/// are safe for a terminal.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// Other magic bytes, or fewer.
    #[error("this is not a waitscope recording, nor a report in JSON")]
    NotARecording,
    /// A major version that this reader must not interpret.
    #[error(
        "the recording has format version {major}.{minor}, this waitscope reads {MAJOR}.x: \
         use the waitscope that wrote it or a newer one"
    )]
    Version {
        /// The file's major version.
        major: u16,
        /// The file's minor version.
        minor: u16,
    },
    /// The wire records have another layout.
    #[error(
        "the recording's records have layout version {found}, this waitscope reads {}: \
         use the waitscope that wrote it",
        probe_common::ABI_VERSION
    )]
    Abi {
        /// The file's record layout version.
        found: u16,
    },
    /// The wire records have the other byte order.
    #[error(
        "the recording was made on a machine of the other byte order and can be read only on such a machine"
    )]
    ByteOrder,
    /// The header is incomplete.
    #[error("the recording ends inside its header at byte {at_bytes}; nothing in it can be shown")]
    HeaderCut {
        /// Size of the file, bytes.
        at_bytes: u64,
    },
    /// The header is not what was written.
    #[error("the recording's header is damaged ({what}); nothing in it can be shown")]
    HeaderCorrupt {
        /// What does not fit.
        what: &'static str,
    },
    /// The file ends inside a frame.
    #[error(
        "the recording ends in the middle of a frame at byte {at_bytes} (cut short?); \
         everything before it is shown"
    )]
    Cut {
        /// Size of the file, bytes.
        at_bytes: u64,
    },
    /// The file ends behind a whole frame, but that is not the end frame.
    #[error(
        "the recording ends at byte {at_bytes} without its end frame (was waitscope killed?); \
         everything before it is shown"
    )]
    Unfinished {
        /// Size of the file, bytes.
        at_bytes: u64,
    },
    /// A frame is not what was written.
    #[error(
        "the recording is damaged in the frame at byte {at_bytes} ({what}); everything before it is shown"
    )]
    Corrupt {
        /// Where the frame begins, bytes.
        at_bytes: u64,
        /// What does not fit.
        what: &'static str,
    },
    /// A frame that this reader does not know and must not skip.
    #[error(
        "the frame at byte {at_bytes} of the recording (type {frame_type}, flags {flags:#x}) needs a \
         newer waitscope; everything before it is shown"
    )]
    Newer {
        /// Where the frame begins, bytes.
        at_bytes: u64,
        /// Its type.
        frame_type: u16,
        /// Its flags.
        flags: u16,
    },
    /// The file could not be read.
    #[error("the recording cannot be read at byte {at_bytes}: {error}")]
    Io {
        /// How far reading came, bytes.
        at_bytes: u64,
        /// The system's reason.
        error: io::Error,
    },
}
