//! `waitscope top` for a long time, while processes come and go: it takes no more memory,
//! descriptors and places in its maps than it did a while ago.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use aya::maps::{HashMap, Map, MapData, loaded_maps};
use serde_json::Value;
use waitscope_tests::live;
use waitscope_tests::ticks::Killed;

/// How long that is, s; `WAITSCOPE_SOAK_S` sets another time.
const USUALLY_S: u64 = 180;
/// Processes a second.
const RATE: &str = "200";
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(3);

/// What waitscope takes at a moment.
#[derive(Clone, Copy, Debug)]
struct Taken {
    resident_bytes: u64,
    descriptors: usize,
    /// Places that are taken in the probes' maps of tasks and of sockets.
    places: usize,
}

impl Taken {
    fn by(pid: u32) -> Result<Taken> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(Taken {
            resident_bytes: kib.context("RssAnon")?.parse::<u64>()? << 10,
            descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
            places: places()?,
        })
    }

    /// Of two looks: most of all but descriptors, of which some are open for a moment only.
    fn with(self, other: Option<Taken>) -> Taken {
        let Some(other) = other else { return self };
        Taken {
            resident_bytes: self.resident_bytes.max(other.resident_bytes),
            descriptors: self.descriptors.min(other.descriptors),
            places: self.places.max(other.places),
        }
    }
}

/// In maps by these names, of whomever they are.
fn places() -> Result<usize> {
    let mut taken = 0;
    for map in loaded_maps() {
        let info = map?;
        let name = info.name_as_str().unwrap_or_default().to_owned();
        if !["TASKS", "SLOTS", "SOCKETS", "LISTENERS"].contains(&name.as_str()) {
            continue;
        }
        let map = Map::HashMap(MapData::from_id(info.id())?);
        taken += match name.as_str() {
            "SLOTS" => HashMap::<_, u32, u32>::try_from(map)?.keys().count(),
            _ => HashMap::<_, u64, u32>::try_from(map)?.keys().count(),
        };
    }
    Ok(taken)
}

/// It ends with the test.
struct Watched(Child);

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// Reads its ticks and forgets them, but for how many there were, and of how many tasks.
fn read(top: &mut Child) -> Result<thread::JoinHandle<Result<(u64, u64)>>> {
    let lines = BufReader::new(top.stdout.take().context("its output")?).lines();
    Ok(thread::spawn(move || {
        let mut seen = (0, 0);
        for line in lines {
            // The last one may be cut in the middle.
            let Ok(tick) = serde_json::from_str::<Value>(&line?) else {
                break;
            };
            let count = |value: &Value| value.as_u64().context("a number");
            ensure!(tick["summary"]["lost"] == 0, "{}", tick["summary"]);
            seen = (count(&tick["tick"])?, count(&tick["summary"]["tasks"])?);
        }
        Ok(seen)
    }))
}

#[test]
fn top_takes_no_more_however_long_it_runs() -> Result<()> {
    let seconds = match env::var("WAITSCOPE_SOAK_S") {
        Ok(text) => text.parse().context("WAITSCOPE_SOAK_S")?,
        Err(_) => USUALLY_S,
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_actor"));
    let mut churn = Killed(live::start(command.args(["churn", RATE]))?);
    let mut top = live::waitscope()?;
    top.args(["top", "--format", "json", "--delay", "1s"]);
    let mut top = Watched(top.stdout(Stdio::piped()).spawn()?);
    let ticks = read(&mut top.0)?;
    let begun = Instant::now();
    // The first third is the time in which a window fills, and what was there is learnt.
    let mut thirds = [None; 3];
    while begun.elapsed() < Duration::from_secs(seconds) {
        thread::sleep(PAUSE);
        if let Some(status) = top.0.try_wait()? {
            bail!("it has ended: {status}");
        }
        let third = (begun.elapsed().as_secs() * 3 / seconds.max(1)).min(2);
        let taken = &mut thirds[third as usize];
        *taken = Some(Taken::by(top.0.id())?.with(*taken));
    }
    drop(top);
    ensure!(churn.0.is_alive()?, "no processes came and went");
    let (ticks, tasks) = match ticks.join() {
        Ok(seen) => seen?,
        Err(_) => bail!("what reads the ticks has panicked"),
    };
    let [_, Some(middle), Some(last)] = thirds else {
        bail!("too short: {thirds:?}");
    };
    println!("{seconds} s, {ticks} ticks, {tasks} tasks: {thirds:?}");
    ensure!(ticks >= seconds * 8 / 10 && tasks > 10, "{ticks}, {tasks}");
    let room = middle.resident_bytes / 20 + (2 << 20);
    ensure!(
        last.resident_bytes <= middle.resident_bytes + room,
        "{thirds:?}"
    );
    ensure!(last.descriptors <= middle.descriptors, "{thirds:?}");
    // What runs besides comes and goes, too.
    ensure!(
        last.places > 0 && last.places <= middle.places + 100,
        "{thirds:?}"
    );
    Ok(())
}
