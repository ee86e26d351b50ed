//! Where full chunks lie: in large pieces that are mapped at once, of memory or of a
//! file without a name. The kernel writes such a file out and drops its pages as it
//! needs them.

use std::{
    fs::File, io, marker::PhantomData, num::NonZeroUsize, path::Path, ptr::NonNull, slice,
    sync::Arc,
};

use nix::{
    errno::Errno,
    fcntl::posix_fallocate,
    sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, mmap_anonymous, munmap},
};

use super::CHUNK_BYTES;

/// Bytes mapped at once.
const SEGMENT: usize = 32 << 20;

/// Segments, the last of which is being filled.
#[derive(Debug)]
pub(super) struct Store {
    /// `None`: of memory alone.
    file: Option<File>,
    last: Option<Arc<Segment>>,
    /// How many there are.
    segments: usize,
    /// Bytes taken of the last one.
    taken: usize,
    /// Chunks that were given back.
    free: Vec<(NonNull<u8>, Arc<Segment>)>,
}

// SAFETY: the free chunks are its own, as boxes would be.
unsafe impl Send for Store {}
// SAFETY: nothing is done to them without `&mut`.
unsafe impl Sync for Store {}

/// So many bytes of our address space.
#[derive(Debug)]
struct Segment(NonNull<u8>);

// SAFETY: owned memory, like a box. Its chunks have one owner each.
unsafe impl Send for Segment {}
// SAFETY: what is done to a segment itself is safe from several threads.
unsafe impl Sync for Segment {}

/// A chunk of items.
#[derive(Debug)]
pub(super) struct Chunk<T> {
    at: NonNull<T>,
    len: u32,
    in_file: bool,
    /// Keeps them mapped.
    segment: Arc<Segment>,
    _items: PhantomData<T>,
}

// SAFETY: as a box of its items.
unsafe impl<T: Send> Send for Chunk<T> {}
// SAFETY: likewise.
unsafe impl<T: Sync> Sync for Chunk<T> {}

impl Store {
    fn of(file: Option<File>) -> Store {
        Store {
            file,
            last: None,
            segments: 0,
            taken: 0,
            free: Vec::new(),
        }
    }

    pub(super) fn of_memory() -> Store {
        Store::of(None)
    }

    /// Of a new file in the folder.
    pub(super) fn of_file(folder: &Path) -> io::Result<Store> {
        tempfile::tempfile_in(folder).map(|file| Store::of(Some(file)))
    }

    /// Bytes of all chunks that are in use; of a file, its own.
    pub(super) fn bytes(&self) -> u64 {
        let free = if self.file.is_some() {
            0
        } else {
            self.free.len() * CHUNK_BYTES
        };
        (self.segments.saturating_sub(1) * SEGMENT + self.taken - free) as u64
    }

    /// Takes a chunk back, which was stored here.
    pub(super) fn release<T>(&mut self, chunk: Chunk<T>) {
        self.free.push((chunk.at.cast(), chunk.segment));
    }

    /// Copies items, which a chunk has room for.
    pub(super) fn store<T: Copy>(&mut self, items: &[T]) -> io::Result<Chunk<T>> {
        const { assert!(align_of::<T>() <= CHUNK_BYTES) };
        assert!(size_of_val(items) <= CHUNK_BYTES, "{} items", items.len());
        let (at, segment) = match self.free.pop() {
            Some(free) => free,
            None => self.another()?,
        };
        // SAFETY: inside a segment, which is mapped at a page and divided into
        // chunks, each of which is given away once until it is given back: nobody
        // else has this one.
        let at = unsafe {
            let at = at.cast::<T>();
            at.copy_from_nonoverlapping(NonNull::from(items).cast(), items.len());
            at
        };
        Ok(Chunk {
            at,
            // At most a chunk's bytes.
            len: items.len() as u32,
            in_file: self.file.is_some(),
            segment,
            _items: PhantomData,
        })
    }

    /// The next chunk of the last segment.
    fn another(&mut self) -> io::Result<(NonNull<u8>, Arc<Segment>)> {
        let segment = match &self.last {
            Some(last) if self.taken < SEGMENT => Arc::clone(last),
            _ => self.next()?,
        };
        // SAFETY: inside the segment.
        let at = unsafe { segment.0.add(self.taken) };
        self.taken += CHUNK_BYTES;
        Ok((at, segment))
    }

    /// Begins another segment.
    fn next(&mut self) -> io::Result<Arc<Segment>> {
        let next = Arc::new(match &self.file {
            Some(file) => Segment::of_file(file, self.segments)?,
            None => Segment::of_memory()?,
        });
        if let (Some(_), Some(full)) = (&self.file, &self.last) {
            full.evict();
        }
        self.last = Some(Arc::clone(&next));
        self.segments += 1;
        self.taken = 0;
        Ok(next)
    }
}

const LENGTH: NonZeroUsize = NonZeroUsize::new(SEGMENT).expect("it is not zero");
const ACCESS: ProtFlags = ProtFlags::PROT_READ.union(ProtFlags::PROT_WRITE);

impl Segment {
    /// Asks for large pages: to get the many small ones costs as much time as all
    /// that is done with what lies on them.
    fn of_memory() -> io::Result<Segment> {
        // SAFETY: a new mapping, of no memory of ours.
        let at = unsafe { mmap_anonymous(None, LENGTH, ACCESS, MapFlags::MAP_PRIVATE) };
        let segment = Segment(at?.cast());
        segment.advise(MmapAdvise::MADV_HUGEPAGE);
        Ok(segment)
    }

    /// Makes room for the segment with a number in the file, and maps it.
    fn of_file(file: &File, number: usize) -> io::Result<Segment> {
        let offset = i64::try_from(number * SEGMENT).map_err(io::Error::other)?;
        // A page that finds no room on the disk when it is written to ends us.
        if let Err(error) = allocate(file, offset) {
            // What there was of room is given back, as far as that can be.
            let _left = file.set_len(offset as u64);
            return Err(error.into());
        }
        // SAFETY: a new mapping, of no memory of ours; nobody else can open the file.
        let at = unsafe { mmap(None, LENGTH, ACCESS, MapFlags::MAP_SHARED, file, offset) };
        Ok(Segment(at?.cast()))
    }

    /// Gives its pages to the kernel to write out; they come back when they are
    /// looked at.
    fn evict(&self) {
        self.advise(MmapAdvise::MADV_DONTNEED);
    }

    fn advise(&self, advice: MmapAdvise) {
        // SAFETY: the contents stay: large pages have the same, and a file keeps
        // them. A refusal costs memory or time and nothing else.
        let _refused = unsafe { madvise(self.0.cast(), SEGMENT, advice) };
    }
}

/// Signals interrupt it, and a large file takes long.
fn allocate(file: &File, offset: i64) -> nix::Result<()> {
    loop {
        match posix_fallocate(file, offset, SEGMENT as i64) {
            Err(Errno::EINTR) => {}
            done => return done,
        }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and nothing refers to it. There
        // is nobody to report a failure to, which only a wrong length can cause.
        let _unmapped = unsafe { munmap(self.0.cast(), SEGMENT) };
    }
}

impl<T> Chunk<T> {
    pub(super) fn in_file(&self) -> bool {
        self.in_file
    }

    pub(super) fn items(&self) -> &[T] {
        // SAFETY: written when it was made, mapped as long as it lives, and its own.
        unsafe { slice::from_raw_parts(self.at.as_ptr(), self.len as usize) }
    }

    pub(super) fn items_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `items`.
        unsafe { slice::from_raw_parts_mut(self.at.as_ptr(), self.len as usize) }
    }
}
