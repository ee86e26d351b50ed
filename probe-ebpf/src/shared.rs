//! Values in maps, and records in rings. Another CPU, or an interrupt on this one, may write a value
//! at any time, and two programs may hold pointers to it at once. So nothing here
//! makes a reference to one: its fields are loaded and stored one by one, as
//! whole words and in the order of the program, by [`load!`] and [`store!`].

use core::{arch::asm, ptr::NonNull};

/// A value in a map, or a record that is reserved in a ring. May be copied: it owns nothing.
#[repr(transparent)]
pub struct Shared<T>(NonNull<T>);

impl<T> Clone for Shared<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

impl<T> Shared<T> {
    /// What a look-up in a map has found, or was reserved.
    ///
    /// # Safety
    ///
    /// `found` points to a `T`: in a map that is preallocated, whose memory stays as
    /// long as a program runs, or in a record until that is submitted. Every field of
    /// `T` is made of integers: any bytes are one.
    #[inline(always)]
    pub unsafe fn new(found: *mut T) -> Shared<T> {
        // SAFETY: a look-up that finds nothing gives no pointer.
        Shared(unsafe { NonNull::new_unchecked(found) })
    }

    /// Its address, for the macros and for helpers.
    #[inline(always)]
    pub fn as_ptr(self) -> *mut T {
        self.0.as_ptr()
    }
}

/// Between the tests of two pointers for being there: the compiler would make one test
/// of `first | second`, and the verifier lets no pointers be combined. No instruction.
#[inline(always)]
pub fn one_by_one() {
    // SAFETY: does nothing.
    unsafe { asm!("", options(nomem, nostack, preserves_flags)) };
}

/// `load!(value.field)`: the field of a [`Shared`] as it is now. Two loads may differ.
macro_rules! load {
    ($value:ident.$field:ident) => {{
        let value = $crate::shared::Shared::as_ptr($value);
        // SAFETY: the promise of `Shared::new`; no reference is made.
        unsafe { (&raw const (*value).$field).read_volatile() }
    }};
}

/// `store!(value.field = new)`: sets the field of a [`Shared`].
macro_rules! store {
    ($value:ident.$field:ident = $new:expr) => {{
        let (value, new) = ($crate::shared::Shared::as_ptr($value), $new);
        // SAFETY: as in `load`.
        unsafe { (&raw mut (*value).$field).write_volatile(new) }
    }};
}

/// `address!(value.field)`: the address of the field of a [`Shared`], for helpers.
macro_rules! address {
    ($value:ident.$field:ident) => {{
        let value = $crate::shared::Shared::as_ptr($value);
        // SAFETY: as in `load`.
        unsafe { &raw mut (*value).$field }
    }};
}

/// `store_words!(value.field = words)`: sets a field of bytes, word by word.
macro_rules! store_words {
    ($value:ident.$field:ident = $words:expr) => {{
        let (field, words) = ($crate::shared::address!($value.$field), $words);
        // SAFETY: such fields begin with a word, see `probe_common`.
        unsafe { $crate::shared::write_words(field, words) }
    }};
}

/// Writes all bytes of a field.
///
/// # Safety
///
/// As for [`Shared::new`]; and the field begins with a word.
#[inline(always)]
pub unsafe fn write_words<const BYTES: usize, const WORDS: usize>(
    field: *mut [u8; BYTES],
    words: [u64; WORDS],
) {
    const { assert!(BYTES == 8 * WORDS) };
    // SAFETY: the caller's promise; the sizes are the same.
    unsafe { field.cast::<[u64; WORDS]>().write(words) };
}

pub(crate) use {address, load, store, store_words};
