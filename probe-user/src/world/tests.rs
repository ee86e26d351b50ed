//! Tests of the world, by the report it leads to: records in, document out.

mod account;
mod blame;
mod concurrency;
mod timeline;

mod births;
mod calls;
mod exec;
mod gil;
mod horizon;
mod listeners;
mod losses;
mod processes;
mod reports;
mod snapshots;
mod stories;
mod waits;
mod wakers;

mod history;
mod properties;
