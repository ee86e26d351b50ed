//! A workload that knows the truth about its own waits.
//!
//! One thread or process per wait kind blocks in a known pattern while it
//! measures itself; `--truth FILE` gets one JSON line for each. waitscope's
//! account of the same threads is then compared with these lines.

mod case;
mod clock;
mod kinds;
mod meter;
mod output;
mod run;
mod slot;
mod sys;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use case::Setting;

const USAGE: &str = "usage: truth --truth FILE [--dir DIR] [--rounds N] [--only NAME]...";

fn main() -> ExitCode {
    match parse(env::args_os().skip(1)).and_then(|options| start(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "truth: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Options {
    truth: PathBuf,
    setting: Setting,
    only: Vec<OsString>,
}

fn parse(mut args: impl Iterator<Item = OsString>) -> io::Result<Options> {
    let usage = || io::Error::new(io::ErrorKind::InvalidInput, USAGE);
    let mut truth = None;
    let mut setting = Setting {
        rounds: 15,
        dir: env::temp_dir(),
    };
    let mut only = Vec::new();
    while let Some(flag) = args.next() {
        let value = args.next().ok_or_else(usage)?;
        match flag.to_str() {
            Some("--truth") => truth = Some(value.into()),
            Some("--dir") => setting.dir = value.into(),
            Some("--rounds") => {
                let number = value.to_str().and_then(|text| text.parse().ok());
                setting.rounds = number.ok_or_else(usage)?;
            }
            Some("--only") => only.push(value),
            _ => return Err(usage()),
        }
    }
    let truth = truth.ok_or_else(usage)?;
    Ok(Options {
        truth,
        setting,
        only,
    })
}

fn start(options: &Options) -> io::Result<()> {
    let cases: Vec<_> = kinds::all()
        .filter(|case| options.only.is_empty() || options.only.iter().any(|n| n == case.name))
        .collect();
    sys::quiet_signals()?;
    let ends = run::all(&cases, &options.setting)?;
    output::write(&options.truth, &ends)
}
