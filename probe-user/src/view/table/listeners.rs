//! Listening sockets: what they dropped, how long their queues were, and what those that
//! accept did while one was full.

use std::{iter::zip, net::SocketAddr};

use probe_common::loss::Loss;

use super::calls::at_least;
use super::foot::{TEXT, label, more};
use super::page::{Page, Piece};
use crate::document::{Coverage, Document, Listener, WhileFull};
use crate::view::color::Style;
use crate::view::{sanitize, units};

/// Listeners that are named.
const MOST: usize = 4;

/// Things that acceptors did that are named.
const MOST_DONE: usize = 3;

/// A line or two per listener; those that nobody asked only where all is wanted.
pub(super) fn write(page: &mut Page, document: &Document, all: bool) {
    let listeners = document.listeners.as_deref().unwrap_or_default();
    let listed = listeners.iter().filter(|l| all || l.requests > 0);
    let listed: Vec<&Listener> = listed.collect();
    let most = if all { listed.len() } else { MOST };
    let names = names(&listed);
    for (at, (listener, name)) in zip(&listed, &names).take(most).enumerate() {
        let first = label(if at == 0 { "listeners" } else { "" });
        let pieces = sentence(name, listener, &document.coverage);
        page.flow(first, TEXT, ", ", pieces);
        let most_done = if all { usize::MAX } else { MOST_DONE };
        if let Some(pieces) = meanwhile(listener, most_done) {
            page.flow(label(""), TEXT, " ", pieces);
        }
    }
    more(page, listed.len(), most, ("listener", "listeners"));
}

/// `127.0.0.1:9418 (daemon): 14 dropped, queue 33 of 32 + 1 at most, full for 0.8 s,
/// 96 requests`.
fn sentence(name: &str, listener: &Listener, coverage: &Coverage) -> Vec<Piece> {
    let has_lost = coverage.has_lost(Loss::Request) || !listener.seen_whole;
    let (first, rest) = drops(listener, has_lost);
    let mut parts = vec![Piece::new(&format!("{name}: {}", first.0), first.1)];
    parts.extend(rest);
    let full = full(listener).unwrap_or_default();
    if let Some(queue) = queue(listener, has_lost) {
        parts.push(Piece::plain(&format!("{queue}{full}")));
    }
    // A limit of 0 is reached by a queue of none.
    if listener.syn_queue_max > 0 && (listener.syn_full > 0 || listener.syn_at_limit > 0) {
        let limit = listener.syn_limit_at_max.unwrap_or(listener.accept_limit);
        let most = at_most(&units::count(listener.syn_queue_max.into()), has_lost);
        let text = format!("SYN queue {most} (backlog {})", units::count(limit.into()));
        parts.push(Piece::new(&text, Style::Warning));
    }
    let requests = units::counted(listener.requests, "request", "requests");
    let mark = if has_lost { "≥ " } else { "" };
    parts.push(Piece::plain(&format!("{mark}{requests}")));
    parts
}

/// `, full for 365 µs to 25.1 ms`: what finds it otherwise may come late.
fn full(listener: &Listener) -> Option<String> {
    let most = units::time(listener.full_ns.filter(|&ns| ns > 0)?);
    let least = listener.full_certain_ns.map(units::time);
    Some(match least.filter(|least| *least != most) {
        Some(least) => format!(", full for {least} to {most}"),
        None => format!(", full for {most}"),
    })
}

/// `queue 3 of 2 + 1 at most`: the kernel lets one more in than the backlog says. Of a
/// listener that was not asked nothing is known of it.
fn queue(listener: &Listener, has_lost: bool) -> Option<String> {
    let limit = listener.accept_limit_at_max.or_else(|| {
        // Reports of earlier versions have that of the last request only.
        (listener.requests > 0).then_some(listener.accept_limit)
    })?;
    let one_more = match listener.accept_queue_max > limit {
        true => " + 1",
        false => "",
    };
    let most = units::count(listener.accept_queue_max.into());
    let limit = units::count(limit.into());
    let most = at_most(&format!("{most} of {limit}{one_more}"), has_lost);
    Some(format!("queue {most}"))
}

