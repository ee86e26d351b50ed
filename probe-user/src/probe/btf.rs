//! A small reader of BTF type information: where a member lies, where a
//! per-CPU variable lies, how many arguments a tracepoint passes.
//!
//! Source: Documentation/bpf/btf.rst. Every read is bounds-checked; broken
//! input yields `None`, never a panic.

/// BTF of one kernel.
pub struct Btf {
    data: Vec<u8>,
    /// Start of the string section.
    strings: usize,
    /// Start of each type's record; index 0 is `void`.
    types: Vec<u32>,
}

/// A member's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Bits from the start of the outermost structure.
    pub bit_offset: u32,
    /// Bits of a bit field; 0 for an ordinary member.
    pub bits: u32,
}

impl Member {
    /// Bytes from the start; a bit field's byte.
    pub fn byte_offset(self) -> u32 {
        self.bit_offset / 8
    }

    /// Mask of a one-bit field in its byte.
    pub fn mask(self) -> u8 {
        1 << (self.bit_offset % 8)
    }
}

const MAGIC: u16 = 0xeb9f;

/// More members than any structure of a kernel has, its anonymous parts included.
const MEMBERS_TRIED: u32 = 10_000;

/// Levels of anonymous nesting; real kernels have three or four.
const DEEPEST: u32 = 16;

mod kind {
    pub const INT: u32 = 1;
    pub const ARRAY: u32 = 3;
    pub const PTR: u32 = 2;
    pub const STRUCT: u32 = 4;
    pub const UNION: u32 = 5;
    pub const ENUM: u32 = 6;
    pub const TYPEDEF: u32 = 8;
    pub const VOLATILE: u32 = 9;
    pub const CONST: u32 = 10;
    pub const RESTRICT: u32 = 11;
    pub const FUNC: u32 = 12;
    pub const FUNC_PROTO: u32 = 13;
    pub const VAR: u32 = 14;
    pub const DATASEC: u32 = 15;
    pub const DECL_TAG: u32 = 17;
    pub const TYPE_TAG: u32 = 18;
    pub const ENUM64: u32 = 19;
}

/// The fixed part of a type record.
struct Type {
    at: usize,
    name: u32,
    kind: u32,
    vlen: usize,
    /// Bit fields are encoded in the member offsets.
    bit_fields: bool,
    /// Size or referred type.
    size_or_type: u32,
}

impl Btf {
    /// Reads the sections of raw BTF (`/sys/kernel/btf/vmlinux`).
    pub fn parse(data: Vec<u8>) -> Option<Btf> {
        if u16_at(&data, 0)? != MAGIC {
            return None;
        }
        let header = u32_at(&data, 4)? as usize;
        let section = |at| Some(header.checked_add(u32_at(&data, at)? as usize));
        let (types_at, types_len) = (section(8)??, u32_at(&data, 12)? as usize);
        let strings = section(16)??;
        let end = types_at.checked_add(types_len)?.min(data.len());
        let mut btf = Btf {
            data,
            strings,
            types: vec![0],
        };
        let mut at = types_at;
        while at < end {
            btf.types.push(u32::try_from(at).ok()?);
            at = at.checked_add(12 + btf.read(at)?.trailing()?)?;
        }
        Some(btf)
    }

    /// Where `path` (`se.cfs_rq`) lies in `struct outer`. Members of anonymous
    /// structures and unions are found as if they were the outer's own.
    pub fn member(&self, outer: &str, path: &str) -> Option<Member> {
        let mut id = self.find(kind::STRUCT, outer)?;
        let mut base = 0;
        let mut found = None;
        for name in path.split('.') {
            let (member, type_id) = self.member_of(id, name, DEEPEST, &mut { MEMBERS_TRIED })?;
            base = member.bit_offset.checked_add(base)?;
            id = type_id;
            found = Some(Member {
                bit_offset: base,
                bits: member.bits,
            });
        }
        found
    }

    /// Offset of a variable in the kernel's `.data..percpu` section, bytes.
    pub fn per_cpu_offset(&self, variable: &str) -> Option<u32> {
        let section = self.type_at(self.find(kind::DATASEC, ".data..percpu")?)?;
        (0..section.vlen).find_map(|i| {
            let entry = section.at + 12 + i * 12;
            let var = self.type_at(u32_at(&self.data, entry)?)?;
            let hit = var.kind == kind::VAR && self.is_named(&var, variable);
            hit.then(|| u32_at(&self.data, entry + 4))?
        })
    }

    /// Size of `union name`, bytes.
    pub fn union_size(&self, name: &str) -> Option<u32> {
        Some(self.type_at(self.find(kind::UNION, name)?)?.size_or_type)
    }

    /// Size of `struct name`, bytes.
    pub fn struct_size(&self, name: &str) -> Option<u32> {
        Some(self.type_at(self.structure(name)?)?.size_or_type)
    }

