//! Herds, by the wakings and runs of workers that one thread wakes.

use probe_common::{kernel_return::function, sched::waker};

use super::run;
use crate::{
    document::{Document, Herd},
    vocabulary::WaitKind,
    wire::{
        session::Tier,
        tests::{
            frames,
            probes::{By, Out, Probes, TaskId, Who},
        },
    },
};

const EPOLL: i16 = 232;
const FUTEX: i16 = 202;
const NANOSLEEP: i16 = 35;
const WORKERS: u32 = 8;
const US: u64 = 1_000;

/// Workers, processes of their own, that sleep in a call; and thread 1, which runs.
struct Scene {
    probes: Probes,
    client: TaskId,
    workers: Vec<TaskId>,
    /// What they sleep in.
    place: Out,
}

fn scene(nr: i16) -> Scene {
    let mut probes = Probes::default();
    let who = |tid| Who {
        tid,
        pid: tid,
        ppid: 1,
        comm: "server",
    };
    let place = Out {
        arg0: 0x1000,
        ..Out::sleep(nr)
    };
    let client = probes.seed(
        US,
        who(1),
        Out::default(),
        probe_common::task::snapshot::ON_CPU,
    );
    let workers = (0..WORKERS).map(|n| probes.fork(US, 1, 0, who(10 + n)));
    let workers: Vec<TaskId> = workers.collect();
    for &worker in &workers {
        probes.wake_new(2 * US, worker, &By::task(1, 56));
        probes.switch(3 * US, None, Some(worker));
        probes.switch(4 * US, Some((worker, place)), None);
    }
    Scene {
        probes,
        client,
        workers,
        place,
    }
}

/// Thread 1, in the delivery of a packet that it sent.
fn client() -> By {
    By {
        flags: waker::CONTEXT_KNOWN
            | waker::TRACED
            | waker::SOFTIRQ
            | waker::NET_RX
            | waker::SENDER,
        ..By::task(1, 42)
    }
}

impl Scene {
    /// Wakes workers one µs after the other, and lets each run so many µs, one after the
    /// other, and wait again.
    fn event(&mut self, at_us: u64, by: &By, runs_us: &[u64]) {
        let place = self.place;
        self.event_then(at_us, by, runs_us, |_| place);
    }

    /// The same; they stop as `then` says.
    fn event_then(&mut self, at_us: u64, by: &By, runs_us: &[u64], then: impl Fn(usize) -> Out) {
        let mut now = at_us * US;
        for n in 0..runs_us.len() {
            self.probes.waking(now, self.workers[n], by);
            now += US;
        }
        for (n, run_us) in runs_us.iter().enumerate() {
            self.probes.switch(now, None, Some(self.workers[n]));
            now += run_us * US;
            self.probes
                .switch(now, Some((self.workers[n], then(n))), None);
        }
    }

    fn report(&self) -> Document {
        let mut probes = self.probes.clone();
        probes.switch(1_000_000 * US, Some((self.client, Out::preempted())), None);
        run::cut(&probes.records)
    }

    fn herds(&self) -> Vec<Herd> {
        self.report().herds.expect("wakers are known")
    }
}

/// Wakes, useful ones, wasted ones and events of the only herd.
#[track_caller]
fn check(scene: &Scene, expected: (u64, u64, u64, u64)) {
    let herds = scene.herds();
    let counts = |h: &Herd| (h.wakes, h.useful, h.wasted, h.events);
    let counts: Vec<_> = herds.iter().map(counts).collect();
    assert_eq!(counts, [expected]);
}

#[track_caller]
fn check_none(scene: &Scene) {
    assert_eq!(scene.herds(), []);
}

const ONE_WORKS: [u64; 8] = [5, 5, 200, 5, 5, 5, 5, 5];

#[test]
fn herds_one_event_that_wakes_all_for_the_work_of_one() {
    let mut scene = scene(EPOLL);
    scene.event(1_000, &client(), &ONE_WORKS);
    scene.event(9_000, &client(), &ONE_WORKS[..6]);
    let [herd] = <[Herd; 1]>::try_from(scene.herds()).expect("one");
    assert_eq!(
        herd,
        Herd {
            object: "epoll of server (8 processes)".to_owned(),
            kind: WaitKind::Epoll,
            wakes: 14,
            useful: 2,
            wasted: 12,
            events: 2,
            fan_out_max: 8,
            wasted_cpu_ns: 12 * 5 * US,
            waker_ns: (7 + 5) * US,
            waker: "server".to_owned(),
            exclusive: None,
            advice: Some("EPOLLEXCLUSIVE or SO_REUSEPORT would wake one".to_owned()),
        }
    );
}

