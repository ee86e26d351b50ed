//! What a number counts. Inside everything is in ns and bytes.

/// What a metric is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// ns.
    Time,
    /// Bytes.
    Bytes,
    /// A plain number of things.
    Count,
    /// Of a whole; 1 is 100 %.
    Share,
    /// Times a second.
    PerSecond,
}
