//! Numbers of any size as bytes: small ones take one.

/// Appends a number, 7 bits a byte, the lowest first.
pub fn leb128(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = number.to_le_bytes()[0] & 0x7f;
        number >>= 7;
        if number == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

/// Takes the next number; `None` where there is no whole one.
pub fn read_leb128<'a>(bytes: &mut impl Iterator<Item = &'a u8>) -> Option<u64> {
    let mut number = 0;
    for (shift, byte) in (0..64).step_by(7).zip(bytes) {
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
