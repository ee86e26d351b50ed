//! Invents the history of the repositories, as `git fast-import` streams.
//!
//! Everything follows from (repository, file, version), so every run transfers
//! the same objects. A file is a list of chunks of source-like lines, and a new
//! version rewrites about half of them: deltas and compression then behave as
//! with real code.

use std::io::Write as _;

/// The branch that gitsync follows.
pub(crate) const TRUNK: &str = "refs/heads/main";

const LINES_PER_CHUNK: u64 = 40;
const MOST_CHUNKS: u64 = 48;
const FIRST_COMMIT_TIME_S: u64 = 1_700_000_000;
const S_BETWEEN_COMMITS: u64 = 3_600;
/// More than any part of a history has, so that times and versions never clash.
const COMMITS_PER_PART: u64 = 100;

/// The invented history of one repository.
pub(crate) struct History {
    repository: u64,
}

impl History {
    pub(crate) fn new(repository: u64) -> Self {
        Self { repository }
    }

    /// Some commits on the trunk, and two branches that left it on the way.
    pub(crate) fn beginning(&self) -> Vec<u8> {
        let mut stream = Vec::new();
        let commits = 6 + self.pick(&[1], 10);
        for version in 0..commits {
            let files = (0..4).map(|file| version * 2 + file);
            self.commit(&mut stream, TRUNK, version, "", files);
            for (branch, leaves_at) in [("topic", commits / 2), ("release", commits - 1)] {
                if version == leaves_at {
                    let name = format!("refs/heads/{branch}");
                    let own = COMMITS_PER_PART / 2 + leaves_at;
                    self.commit(&mut stream, &name, own, TRUNK, 0..3);
                }
            }
        }
        stream
    }

    /// Whether the trunk moves in this round; a few repositories rest each time.
    pub(crate) fn moves_in(&self, round: u64) -> bool {
        (self.repository + round) % 6 != 5
    }

    /// The trunk's new commits of a round (1, 2, …).
    pub(crate) fn continuation(&self, round: u64) -> Vec<u8> {
        let mut stream = Vec::new();
        for commit in 0..2 + self.pick(&[2, round], 3) {
            let version = round * COMMITS_PER_PART + commit;
            let parent = if commit == 0 { "refs/heads/main^0" } else { "" };
            let first = self.pick(&[3, version], 12);
            let count = 3 + self.pick(&[4, version], 10);
            self.commit(&mut stream, TRUNK, version, parent, first..first + count);
        }
        stream
    }

    /// One commit; an empty parent continues the branch within this stream.
    fn commit(
        &self,
        stream: &mut Vec<u8>,
        branch: &str,
        version: u64,
        parent: &str,
        files: impl Iterator<Item = u64>,
    ) {
        let time = FIRST_COMMIT_TIME_S + version * S_BETWEEN_COMMITS;
        let mut head = format!(
            "commit {branch}\ncommitter waitscope demo <demo@example.invalid> {time} +0000\n"
        );
        head += &sized(&format!("Change number {version}\n"));
        if !parent.is_empty() {
            head += &format!("from {parent}\n");
        }
        stream.extend(head.bytes());
        for file in files {
            let text = self.file(file, version);
            stream.extend(format!("M 100644 inline src/part{file:02}.rs\n").bytes());
            stream.extend(sized(&text).bytes());
        }
        stream.push(b'\n');
    }

    /// A file's text at a version.
    fn file(&self, file: u64, version: u64) -> String {
        let mut text = Vec::new();
        for chunk in 0..1 + self.pick(&[5, file], MOST_CHUNKS) {
            let written_at = self.last_rewrite(file, chunk, version);
            for line in 0..LINES_PER_CHUNK {
                let word = self.pick(&[6, file, chunk, written_at, line], u64::MAX);
                let (name, value) = (word >> 48, word & 0xffff_ffff);
                // Writing to a Vec does not fail.
                let _ = writeln!(text, "    let part_{name:x} = step(0x{value:08x}, {line});");
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The newest version, up to this one, that rewrote the chunk.
    fn last_rewrite(&self, file: u64, chunk: u64, version: u64) -> u64 {
        (0..=version)
            .rev()
            .take(COMMITS_PER_PART as usize)
            .find(|at| self.pick(&[7, file, chunk, *at], 2) == 0)
            .unwrap_or(0)
    }

    /// A number below `limit` that depends on this repository and the key only.
    fn pick(&self, key: &[u64], limit: u64) -> u64 {
        let mixed = key
            .iter()
            .fold(mix(self.repository), |state, part| mix(state ^ mix(*part)));
        mixed % limit
    }
}

/// The finaliser of splitmix64.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// fast-import's `data` command.
fn sized(text: &str) -> String {
    format!("data {}\n{text}\n", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commits(stream: &[u8]) -> usize {
        String::from_utf8_lossy(stream)
            .lines()
            .filter(|line| line.starts_with("commit refs/"))
            .count()
    }

    #[test]
    fn the_same_repository_always_gets_the_same_history() {
        for repository in 0..4 {
            let (one, other) = (History::new(repository), History::new(repository));
            assert_eq!(one.beginning(), other.beginning());
            assert_eq!(one.continuation(3), other.continuation(3));
        }
        assert_ne!(History::new(1).beginning(), History::new(2).beginning());
    }

    #[test]
    fn every_round_moves_most_repositories_by_a_few_commits() {
        for round in 1..=4 {
            let histories: Vec<History> = (0..24).map(History::new).collect();
            let moving = histories.iter().filter(|h| h.moves_in(round));
            assert_eq!(moving.count(), 20, "round {round}");
            for history in &histories {
                let stream = history.continuation(round);
                assert!((2..=4).contains(&commits(&stream)));
                assert!(stream.len() > 50_000, "{} bytes", stream.len());
            }
        }
    }

    #[test]
    fn a_new_version_keeps_part_of_a_file() {
        let history = History::new(0);
        let (old, new) = (history.file(3, 200), history.file(3, 201));
        let kept = old.lines().filter(|line| new.contains(line)).count();
        let lines = old.lines().count();
        assert_ne!(old, new);
        assert!(kept > 0 && kept < lines, "{kept} of {lines} lines kept");
    }
}
