//! The report as tables for DuckDB, Spark or ClickHouse: one Parquet file a table and run,
//! below the folders that such programs take host and run from ([`Partition`]).
//! `docs/parquet.md` says what is in every column; a test holds it to that.
//!
//! Columns are data: a name, a kind, and what a row has there. Text of other processes is in
//! here as it is, as values of type string. What is not known is NULL.

mod column;
mod descriptors;
mod intervals;
mod partition;
mod path;
mod processes;
mod run;
mod sockets;
mod sums;
#[cfg(test)]
mod tests;
mod threads;
mod waits;

use std::io::Write;

pub use self::partition::Partition;
use crate::document::Document;

/// Version of the tables. Columns and tables are added under the same one; it goes up when
/// one of them changes its meaning or goes.
pub const VERSION: u32 = 1;

/// Where a table is written to.
pub type Sink<'a> = &'a mut (dyn Write + Send);

/// A table could not be written.
pub type Error = parquet::errors::ParquetError;

/// One table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name, and that of its folder.
    pub name: &'static str,
    write: fn(&Document, Sink<'_>) -> Result<(), Error>,
    #[cfg(test)]
    columns: fn() -> Vec<(&'static str, &'static str)>,
}

macro_rules! tables {
    ($($name:literal: $module:path,)+) => {
        /// All of them. Who finds a row of the last one finds the whole run.
        pub const TABLES: &[Table] = &[$(Table {
            name: $name,
            write: {
                use $module as module;
                |document, to| column::write(&module::columns(), module::rows(document), to)
            },
            #[cfg(test)]
            columns: {
                use $module as module;
                || column::described(&module::columns())
            },
        },)+];
    };
}

tables! {
    "threads": self::threads,
    "processes": self::processes,
    "groups": self::threads::groups,
    "waits": self::waits,
    "intervals": self::intervals,
    "wakes": self::intervals::wakes,
    "hops": self::path,
    "sockets": self::sockets,
    "descriptors": self::descriptors,
    "losses": self::run::losses,
    "runs": self::run,
}

impl Table {
    /// Writes the table of one run.
    pub fn write(&self, document: &Document, to: Sink<'_>) -> Result<(), Error> {
        (self.write)(document, to)
    }
}
