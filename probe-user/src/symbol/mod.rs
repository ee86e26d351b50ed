//! Late and optional: without symbols the report has addresses' functions
//! unknown, and says so.

pub mod kernel;
