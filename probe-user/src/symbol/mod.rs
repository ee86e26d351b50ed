//! Late and optional: without symbols the report has addresses' functions
//! unknown, and says so.

pub mod disk;
mod elf;
pub mod kernel;
mod memory;
pub mod modules;
pub mod python;
pub mod user;
