//! Claims that come with waitscope: what engineers say about waiting, threads, descriptors
//! and listen queues, each claim with a run of its own and a control where it is not so. A
//! pack is a claim file like another.

/// One of them.
#[derive(Debug)]
pub struct Pack {
    /// As `--pack` names it.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    /// The file.
    pub text: &'static str,
}

macro_rules! pack {
    ($name:literal, $about:literal) => {
        Pack {
            name: $name,
            about: $about,
            text: include_str!(concat!("../../packs/", $name, ".toml")),
        }
    };
}

/// All of them.
pub const PACKS: [Pack; 5] = [
    pack!(
        "gitsync",
        "a pool of Python threads that run git: give it as `-- CMD` or run=FILE"
    ),
    pack!(
        "threads-or-processes",
        "what threads and processes of Python cost, and what they do at once"
    ),
    pack!(
        "sleepers",
        "what many sleeping threads cost, and what does cost"
    ),
    pack!(
        "production",
        "symptoms of production and their causes: as root, it makes control groups"
    ),
    pack!("herds", "many processes that wait for one socket"),
];

/// The pack of a name.
pub fn find(name: &str) -> Option<&'static Pack> {
    PACKS.iter().find(|pack| pack.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::claim::file::{self, Given};

    #[test]
    fn every_pack_is_a_claim_file_whose_script_its_runs_start() {
        let mut ids = BTreeSet::new();
        for pack in &PACKS {
            let file = file::read(pack.text, Given::None).map_err(|errors| format!("{errors:?}"));
            let file = file.unwrap();
            assert!(file.claims.iter().all(|claim| ids.insert(claim.id.clone())));
            let script = file.script.as_deref().unwrap_or_default();
            for run in file.runs.iter().filter(|run| !run.command.is_empty()) {
                assert_eq!(run.command[..2], ["python3", file::SCRIPT], "{}", run.name);
                assert!(script.contains(&run.command[2]), "{}", run.name);
            }
        }
        assert!(ids.len() > 50, "{}", ids.len());
    }

    /// Of which no workload can show the opposite.
    const WITHOUT_CONTROL: &[&str] = &["C5"];

    #[test]
    fn every_claim_has_a_control_on_other_runs() {
        for pack in &PACKS {
            let file = file::read(pack.text, Given::None).unwrap();
            let holds = |id: &str| {
                let claim = file.claims.iter().find(|claim| claim.id == id)?;
                Some(&pack.text[claim.holds_span.clone()])
            };
            let ids = file.claims.iter().map(|claim| claim.id.as_str());
            let claims = ids.filter(|id| !id.ends_with("-control"));
            for id in claims.filter(|id| !WITHOUT_CONTROL.contains(id)) {
                let control = holds(&format!("{id}-control"));
                assert!(control.is_some() && control != holds(id), "{id}");
            }
        }
    }
}
