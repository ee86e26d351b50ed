//! What may be claimed of a whole run: that nothing goes wrong, how many processes there are,
//! and what it takes at most.

use super::{
    Candidate,
    bounds::{BYTES, TIMES},
    runs::{Asked, Runs},
    words::counted,
};
use crate::document::Document;

/// Threads that may be a herd.
const HERD: usize = 4;

/// All of them.
pub(super) fn candidates(runs: &Runs<'_>) -> Vec<Candidate> {
    let run = Whole(runs);
    let all = [
        run.exit_code(),
        run.failures(),
        run.crashes(),
        run.processes(),
        run.connections_made(),
        run.connections_failed(),
        run.overflows(),
        run.descriptors(),
        run.herds(),
        run.most("rss_peak", BYTES, 58, |most| {
            format!("no process takes more than {most} of memory")
        }),
        run.most("wall", TIMES, 57, |most| {
            format!("the run takes no longer than {most}")
        }),
        run.lost(),
    ];
    all.into_iter().flatten().collect()
}

struct Whole<'a>(&'a Runs<'a>);

fn candidate(id: &str, weight: i32, says: impl Into<String>, holds: String) -> Option<Candidate> {
    Some(Candidate {
        id: format!("run.{id}"),
        says: says.into(),
        holds,
        weight,
    })
}

impl Whole<'_> {
    fn ask(&self, name: &str) -> Option<Asked> {
        self.0.ask(&self.0.tree, name, &[])
    }

    /// What of these (name, argument) was 0 in every run, as a claim that it stays so.
    fn none_of(&self, metrics: &[(&str, &str)]) -> Option<String> {
        let asked = metrics.iter().filter_map(|&(name, word)| match word {
            "" => self.ask(name),
            word => self.0.ask_word(&self.0.tree, name, word),
        });
        let none = asked.filter(|asked| asked.hull.is(0.0));
        let none: Vec<String> = none.map(|asked| format!("{} == 0", asked.text)).collect();
        (!none.is_empty()).then(|| none.join(" and "))
    }

    fn exit_code(&self) -> Option<Candidate> {
        let asked = self.ask("exit_code")?;
        if asked.hull.lo != asked.hull.hi {
            return None;
        }
        let code = asked.hull.lo as u64;
        let says = match code {
            0 => "the command succeeds".to_owned(),
            _ => format!("the command ends with status {code}"),
        };
        candidate("exit-code", 97, says, format!("{} == {code}", asked.text))
    }

    fn failures(&self) -> Option<Candidate> {
        let asked = self.0.ask_word(&self.0.tree, "exits", "failed")?;
        let says = match asked.hull.invariant()? {
            0 => "no process fails".to_owned(),
            n => format!(
                "{}, as before",
                counted(n, "process fails", "processes fail")
            ),
        };
        let bounds = asked.hull.count()?;
        candidate("failures", 90, says, bounds.of(&asked.text))
    }

    fn crashes(&self) -> Option<Candidate> {
        let holds = self.none_of(&[("exits", "segv"), ("exits", "oom")])?;
        let says = "no process crashes or is killed for want of memory";
        candidate("crashes", 84, says, holds)
    }

    fn processes(&self) -> Option<Candidate> {
        let asked = self.ask("processes")?;
        let bounds = asked.hull.count()?;
        let says = match asked.hull.invariant() {
            Some(1) => "no other process is started".to_owned(),
            Some(number) => format!("the run has {number} processes in all"),
            None => "the run has about as many processes as before".to_owned(),
        };
        candidate("processes", 89, says, bounds.of(&asked.text))
    }

    fn connections_made(&self) -> Option<Candidate> {
        let asked = self.ask("connects")?;
        let bounds = asked.hull.count().filter(|_| self.connects())?;
        let says = match asked.hull.invariant() {
            Some(number) => counted(number, "connection is made", "connections are made"),
            None => "about as many connections are made as were".to_owned(),
        };
        candidate("connects", 70, says, bounds.of(&asked.text))
    }

    fn connections_failed(&self) -> Option<Candidate> {
        let metrics = [("connects_failed", ""), ("syn_retransmits", "")];
        let holds = self.none_of(&metrics).filter(|_| self.connects())?;
        let says = "no connection fails or has to ask twice";
        candidate("connects-failed", 88, says, holds)
    }

    fn overflows(&self) -> Option<Candidate> {
        let listens = |document: &Document| document.listeners.iter().flatten().next().is_some();
        let metrics = [("overflows", ""), ("syn_drops", "")];
        let holds = self.none_of(&metrics).filter(|_| self.0.all(listens))?;
        candidate("overflows", 86, "no listen queue overflows", holds)
    }

    fn connects(&self) -> bool {
        let connects = |document: &Document| document.connections.iter().flatten().next().is_some();
        self.0.all(connects)
    }

    fn descriptors(&self) -> Option<Candidate> {
        let asked = self.ask("fd_growth").filter(|asked| asked.hull.is(0.0))?;
        let says = "no process leaks descriptors as it runs";
        candidate("descriptors", 75, says, format!("{} == 0/s", asked.text))
    }

    fn herds(&self) -> Option<Candidate> {
        let is_many = |document: &Document| document.threads.len() >= HERD;
        let holds = self.none_of(&[("herd_wakes", "")]);
        let holds = holds.filter(|_| self.0.all(is_many))?;
        candidate("herds", 72, "no event wakes many for one", holds)
    }

    fn most(
        &self,
        name: &str,
        units: &[(&str, f64)],
        weight: i32,
        says: impl Fn(&str) -> String,
    ) -> Option<Candidate> {
        let asked = self.ask(name)?;
        let bounds = asked.hull.at_most(units)?;
        let says = says(bounds.number());
        candidate(name, weight, says, bounds.of(&asked.text))
    }

    fn lost(&self) -> Option<Candidate> {
        let holds = self.none_of(&[("lost", "")])?;
        candidate("lost", 80, "no record of the run is lost", holds)
    }
}
