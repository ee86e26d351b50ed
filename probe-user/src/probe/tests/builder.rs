//! Writes BTF (Documentation/bpf/btf.rst).

pub(super) const INT: u32 = 1;
pub(super) const PTR: u32 = 2;
pub(super) const STRUCT: u32 = 4;
pub(super) const UNION: u32 = 5;
pub(super) const TYPEDEF: u32 = 8;
pub(super) const VOLATILE: u32 = 9;
pub(super) const CONST: u32 = 10;
pub(super) const FUNC: u32 = 12;
pub(super) const FUNC_PROTO: u32 = 13;
pub(super) const VAR: u32 = 14;
pub(super) const DATASEC: u32 = 15;

/// A member: name, type, offset in bits.
pub(super) type Field<'a> = (&'a str, u32, u32);

/// BTF in the making. Types are numbered from 1 in the order they are added.
pub(super) struct Builder {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Builder {
    pub(super) fn new() -> Builder {
        Builder {
            types: Vec::new(),
            strings: vec![0],
            count: 0,
        }
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend_from_slice(text.as_bytes());
        self.strings.push(0);
        at
    }

    /// The number that the next type will have.
    pub(super) fn next(&self) -> u32 {
        self.count + 1
    }

    /// A type with any content.
    pub(super) fn add(
        &mut self,
        name: &str,
        kind: u32,
        vlen: usize,
        size_or_type: u32,
        trailing: &[u32],
    ) -> u32 {
        let name = self.string(name);
        let info = kind << 24 | vlen as u32;
        for word in [name, info, size_or_type].iter().chain(trailing) {
            self.types.extend_from_slice(&word.to_ne_bytes());
        }
        self.count += 1;
        self.count
    }

    pub(super) fn int(&mut self, name: &str, bytes: u32) -> u32 {
        self.add(name, INT, 0, bytes, &[bytes * 8])
    }

    /// A type that only refers to another: pointer, typedef, qualifier.
    pub(super) fn refer(&mut self, name: &str, kind: u32, to: u32) -> u32 {
        self.add(name, kind, 0, to, &[])
    }

    /// A structure or union; an empty name makes it anonymous.
    pub(super) fn fields(&mut self, name: &str, kind: u32, fields: &[Field<'_>]) -> u32 {
        let words = self.words(fields);
        self.add(name, kind, fields.len(), 4096, &words)
    }

    /// A structure with bit fields: the fourth value is the width.
    pub(super) fn bit_fields(&mut self, name: &str, fields: &[(&str, u32, u32, u32)]) -> u32 {
        let mut words = Vec::new();
        for &(field, id, offset, width) in fields {
            words.extend([self.string(field), id, width << 24 | offset]);
        }
        self.add(name, 1 << 7 | STRUCT, fields.len(), 4096, &words)
    }

    fn words(&mut self, fields: &[Field<'_>]) -> Vec<u32> {
        let mut words = Vec::new();
        for &(field, id, offset) in fields {
            words.extend([self.string(field), id, offset]);
        }
        words
    }

    /// `typedef void (*btf_trace_NAME)(void *, …)`
    pub(super) fn tracepoint(&mut self, name: &str, args: usize) {
        let params = vec![0; 2 * (args + 1)];
        let proto = self.add("", FUNC_PROTO, args + 1, 0, &params);
        let pointer = self.refer("", PTR, proto);
        self.refer(&format!("btf_trace_{name}"), TYPEDEF, pointer);
    }

    /// `.data..percpu` with variables of any type at these offsets.
    pub(super) fn per_cpu(&mut self, variables: &[(&str, u32)]) {
        let mut words = Vec::new();
        for &(variable, offset) in variables {
            let id = self.add(variable, VAR, 0, 1, &[1]);
            words.extend([id, offset, 8]);
        }
        self.add(".data..percpu", DATASEC, variables.len(), 0, &words);
    }

    /// A kernel function.
    pub(super) fn function(&mut self, name: &str) {
        let proto = self.add("", FUNC_PROTO, 0, 0, &[]);
        self.refer(name, FUNC, proto);
    }

    pub(super) fn build(self) -> Vec<u8> {
        let header_len = 24_u32;
        let (types_len, strings_len) = (self.types.len() as u32, self.strings.len() as u32);
        let mut out = Vec::new();
        out.extend_from_slice(&0xeb9f_u16.to_ne_bytes());
        out.extend_from_slice(&[1, 0]);
        for word in [header_len, 0, types_len, types_len, strings_len] {
            out.extend_from_slice(&word.to_ne_bytes());
        }
        out.extend(self.types);
        out.extend(self.strings);
        out
    }
}
