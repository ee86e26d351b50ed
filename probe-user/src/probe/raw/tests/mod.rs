//! Tests of the raw tier on texts of real kernels: never on the machine's own.

mod format;
mod procfs;
mod seed;
mod tracefs;
