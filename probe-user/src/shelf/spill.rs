//! A file without a name that is mapped piece by piece. The kernel writes it out
//! and drops its pages as it needs them.

use std::{
    fs::File, io, marker::PhantomData, num::NonZeroUsize, path::Path, ptr::NonNull, slice,
    sync::Arc,
};

use nix::{
    fcntl::posix_fallocate,
    sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, munmap},
};

use super::CHUNK;

/// Bytes mapped at once.
const SEGMENT: usize = 32 << 20;

/// The file.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    /// Those before the last are full.
    segments: usize,
    last: Arc<Segment>,
    /// Bytes taken of the last one.
    taken: usize,
}

/// A part of the file in our memory.
#[derive(Debug)]
struct Segment(NonNull<u8>);

// SAFETY: owned memory, like a box. Its chunks have one owner each.
unsafe impl Send for Segment {}
// SAFETY: what is done to a segment itself is safe from several threads.
unsafe impl Sync for Segment {}

/// Items in the file.
#[derive(Debug)]
pub(super) struct Stored<T> {
    at: NonNull<T>,
    len: usize,
    /// Keeps them mapped.
    _segment: Arc<Segment>,
    _items: PhantomData<T>,
}

// SAFETY: as a box of its items.
unsafe impl<T: Send> Send for Stored<T> {}
// SAFETY: likewise.
unsafe impl<T: Sync> Sync for Stored<T> {}

impl Spill {
    pub(super) fn create(folder: &Path) -> io::Result<Spill> {
        let file = tempfile::tempfile_in(folder)?;
        let last = Arc::new(Segment::map(&file, 0)?);
        Ok(Spill {
            file,
            segments: 1,
            last,
            taken: 0,
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        ((self.segments - 1) * SEGMENT + self.taken) as u64
    }

    /// Copies items, a chunk of them at most.
    pub(super) fn store<T: Copy>(&mut self, items: &[T]) -> io::Result<Stored<T>> {
        let fits = const { align_of::<T>() <= CHUNK };
        if !fits || size_of_val(items) > CHUNK {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if self.taken == SEGMENT {
            let next = Arc::new(Segment::map(&self.file, self.segments)?);
            self.last.leave();
            self.last = next;
            self.segments += 1;
            self.taken = 0;
        }
        // SAFETY: inside the segment, which is mapped at a page and divided into
        // chunks, each of which is given away once: nobody else has this one.
        let at = unsafe {
            let at = self.last.0.add(self.taken).cast::<T>();
            at.copy_from_nonoverlapping(NonNull::from(items).cast(), items.len());
            at
        };
        self.taken += CHUNK;
        Ok(Stored {
            at,
            len: items.len(),
            _segment: Arc::clone(&self.last),
            _items: PhantomData,
        })
    }
}

impl Segment {
    /// Makes room for the segment with a number in the file, and maps it.
    fn map(file: &File, number: usize) -> io::Result<Segment> {
        let offset = i64::try_from(number * SEGMENT).map_err(io::Error::other)?;
        // A page that finds no room on the disk when it is written to ends us.
        posix_fallocate(file, offset, SEGMENT as i64)?;
        const LENGTH: NonZeroUsize = NonZeroUsize::new(SEGMENT).expect("it is not zero");
        // SAFETY: a new mapping, of no memory of ours; nobody else can open the file.
        let at = unsafe {
            mmap(
                None,
                LENGTH,
                ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
                MapFlags::MAP_SHARED,
                file,
                offset,
            )
        };
        Ok(Segment(at?.cast()))
    }

    /// Gives its pages to the kernel to write out; they come back when they are
    /// looked at.
    fn leave(&self) {
        // SAFETY: of a shared mapping of a file the contents stay. A refusal costs
        // memory and nothing else.
        let _refused = unsafe { madvise(self.0.cast(), SEGMENT, MmapAdvise::MADV_DONTNEED) };
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and nothing refers to it. There
        // is nobody to tell of a failure, which only a wrong length can cause.
        let _unmapped = unsafe { munmap(self.0.cast(), SEGMENT) };
    }
}

impl<T> Stored<T> {
    pub(super) fn items(&self) -> &[T] {
        // SAFETY: written when it was made, mapped as long as it lives, and its own.
        unsafe { slice::from_raw_parts(self.at.as_ptr(), self.len) }
    }

    pub(super) fn items_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `items`.
        unsafe { slice::from_raw_parts_mut(self.at.as_ptr(), self.len) }
    }
}
