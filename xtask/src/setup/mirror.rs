//! Where this machine gets Debian from, and with it the suites that guests need.

use std::cell::OnceCell;

use anyhow::{Context as _, Result};

use crate::setup::Apt;
use crate::vm::files;
use crate::workspace::Workspace;

/// Debian's own keys sign every suite that guests come from: older and newer
/// suites than the machine's are trusted by the same keyring, and none without.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// One line per list that apt downloads.
const FIELDS: &str = "$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)";

/// Where this machine gets Debian from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    /// The archive's address.
    archive: String,
    /// The security updates', if the machine has them.
    security: Option<String>,
    /// The machine's own suite.
    pub(crate) own: String,
}

/// Finds out where packages come from when the first is needed: with a filled
/// cache never.
pub(crate) struct DebianSource<'a> {
    pub(crate) workspace: &'a Workspace,
    mirror: OnceCell<Mirror>,
}

impl<'a> DebianSource<'a> {
    pub(crate) fn new(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            mirror: OnceCell::new(),
        }
    }

    pub(crate) fn mirror(&self) -> Result<&Mirror> {
        if let Some(known) = self.mirror.get() {
            return Ok(known);
        }
        let found = Mirror::find(self.workspace)?;
        Ok(self.mirror.get_or_init(|| found))
    }
}

impl Mirror {
    /// Asks apt, which knows every format that sources are written in.
    fn find(workspace: &Workspace) -> Result<Self> {
        let folder = files::cache(workspace).join("fetch/machine");
        files::empty(&folder)?;
        // Only the lists say whose an archive is.
        let told = Apt::of_machine(&folder)?.lists(FIELDS)?;
        files::remove(&folder)?;
        Self::parse(&told)
            .context("guests run Debian's kernels, and apt has no Debian archive here")
    }

    fn parse(told: &str) -> Option<Self> {
        let lists: Vec<[&str; 4]> = told
            .lines()
            .filter_map(|line| line.split('|').collect::<Vec<_>>().try_into().ok())
            .filter(|[origin, ..]: &[&str; 4]| *origin == "Debian")
            .collect();
        let [_, _, own, archive] = lists
            .iter()
            .find(|[_, label, name, _]| *label == "Debian" && !name.contains('-'))?;
        let security = lists
            .iter()
            .find(|[_, label, ..]| *label == "Debian-Security");
        Some(Self {
            archive: (*archive).to_owned(),
            security: security.map(|[.., address]| (*address).to_owned()),
            own: (*own).to_owned(),
        })
    }

    /// A line for the sources.
    pub(crate) fn suite(&self, suite: &str) -> String {
        source(&self.archive, suite)
    }

    pub(crate) fn security(&self, suite: &str) -> Option<String> {
        let address = self.security.as_ref()?;
        Some(source(address, &format!("{suite}-security")))
    }
}

fn source(address: &str, suite: &str) -> String {
    format!("deb [signed-by={KEYRING}] {address} {suite} main")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "\
        Debian|Debian Backports|bookworm-backports|http://a.invalid/debian/\n\
        Node|Node|nodistro|http://n.invalid/\n\
        Debian|Debian|bookworm-updates|http://a.invalid/debian/\n\
        Debian|Debian|bookworm|http://a.invalid/debian/\n\
        Debian|Debian-Security|bookworm-security|http://s.invalid/debian-security/\n";

    #[test]
    fn the_machine_says_where_debian_is() {
        let mirror = Mirror::parse(TOLD).unwrap();
        assert_eq!(mirror.own, "bookworm");
        assert_eq!(
            mirror.suite("sid"),
            format!("deb [signed-by={KEYRING}] http://a.invalid/debian/ sid main")
        );
        assert_eq!(
            mirror.security("bullseye").unwrap(),
            format!(
                "deb [signed-by={KEYRING}] http://s.invalid/debian-security/ \
                 bullseye-security main"
            )
        );
    }

    #[test]
    fn a_machine_without_security_updates_has_none_to_offer() {
        let told = "Debian|Debian|trixie|http://a.invalid/debian/\n";
        let mirror = Mirror::parse(told).unwrap();
        assert_eq!(mirror.security("bullseye"), None);
    }

    #[test]
    fn another_distribution_is_no_source() {
        let told = "Ubuntu|Ubuntu|noble|http://u.invalid/ubuntu/\n$(ORIGIN)|a\n";
        assert_eq!(Mirror::parse(told), None);
    }
}
