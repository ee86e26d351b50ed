//! One `format` file of tracefs: where the fields of an event lie.
//!
//! Source: `f_show` in kernel/trace/trace_events.c. Text that is not exactly of
//! that form yields `None`: a wrong offset would load silently.

/// A field of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Without type and array length.
    pub name: &'a str,
    /// Bytes from the start of the event.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
}

/// More bytes than any event has (`PERF_MAX_TRACE_SIZE`).
const LARGEST: u32 = 8192;

/// Looks a field up in the text of a format file.
pub fn find<'a>(text: &'a str, name: &str) -> Option<Field<'a>> {
    fields(text)?.into_iter().find(|field| field.name == name)
}

/// Every field, `common_*` included.
fn fields(text: &str) -> Option<Vec<Field<'_>>> {
    let mut lines = text.lines().skip_while(|line| *line != "format:");
    lines.next()?;
    lines
        .take_while(|line| !line.starts_with("print fmt:"))
        .filter(|line| !line.is_empty())
        .map(field)
        .collect()
}

/// `\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;`
fn field(line: &str) -> Option<Field<'_>> {
    let mut parts = line.strip_prefix('\t')?.split(";\t");
    let declared = parts.next()?.strip_prefix("field:")?;
    let offset = number(parts.next()?, "offset:")?;
    let size = number(parts.next()?, "size:")?;
    let signed = parts.next()?.strip_prefix("signed:")?;
    let is_whole = matches!(signed, "0;" | "1;") && parts.next().is_none();
    let fits = offset.checked_add(size)? <= LARGEST;
    let name = name_of(declared)?;
    (is_whole && fits).then_some(Field { name, offset, size })
}

/// The last word of a declaration, without its array length.
fn name_of(declared: &str) -> Option<&str> {
    let (_, last) = declared.rsplit_once(' ')?;
    let name = last.split('[').next()?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_word)).then_some(name)
}

fn number(part: &str, label: &str) -> Option<u32> {
    let digits = part.strip_prefix(label)?;
    // `parse` would take a sign as well.
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}
