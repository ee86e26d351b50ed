//! Chains of processes whose links wrote down what they did: the first one's
//! wait is blamed on exactly that.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Result;
use serde::Deserialize;
use waitscope_tests::report::{Account, Report};
use waitscope_tests::{audit, live};

/// A line of a chain's account.
#[derive(Debug, Deserialize)]
struct Entry {
    name: String,
    what: String,
    ns: u64,
}

struct Chain {
    written: Vec<Entry>,
    report: Report,
    stolen_ns: u64,
}

fn chain(name: &str) -> Result<Chain> {
    let dir = live::shared_dir()?;
    let (file, out) = (
        dir.path().join("written.jsonl"),
        dir.path().join("out.json"),
    );
    let mut run = live::waitscope()?;
    run.args(["run", "-o"]).arg(&out);
    // On one CPU the one that computes keeps the others from getting there at the same
    // time: what one wrote down, another has waited for.
    run.args(["--", "taskset", "-c", "0"]);
    run.arg(env!("CARGO_BIN_EXE_actor"))
        .args(["chain", name])
        .arg(&file);
    let before = live::stolen_ns()?;
    live::finish(&mut run)?.expect_code(0)?;
    let stolen_ns = live::stolen_ns()? - before;
    let text = fs::read_to_string(&file)?;
    let written = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let report = Report::read(&out)?;
    assert_eq!(audit::violations(&report), Vec::<String>::new());
    Ok(Chain {
        written,
        report,
        stolen_ns,
    })
}

/// The blame of one kind of wait by cause and detail.
fn blame(account: &Account, kind: &str) -> BTreeMap<(String, String), u64> {
    let of_kind = account.blame.iter().filter(|blame| blame.kind == kind);
    let row = |blame: &waitscope_tests::report::Blame| {
        let detail = blame.detail.clone().unwrap_or_default();
        ((blame.cause.clone(), detail), blame.ns)
    };
    of_kind.map(row).collect()
}

impl Chain {
    fn account(&self, comm: &str) -> Result<&Account> {
        Ok(&self.report.named(comm)?.account)
    }

    /// Timers have no name.
    fn written(&self, name: &str, what: &str) -> u64 {
        let named =
            |written: &&Entry| written.what == what && (what == "timer" || written.name == name);
        self.written
            .iter()
            .filter(named)
            .map(|written| written.ns)
            .sum()
    }

    /// What a link still computed when it had written down how much, the writing included, ns.
    fn after_writing_ns(&self, name: &str, written: u64) -> u64 {
        let threads = self.report.threads.iter().filter(|t| t.comm == name);
        let on_cpu: u64 = threads.map(|thread| thread.account.on_cpu_ns).sum();
        on_cpu.saturating_sub(written)
    }

    /// What `waiter`'s waits of `kind` are blamed on is what `name` wrote down.
    fn check(&self, waiter: &Account, kind: &str, cause: &str, name: &str) -> Result<()> {
        let blame = blame(waiter, kind);
        let ours = blame.iter().filter(|((c, detail), _)| {
            c == cause && (cause != "computing" || detail.contains(name))
        });
        let blamed: u64 = ours.map(|(_, ns)| ns).sum();
        assert!(blamed > 0, "{kind} on {cause} of {name}: {blame:?}");
        let written = self.written(name, cause);
        let allowed = written / 100 + 1_000_000 + self.stolen_ns;
        // A process that was kept from running did not wait for what the other did
        // meanwhile, and had the end of its sleep behind it.
        let threads = self.report.threads.iter();
        let kept_ns: u64 = threads.map(|thread| thread.account.runqueue_ns).sum();
        let after_ns = match cause {
            "computing" => self.after_writing_ns(name, written),
            _ => 0,
        };
        assert!(
            blamed <= written + after_ns + allowed && blamed + kept_ns + allowed >= written,
            "{kind} blamed {blamed} ns on {cause} of {name}, which wrote down {written}: {blame:?}"
        );
        Ok(())
    }
}

#[test]
fn a_childs_computing_sleeping_and_waiting_are_distinguished() -> Result<()> {
    let chain = chain("family")?;
    let root = chain
        .report
        .only("the root", |thread| thread.creator_tid.is_none())?;
    chain.check(&root.account, "child-exit", "computing", "b-child")?;
    chain.check(&root.account, "child-exit", "computing", "b-grandchild")?;
    chain.check(&root.account, "child-exit", "timer", "b-child")?;
    Ok(())
}

#[test]
fn five_hops_are_followed_to_their_end() -> Result<()> {
    let chain = chain("five")?;
    let root = chain
        .report
        .only("the root", |thread| thread.creator_tid.is_none())?;
    for hop in ["b-one", "b-two", "b-three", "b-four", "b-five"] {
        chain.check(&root.account, "pipe-read", "computing", hop)?;
    }
    Ok(())
}

#[test]
fn two_that_answer_each_other_are_blamed_for_their_own_part() -> Result<()> {
    let chain = chain("ping-pong")?;
    chain.check(chain.account("b-ping")?, "pipe-read", "computing", "b-pong")?;
    chain.check(chain.account("b-pong")?, "pipe-read", "computing", "b-ping")?;
    Ok(())
}

/// The packet comes by the sender's own softirq: the cause is the sender.
#[test]
fn a_server_on_the_loopback_device_is_the_cause_not_the_network() -> Result<()> {
    let chain = chain("loopback")?;
    let client = chain.account("b-client")?;
    chain.check(client, "socket-recv", "computing", "b-server")?;
    Ok(())
}
