//! Tests of type information and of what is made of it, on BTF made here:
//! never on the machine's own.

mod builder;

mod btf;
mod hostile;
mod layout;
mod symbols;
