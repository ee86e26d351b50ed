//! Locks of the C library, which name their owners.

use std::cell::UnsafeCell;

/// One thread at a time has it.
pub struct Lock(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: it is made for several threads.
unsafe impl Sync for Lock {}

/// Nobody has it.
pub fn lock() -> &'static Lock {
    Box::leak(Box::new(Lock(UnsafeCell::new(
        libc::PTHREAD_MUTEX_INITIALIZER,
    ))))
}

impl Lock {
    /// Takes it, when it is free.
    pub fn take(&self) {
        // SAFETY: a lock that lives for ever.
        unsafe { libc::pthread_mutex_lock(self.0.get()) };
    }
}

/// Many read, or one writes.
pub struct ReadWrite(UnsafeCell<libc::pthread_rwlock_t>);

// SAFETY: it is made for several threads.
unsafe impl Sync for ReadWrite {}

/// Nobody has it.
pub fn read_write() -> &'static ReadWrite {
    Box::leak(Box::new(ReadWrite(UnsafeCell::new(
        libc::PTHREAD_RWLOCK_INITIALIZER,
    ))))
}

impl ReadWrite {
    /// Takes it, when nobody writes.
    pub fn read(&self) {
        // SAFETY: a lock that lives for ever.
        unsafe { libc::pthread_rwlock_rdlock(self.0.get()) };
    }

    /// Takes it, when it is free.
    pub fn write(&self) {
        // SAFETY: a lock that lives for ever.
        unsafe { libc::pthread_rwlock_wrlock(self.0.get()) };
    }
}

/// Puts a lock for several processes there, which nobody has.
///
/// # Safety
///
/// There must be memory that they share, and room for one.
pub unsafe fn share(at: *mut Lock) -> &'static Lock {
    let mut manner = std::mem::MaybeUninit::uninit();
    // SAFETY: there is room for both, by the caller.
    unsafe {
        libc::pthread_mutexattr_init(manner.as_mut_ptr());
        libc::pthread_mutexattr_setpshared(manner.as_mut_ptr(), libc::PTHREAD_PROCESS_SHARED);
        libc::pthread_mutex_init((*at).0.get(), manner.as_ptr());
        &*at
    }
}