#[test]
fn herds_of_a_futex_that_all_run_equally_long_are_given_no_advice() {
    let check = |runs_us: [u64; 8], is_advised| {
        let mut scene = scene(FUTEX);
        scene.event(1_000, &By::task(1, FUTEX), &runs_us);
        let [herd] = <[Herd; 1]>::try_from(scene.herds()).expect("one");
        let advice = herd.advice.unwrap_or_default();
        assert_eq!(advice.starts_with("if one can do"), is_advised, "{advice}");
    };
    check(ONE_WORKS, true);
    check([5, 5, 40, 5, 5, 5, 5, 5], true);
    check([20, 25, 40, 22, 30, 25, 20, 25], false);
}

#[test]
fn herds_many_that_all_have_something_to_do_are_none() {
    let mut scene = scene(FUTEX);
    scene.event(1_000, &By::task(1, FUTEX), &[200; 8]);
    // Neither if half of them have.
    scene.event(
        9_000,
        &By::task(1, FUTEX),
        &[200, 200, 200, 200, 5, 5, 5, 5],
    );
    check_none(&scene);
}

#[test]
fn herds_events_of_their_own_that_wake_one_each_are_none() {
    let mut scene = scene(EPOLL);
    for n in 0..40 {
        scene.event(1_000 + 100 * n, &client(), &[5]);
        scene.workers.rotate_left(1);
    }
    check_none(&scene);
}

#[test]
fn herds_two_that_are_woken_are_none() {
    let mut scene = scene(EPOLL);
    scene.event(1_000, &client(), &[5, 5]);
    check_none(&scene);
}

#[test]
fn herds_of_a_context_the_next_is_one_for_whom_the_first_slept_too_late() {
    let mut scene = scene(EPOLL);
    // The same waker, and no pause: but all are woken again.
    scene.event(1_000, &client(), &[1; 5]);
    scene.event(1_011, &client(), &[1; 5]);
    check(&scene, (10, 2, 8, 2));
}

#[test]
fn herds_where_none_shows_anything_the_longest_run_counts() {
    let mut scene = scene(EPOLL);
    scene.event(1_000, &client(), &[5, 5, 5, 30, 5]);
    check(&scene, (5, 1, 4, 1));
    assert_eq!(scene.herds()[0].wasted_cpu_ns, 20 * US);
}

#[test]
fn herds_who_waits_elsewhere_has_something_to_show() {
    let mut scene = scene(EPOLL);
    let place = scene.place;
    let elsewhere = |n| if n < 4 { Out::sleep(NANOSLEEP) } else { place };
    scene.event_then(1_000, &client(), &[5; 8], elsewhere);
    check_none(&scene);
}

#[test]
fn herds_a_lock_in_between_is_nothing_to_show() {
    let mut scene = scene(EPOLL);
    let lock = Out {
        arg0: 0x2000,
        ..Out::sleep(FUTEX)
    };
    scene.event_then(1_000, &client(), &ONE_WORKS, |_| lock);
    for n in 0..8 {
        let at = (2_000 + 100 * n as u64) * US;
        let (worker, place) = (scene.workers[n], scene.place);
        scene.probes.waking(at, worker, &By::task(1, FUTEX));
        scene.probes.switch(at + US, None, Some(worker));
        scene
            .probes
            .switch(at + 2 * US, Some((worker, place)), None);
        // The next wait shows where it was.
        scene.probes.waking(at + 9_000 * US, worker, &client());
        scene.probes.switch(at + 9_001 * US, None, Some(worker));
        scene
            .probes
            .switch(at + 9_002 * US, Some((worker, place)), None);
    }
    check(&scene, (8, 1, 7, 1));
}

#[test]
fn herds_who_wakes_somebody_elsewhere_has_something_to_show() {
    let mut scene = scene(EPOLL);
    let who = Who {
        tid: 99,
        pid: 99,
        ppid: 1,
        comm: "client",
    };
    let reader = scene.probes.seed(US, who, Out::sleep(45), 0);
    scene.event(1_000, &client(), &[5, 40, 5, 5, 5]);
    // While the first of them runs.
    scene.probes.waking(1_006 * US, reader, &By::task(10, 1));
    scene.probes.switch(1_007 * US, None, Some(reader));
    check(&scene, (5, 1, 4, 1));
    // Else the longest run would count.
    assert_eq!(scene.herds()[0].wasted_cpu_ns, 55 * US);
}