    /// Whether the kernel has this function: also shows which BPF helpers it has.
    pub fn has_function(&self, name: &str) -> bool {
        self.function(name).is_some()
    }

    /// Number of a function in this BTF.
    pub fn function(&self, name: &str) -> Option<u32> {
        self.find(kind::FUNC, name)
    }

    /// Number of `struct name` in this BTF.
    pub fn structure(&self, name: &str) -> Option<u32> {
        self.find(kind::STRUCT, name)
    }

    /// Arguments that a raw tracepoint passes to its probes.
    pub fn tracepoint_args(&self, name: &str) -> Option<usize> {
        let typedef = self.type_at(self.find(kind::TYPEDEF, &format!("btf_trace_{name}"))?)?;
        let pointer = self.type_at(typedef.size_or_type)?;
        let proto = self.type_at(pointer.size_or_type)?;
        // The first parameter is the probe's private data.
        (pointer.kind == kind::PTR && proto.kind == kind::FUNC_PROTO)
            .then(|| proto.vlen.saturating_sub(1))
    }

    fn find(&self, kind: u32, name: &str) -> Option<u32> {
        if name.is_empty() {
            return None;
        }
        let ids = 1..u32::try_from(self.types.len()).ok()?;
        ids.into_iter().find(|&id| {
            self.type_at(id)
                .is_some_and(|t| t.kind == kind && self.is_named(&t, name))
        })
    }

    /// Goes `depth` levels deep and tries at most `left` members: broken BTF may be cyclic, or many times
    /// inside itself.
    fn member_of(&self, id: u32, name: &str, depth: u32, left: &mut u32) -> Option<(Member, u32)> {
        if name.is_empty() {
            return None;
        }
        let outer = self.resolve(id)?;
        if outer.kind != kind::STRUCT && outer.kind != kind::UNION {
            return None;
        }
        (0..outer.vlen).find_map(|i| {
            *left = left.checked_sub(1)?;
            let at = outer.at + 12 + i * 12;
            let (name_off, type_id) = (u32_at(&self.data, at)?, u32_at(&self.data, at + 4)?);
            let raw = u32_at(&self.data, at + 8)?;
            let place = if outer.bit_fields {
                Member {
                    bit_offset: raw & 0x00ff_ffff,
                    bits: raw >> 24,
                }
            } else {
                Member {
                    bit_offset: raw,
                    bits: 0,
                }
            };
            if self.string_is(name_off, name) {
                return Some((place, type_id));
            }
            if !self.string_is(name_off, "") {
                return None;
            }
            let (inner, inner_type) = self.member_of(type_id, name, depth.checked_sub(1)?, left)?;
            let bit_offset = place.bit_offset.checked_add(inner.bit_offset)?;
            Some((
                Member {
                    bit_offset,
                    bits: inner.bits,
                },
                inner_type,
            ))
        })
    }

    /// Follows typedefs and qualifiers.
    fn resolve(&self, mut id: u32) -> Option<Type> {
        for _ in 0..32 {
            let t = self.type_at(id)?;
            match t.kind {
                kind::TYPEDEF | kind::VOLATILE | kind::CONST | kind::RESTRICT | kind::TYPE_TAG => {
                    id = t.size_or_type;
                }
                _ => return Some(t),
            }
        }
        None
    }

    fn type_at(&self, id: u32) -> Option<Type> {
        if id == 0 {
            return None;
        }
        self.read(*self.types.get(id as usize)? as usize)
    }

    fn read(&self, at: usize) -> Option<Type> {
        let info = u32_at(&self.data, at + 4)?;
        Some(Type {
            at,
            name: u32_at(&self.data, at)?,
            kind: (info >> 24) & 0x1f,
            vlen: (info & 0xffff) as usize,
            bit_fields: info >> 31 != 0,
            size_or_type: u32_at(&self.data, at + 8)?,
        })
    }

    fn is_named(&self, t: &Type, name: &str) -> bool {
        self.string_is(t.name, name)
    }

    fn string_is(&self, offset: u32, expected: &str) -> bool {
        let Some(from) = self.strings.checked_add(offset as usize) else {
            return false;
        };
        let bytes = self.data.get(from..).unwrap_or_default();
        bytes.starts_with(expected.as_bytes()) && bytes.get(expected.len()) == Some(&0)
    }
}

impl Type {
    /// Bytes behind the fixed part; `None` for a kind newer than this reader.
    fn trailing(&self) -> Option<usize> {
        Some(match self.kind {
            kind::INT | kind::VAR | kind::DECL_TAG => 4,
            kind::ARRAY => 12,
            kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => 12 * self.vlen,
            kind::ENUM | kind::FUNC_PROTO => 8 * self.vlen,
            0 => return None,
            known if known <= kind::ENUM64 => 0,
            _ => return None,
        })
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..at.checked_add(2)?)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}
