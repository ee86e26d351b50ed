//! Tests of the world, by the report it leads to: records in, document out.

mod account;
mod begin;
mod blame;
mod concurrency;
mod timeline;
mod traces;

mod births;
mod calls;
mod claims;
mod connections;
mod draft;
mod exec;
mod fd_tables;
mod filters;
mod gil;
mod growth;
mod horizon;
mod listeners;
mod losses;
mod memory;
mod processes;
mod reports;
mod run_queues;
mod snapshots;
mod stacks;
mod stories;
mod top;
mod user_stacks;
mod waits;
mod wakers;
mod windows;

mod history;
mod properties;
pub(crate) mod recorded;
