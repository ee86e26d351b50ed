//! The system call that a thread sleeps in, with all its arguments: /proc/PID/task/TID/syscall.

use std::fs;

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub nr: i64,
    /// Its arguments.
    pub args: [u64; 6],
}

impl Call {
    /// Of a thread that is asleep in one.
    pub fn of(pid: u32, tid: u32) -> Option<Call> {
        let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall"));
        parse(&text.ok()?)
    }
}

/// `202 0x7f1 0x80 0x2 0x0 0x0 0x0 0x7ffc 0x7f2`: number, arguments, stack, instruction;
/// `running` for what is not asleep.
fn parse(text: &str) -> Option<Call> {
    let mut words = text.split_whitespace();
    let nr = words.next()?.parse().ok().filter(|&nr| nr >= 0)?;
    let mut args = [0; 6];
    for arg in &mut args {
        *arg = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some(Call { nr, args })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_while_they_sleep() {
        let text = "202 0x7f01 0x109 0x1267 0x0 0x0 0xffffffff 0x7ffc5 0x7f02\n";
        let args = [0x7f01, 0x109, 0x1267, 0, 0, 0xffff_ffff];
        assert_eq!(parse(text), Some(Call { nr: 202, args }));
        assert_eq!(parse("running\n"), None);
        assert_eq!(parse("-1 0x7ffc5 0x7f02\n"), None);
        assert_eq!(parse(""), None);
    }
}