fn at_most(text: &str, has_lost: bool) -> String {
    match has_lost {
        true => format!("≥ {text}"),
        false => format!("{text} at most"),
    }
}

/// What each is called; of those that would be called alike, with what distinguishes them.
fn names(listeners: &[&Listener]) -> Vec<String> {
    let plain: Vec<String> = listeners.iter().map(|it| name(it, None)).collect();
    let named = listeners.iter().zip(&plain).map(|(listener, own)| {
        let alike = zip(listeners, &plain).filter(|(_, name)| *name == own);
        let alike: Vec<&Listener> = alike.map(|(it, _)| *it).collect();
        match alike.len() {
            1 => own.clone(),
            _ => name(listener, Some(&alike)),
        }
    });
    named.collect()
}

/// What was dropped, or that nothing was.
fn drops(listener: &Listener, has_lost: bool) -> ((String, Style), Vec<Piece>) {
    let count = |n| at_least(n, has_lost);
    // Reports of earlier versions have requests only.
    let overflows = match listener.dropped_accept.max(listener.dropped_syn) {
        0 => listener.overflows,
        _ => listener.dropped_accept,
    };
    let first = match overflows {
        0 if has_lost => ("no overflow seen".to_owned(), Style::Plain),
        0 => ("no overflow".to_owned(), Style::Plain),
        n => (format!("{} dropped", count(n)), Style::Warning),
    };
    let mut rest = Vec::new();
    if listener.dropped_syn > 0 {
        let text = format!(
            "{} dropped by a full SYN queue",
            count(listener.dropped_syn)
        );
        rest.push(Piece::new(&text, Style::Warning));
    }
    if let Some(cookies) = listener.cookies.filter(|&n| n > 0) {
        let text = format!("{} answered with SYN cookies", count(cookies));
        rest.push(Piece::new(&text, Style::Warning));
    }
    (first, rest)
}

/// `127.0.0.1:9418 (daemon)`, and beside others that are called so `(daemon, pid 7, network
/// namespace 4026531840)`.
fn name(listener: &Listener, others: Option<&[&Listener]>) -> String {
    let (family, port) = (listener.family, listener.port);
    let place = match listener.address {
        Some(address) => SocketAddr::new(address, port).to_string(),
        None => format!("family {family} port {port}"),
    };
    let comm = listener.comm.as_deref();
    let mut known: Vec<String> = comm
        .map(|comm| sanitize::text(comm).into_owned())
        .into_iter()
        .collect();
    let others = others.unwrap_or_default();
    if others.iter().any(|other| other.pid != listener.pid) {
        known.extend(listener.pid.map(|pid| format!("pid {pid}")));
    }
    if others.iter().any(|other| other.netns != listener.netns) {
        known.extend(
            listener
                .netns
                .map(|netns| format!("network namespace {netns}")),
        );
    }
    match known.is_empty() {
        true => place,
        false => format!("{place} ({})", known.join(", ")),
    }
}

/// `its 4 acceptors meanwhile: computing git-daemon 81 %, socket-recv for network 12 %`.
fn meanwhile(listener: &Listener, most: usize) -> Option<Vec<Piece>> {
    let times = listener.acceptors_did.iter().map(|did| did.ns);
    let all_ns = times.fold(0_u64, u64::saturating_add);
    if all_ns == 0 {
        return None;
    }
    let who = match listener.acceptors.len() {
        1 => "its acceptor".to_owned(),
        n => format!("its {} acceptors", units::count(n as u64)),
    };
    let done = listener.acceptors_did.iter().take(most);
    let parts: Vec<String> = done
        .filter_map(|did| Some(format!("{} {}", what(did), units::percent(did.ns, all_ns)?)))
        .collect();
    // Of interest as what was dropped is.
    let when = match listener.full_certain_ns.filter(|&ns| ns > 0) {
        Some(ns) => format!("in those {}", units::time(ns)),
        None => "meanwhile".to_owned(),
    };
    let mut pieces = Piece::words(&format!("{who} {when}:"), Style::Warning);
    pieces.extend(Piece::words(&parts.join(", "), Style::Plain));
    Some(pieces)
}

