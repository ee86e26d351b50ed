//! Names as compilers have written them → as in the source.

use std::fmt::{self, Write};

/// What of a name is kept, bytes: a crafted one may say in hundred bytes what takes gigabytes
/// to write out.
const LONGEST: usize = 1024;

/// The name of a function; one that is no compiler's stays as it is. Cut where it is too long.
pub(super) fn demangled(symbol: &str) -> String {
    if let Ok(rust) = rustc_demangle::try_demangle(symbol) {
        // Without the hash.
        return written(|out| write!(out, "{rust:#}"));
    }
    if let Ok(cpp) = cpp_demangle::Symbol::new(symbol) {
        let options = cpp_demangle::DemangleOptions::default();
        let name = written(|out| cpp.structured_demangle(out, &options));
        if !name.is_empty() {
            return name;
        }
    }
    written(|out| out.write_str(symbol))
}

fn written(write: impl FnOnce(&mut Limited) -> fmt::Result) -> String {
    let mut out = Limited::default();
    let result = write(&mut out);
    match (result, out.is_full) {
        (Ok(()), _) => out.text,
        (Err(_), true) => out.text + "…",
        // It cannot be said: none of it.
        (Err(_), false) => String::new(),
    }
}

#[derive(Default)]
struct Limited {
    text: String,
    is_full: bool,
}

impl Write for Limited {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = LONGEST - self.text.len();
        let mut ends = (0..=room.min(more.len())).rev();
        let fits = ends.find_map(|end| more.get(..end)).unwrap_or_default();
        self.text.push_str(fits);
        self.is_full = fits.len() < more.len();
        if self.is_full {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_in_the_source() {
        let cases = [
            ("main", "main"),
            ("__libc_start_main", "__libc_start_main"),
            (
                "_ZN4core9panicking9panic_fmt17h5f1a6fd39197ad62E",
                "core::panicking::panic_fmt",
            ),
            ("_RNvC6_123foo3bar", "123foo::bar"),
            ("_ZN3foo3barEi", "foo::bar(int)"),
            ("_ZNSt6threadC2Ev", "std::thread::thread()"),
            ("_Zbroken", "_Zbroken"),
            ("", ""),
        ];
        for (symbol, expect) in cases {
            assert_eq!(demangled(symbol), expect, "{symbol}");
        }
    }

    #[test]
    fn names_that_never_end_are_cut() {
        // Each parameter is a pair of the one before: 2^30 words.
        let pairs: Vec<String> = (0..30)
            .map(|n| match n {
                0 => "1pIiiE".to_owned(),
                1 => "S_IS0_S0_E".to_owned(),
                n => format!("S_IS{0}_S{0}_E", base_36(n - 1)),
            })
            .collect();
        let name = demangled(&format!("_Z1f{}", pairs.concat()));
        assert!(
            name.starts_with("f(p<int, int>, p<p<int, int>, p<int, int> >"),
            "{name}"
        );
        assert!(name.ends_with('…') && name.len() <= LONGEST + 3, "{name}");
        let name = demangled(&"é".repeat(LONGEST));
        assert_eq!(name.chars().count(), LONGEST / 2 + 1);
        assert_eq!(demangled(&"x".repeat(LONGEST)).len(), LONGEST);
    }

    fn base_36(number: u32) -> char {
        char::from_digit(number, 36).unwrap().to_ascii_uppercase()
    }
}
