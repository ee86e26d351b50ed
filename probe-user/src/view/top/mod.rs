//! The screen of `waitscope top`, and its plain tables: everything that shows ticks, made of
//! [`Tick`](crate::document::top::Tick)s alone. No clock, no terminal: keys come in by
//! [`Model::on_key`], and a frame is drawn by [`Model::draw`].
//!
//! In reading order: a tick and what follows from it ([`moment`], [`words`], [`history`]), which
//! lines there are ([`filter`], [`rows`], [`groups`]), what stands in them ([`columns`],
//! [`text`], [`head`], [`pages`], [`help`]), what is selected and what keys do ([`model`],
//! [`keys`]), and the two ways to show it ([`draw`], [`batch`]).

pub mod history;
pub mod moment;
pub mod words;

pub mod filter;
pub mod groups;
pub mod rows;

pub mod columns;
pub mod head;
pub mod help;
pub mod pages;
pub mod text;

pub mod input;
mod keys;
pub mod model;
mod mouse;

pub mod batch;
mod draw;

#[cfg(test)]
mod tests;

pub use model::{Action, Files, Model};
