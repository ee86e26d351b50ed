//! Entries of `/etc/passwd`.

use std::fs;

use anyhow::{Context, Result};

/// One user.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names are those of passwd(5)")]
pub struct User {
    pub name: String,
    pub uid: String,
    pub gid: String,
    pub home: String,
    pub shell: String,
}

/// The entry of a user that every system has.
pub fn user(name: &str) -> Result<User> {
    let text = fs::read_to_string("/etc/passwd")?;
    let fields = text
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.len() == 7 && fields[0] == name)
        .with_context(|| format!("no user {name}"))?;
    Ok(User {
        name: fields[0].into(),
        uid: fields[2].into(),
        gid: fields[3].into(),
        home: fields[5].into(),
        shell: fields[6].into(),
    })
}