#[test]
fn herds_timeouts_and_what_is_not_verified_are_none() {
    let mut scene = scene(EPOLL);
    let timer = By {
        tid: 1,
        flags: waker::CONTEXT_KNOWN | waker::TRACED | waker::HARDIRQ,
        waker_stack: frames::stack("try_to_wake_up hrtimer_wakeup asm_sysvec_apic_timer_interrupt"),
        ..By::default()
    };
    scene.event(1_000, &timer, &[5; 8]);
    check_none(&scene);
    let unknown = By {
        flags: waker::TRACED,
        ..By::task(1, 1)
    };
    for n in 0..10 {
        scene.event(2_000 + 100 * n, &unknown, &[5; 8]);
    }
    assert_eq!(scene.report().herds, None);
}

#[test]
fn herds_a_barrier_is_none() {
    let mut scene = scene(FUTEX);
    // The last that comes wakes the others, and waits with them the next time.
    for round in 0..4 {
        let last = 10 + WORKERS - 1;
        scene.event(1_000 + 100 * round, &By::task(last, FUTEX), &[5; 7]);
        let (at, worker) = ((1_080 + 100 * round) * US, scene.workers[7]);
        scene.probes.waking(at, worker, &By::task(10, FUTEX));
        scene.probes.switch(at + 1, None, Some(worker));
        let place = scene.place;
        scene.probes.switch(at + US, Some((worker, place)), None);
    }
    check_none(&scene);
}

#[test]
fn herds_what_was_lost_counts_nowhere() {
    let mut scene = scene(EPOLL);
    let before = scene.probes.records.len();
    scene.event(1_000, &client(), &ONE_WORKS);
    scene.event(9_000, &client(), &[5; 8]);
    // Where the first runs of the first two of them end: it is not known what these did,
    // nor where they waited.
    scene.probes.records.remove(before + 3);
    scene.probes.records.remove(before + 1);
    check(&scene, (12, 2, 10, 2));
}

#[test]
fn herds_interrupts_of_different_cpus_are_different_contexts() {
    // Packets that wake two each, at the same time.
    let packets = |cpus: u32| {
        let mut scene = scene(EPOLL);
        for n in 0..6 {
            let by = By {
                flags: waker::CONTEXT_KNOWN | waker::SOFTIRQ | waker::NET_RX,
                ..By::task(500 + n % cpus, -1)
            };
            let (at, worker) = ((1_000 + u64::from(n)) * US, scene.workers[n as usize]);
            scene.probes.waking(at, worker, &by);
        }
        for n in 0..6 {
            let (at, worker, place) = ((1_100 + 9 * n as u64) * US, scene.workers[n], scene.place);
            scene.probes.switch(at, None, Some(worker));
            scene
                .probes
                .switch(at + 5 * US, Some((worker, place)), None);
        }
        scene
    };
    check_none(&packets(3));
    check(&packets(1), (6, 1, 5, 1));
    assert_eq!(packets(1).herds()[0].waker, "network");
}

#[test]
fn herds_where_most_sleep_on_are_none() {
    let mut scene = scene(EPOLL);
    // Packets for four of eight, one after the other.
    scene.event(1_000, &client(), &[5; 4]);
    check_none(&scene);
    scene.event(2_000, &client(), &[5; 5]);
    check(&scene, (5, 1, 4, 1));
}

#[test]
fn herds_a_call_that_did_not_return_was_in_vain_however_long_it_took() {
    let mut scene = scene(EPOLL);
    for &worker in &scene.workers[..5] {
        // Returns are seen.
        let probes = &mut scene.probes;
        probes.waking(500 * US, worker, &By::task(1, 1));
        probes.switch(501 * US, None, Some(worker));
        probes.returned(502 * US, worker, function::EPOLL, 3 * US + 1, 1);
        probes.switch(700 * US, Some((worker, scene.place)), None);
    }
    scene.event(1_000, &client(), &[300; 5]);
    check(&scene, (5, 1, 4, 1));
}

#[test]
fn herds_are_found_on_every_tier() {
    let mut scene = scene(EPOLL);
    scene.event(1_000, &client(), &ONE_WORKS);
    for tier in [Tier::Full, Tier::Tracepoint, Tier::Raw] {
        let mut analysis = run::begun_on(tier);
        analysis.batch(&run::batch(&scene.probes.records));
        let herds = analysis.document().herds.expect("herds");
        assert_eq!(herds.len(), 1);
    }
}