fn what(did: &WhileFull) -> String {
    let detail = did.detail.as_deref().map(sanitize::text);
    let detail = detail.map_or_else(String::new, |detail| format!(" {detail}"));
    let cause = format!("{}{detail}", did.cause.as_str());
    match did.wait {
        Some(kind) => format!("{} ({cause})", kind.as_str()),
        None => cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(requests: u64) -> Listener {
        Listener {
            address: Some([127, 0, 0, 1].into()),
            port: 80,
            family: 2,
            requests,
            accept_limit: 9,
            accept_queue_max: 3,
            accept_limit_at_max: (requests > 0).then_some(2),
            seen_whole: true,
            ..Listener::default()
        }
    }

    #[track_caller]
    fn check(listener: &Listener, expect: &str) {
        let mut page = Page::new(200, false);
        let pieces = sentence(&name(listener, None), listener, &Coverage::default());
        page.flow(label(""), 0, ", ", pieces);
        assert_eq!(page.render().trim(), expect);
    }

    #[test]
    fn listeners_have_room_for_one_more_than_their_backlog() {
        let text = "127.0.0.1:80: no overflow, queue 3 of 2 + 1 at most, 5 requests";
        check(&listener(5), text);
        let earlier = Listener {
            accept_limit_at_max: None,
            ..listener(5)
        };
        check(&earlier, &text.replace("3 of 2 + 1", "3 of 9"));
        // Nothing is known of a queue that nobody asked.
        check(&listener(0), "127.0.0.1:80: no overflow, 0 requests");
        let syn = Listener {
            syn_queue_max: 4,
            syn_full: 1,
            syn_limit_at_max: Some(2),
            cookies: Some(2),
            ..listener(5)
        };
        check(
            &syn,
            "127.0.0.1:80: no overflow, 2 answered with SYN cookies, queue 3 of 2 + 1 at most, \
             SYN queue 4 at most (backlog 2), 5 requests",
        );
    }

    #[test]
    fn listeners_that_were_not_watched_from_the_beginning_may_have_dropped_more() {
        let late = Listener {
            seen_whole: false,
            ..listener(5)
        };
        let text = "127.0.0.1:80: no overflow seen, queue ≥ 3 of 2 + 1, ≥ 5 requests";
        check(&late, text);
        let dropped = Listener {
            overflows: 4,
            dropped_accept: 4,
            ..late
        };
        check(&dropped, &text.replace("no overflow seen", "≥ 4 dropped"));
    }

    #[test]
    fn listeners_that_are_called_alike_are_distinguished() {
        let of = |pid, netns, port| Listener {
            comm: Some("nginx".to_owned()),
            pid,
            netns,
            port,
            ..listener(1)
        };
        let check = |listeners: &[Listener], expect: &[&str]| {
            let list: Vec<&Listener> = listeners.iter().collect();
            assert_eq!(names(&list), expect);
        };
        check(
            &[
                of(Some(7), Some(1), 80),
                of(Some(8), Some(1), 80),
                of(Some(7), Some(1), 81),
            ],
            &[
                "127.0.0.1:80 (nginx, pid 7)",
                "127.0.0.1:80 (nginx, pid 8)",
                "127.0.0.1:81 (nginx)",
            ],
        );
        check(
            &[of(None, Some(1), 80), of(None, Some(2), 80)],
            &[
                "127.0.0.1:80 (nginx, network namespace 1)",
                "127.0.0.1:80 (nginx, network namespace 2)",
            ],
        );
    }
}
