//! Differences in every format.
