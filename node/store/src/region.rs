//! One reserved range of address space that holds every item, bucket and slot header.
//!
//! The range is mapped once and never unmapped before the store is dropped; memory is handed
//! back to the system in place (`madvise`), after which it reads as zeros. That is what lets the
//! prefetch pass read buckets without a lock: a stale address is at worst useless, never invalid.
//!
//! Words (`word64`, `words32`) are atomics and safe to race on. Item bytes are plain memory:
//! reading or writing them asks for the lock of the item's stripe.
#![allow(unsafe_code, reason = "owns the raw mapping; every other file asks it for memory")]

use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};

use crate::huge::HUGE_BYTES;

/// Offsets into a region fit in this many bits (1 TiB).
pub(crate) const OFFSET_BITS: u32 = 40;

/// The smallest reservation worth running with.
const MIN_RESERVE_BYTES: usize = 64 << 20;

/// A fixed range of address space, lazily backed by memory.
pub(crate) struct Region {
    /// Begins at a huge page.
    base: NonNull<u8>,
    len: usize,
    /// What was mapped: the region and what lies before it to the next huge page.
    mapping: NonNull<u8>,
    mapping_len: usize,
}

// SAFETY: the region is plain memory owned by this value. Words are only reached through
// atomics, and item bytes only by holders of the stripe lock that guards them.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Reserves address space for `bytes` (rounded down to `granularity`), or for as much of it
    /// as the system grants, halving down to a minimum.
    pub(crate) fn reserve(bytes: usize, granularity: usize) -> io::Result<Region> {
        let mut want = bytes.clamp(MIN_RESERVE_BYTES, 1 << OFFSET_BITS);
        loop {
            let len = want - want % granularity;
            let mapping_len = len + HUGE_BYTES;
            // SAFETY: a fresh anonymous private mapping; no existing memory is touched.
            let address = unsafe {
                libc::mmap(
                    std::ptr::null_mut(),
                    mapping_len,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                    -1,
                    0,
                )
            };
            if address != libc::MAP_FAILED
                && let Some(mapping) = NonNull::new(address.cast::<u8>())
            {
                let skipped = mapping.as_ptr().align_offset(HUGE_BYTES).min(HUGE_BYTES);
                // SAFETY: `skipped` is at most the spare length of the mapping.
                let base = unsafe { mapping.add(skipped) };
                return Ok(Region { base, len, mapping, mapping_len });
            }
            if want <= MIN_RESERVE_BYTES {
                return Err(io::Error::last_os_error());
            }
            want /= 2;
        }
    }

    /// Length of the reservation.
    pub(crate) fn len_bytes(&self) -> usize {
        self.len
    }

    /// Tells whether a range lies in the region, for readers who cannot be sure.
    #[inline]
    pub(crate) fn holds(&self, offset: u64, len: usize) -> bool {
        usize::try_from(offset).is_ok_and(|offset| offset < self.len && len <= self.len - offset)
    }

    #[inline]
    fn at(&self, offset: u64, len: usize) -> *mut u8 {
        let offset = offset as usize;
        assert!(offset < self.len && len <= self.len - offset, "offset outside the region");
        // SAFETY: just checked to lie inside the mapping.
        unsafe { self.base.as_ptr().add(offset) }
    }

    /// The atomic word at an 8-byte aligned offset.
    #[inline]
    pub(crate) fn word64(&self, offset: u64) -> &AtomicU64 {
        let pointer = self.at(offset, 8);
        debug_assert!(offset.is_multiple_of(8));
        // SAFETY: in bounds, aligned (the base is page aligned), and words are only ever
        // accessed as atomics.
        unsafe { AtomicU64::from_ptr(pointer.cast()) }
    }

    /// `N` consecutive 64-bit words at an 8-byte aligned offset.
    #[inline]
    pub(crate) fn words64<const N: usize>(&self, offset: u64) -> &[AtomicU64; N] {
        let pointer = self.at(offset, 8 * N);
        debug_assert!(offset.is_multiple_of(8));
        // SAFETY: as `word64`, for N words.
        unsafe { &*pointer.cast::<[AtomicU64; N]>() }
    }

    /// `count` consecutive 32-bit words at a 4-byte aligned offset.
    #[inline]
    pub(crate) fn words32(&self, offset: u64, count: usize) -> &[AtomicU32] {
        let pointer = self.at(offset, 4 * count);
        debug_assert!(offset.is_multiple_of(4));
        // SAFETY: as `word64`, for `count` words.
        unsafe { std::slice::from_raw_parts(pointer.cast::<AtomicU32>(), count) }
    }

    /// The atomic byte at an offset.
    #[inline]
    pub(crate) fn byte(&self, offset: u64) -> &AtomicU8 {
        // SAFETY: in bounds; bytes that may be raced on are only accessed as atomics.
        unsafe { AtomicU8::from_ptr(self.at(offset, 1)) }
    }

    /// Reads plain bytes.
    ///
    /// # Safety
    /// Nobody may write these bytes while the slice lives: the caller holds the lock of the
    /// stripe that owns them, or they are an item's immutable part.
    #[inline]
    pub(crate) unsafe fn bytes(&self, offset: u64, len: usize) -> &[u8] {
        // SAFETY: in bounds; exclusion is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.at(offset, len), len) }
    }

    /// Writes plain bytes.
    ///
    /// # Safety
    /// Nobody may read or write these bytes at the same time: the caller holds the lock of the
    /// stripe that owns them, or owns the open segment they lie in.
    #[inline]
    pub(crate) unsafe fn write(&self, offset: u64, bytes: &[u8]) {
        let target = self.at(offset, bytes.len());
        // SAFETY: in bounds; exclusion is the caller's promise, so the ranges cannot overlap
        // with a borrow that is alive elsewhere; `copy` allows a source inside the region.
        unsafe { std::ptr::copy(bytes.as_ptr(), target, bytes.len()) }
    }

    /// Hints that the cache line at `offset` will be read and written soon. Any offset is fine.
    #[inline]
    pub(crate) fn prefetch(&self, offset: u64) {
        if (offset as usize) < self.len {
            prefetch(self.base.as_ptr().wrapping_add(offset as usize));
        }
    }

    /// Gives the memory of a range back to the system; it reads as zeros afterwards.
    ///
    /// # Safety
    /// Nothing in the range may be in use.
    pub(crate) unsafe fn discard(&self, offset: u64, len: usize) {
        // SAFETY: in bounds of our own private mapping. A failure leaves the memory resident,
        // which is harmless; nobody relies on the zeros.
        unsafe { libc::madvise(self.at(offset, len).cast(), len, libc::MADV_DONTNEED) };
    }
}

impl Region {
    /// Backs an aligned range by a huge page, if the system has one to spare. The content stays.
    /// Answers false when the system does not know how.
    pub(crate) fn collapse(&self, offset: u64, len: usize) -> bool {
        // SAFETY: in bounds of our own private mapping; only its backing changes.
        let result =
            unsafe { libc::madvise(self.at(offset, len).cast(), len, libc::MADV_COLLAPSE) };
        result == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EINVAL)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping made in `reserve`, which nobody can reach any more.
        unsafe { libc::munmap(self.mapping.as_ptr().cast(), self.mapping_len) };
    }
}

/// Hints that the cache line at `pointer` will be read soon. Never faults.
#[inline]
pub(crate) fn prefetch<T>(pointer: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint; it cannot fault for any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(pointer.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = pointer;
}

/// Hints that the cache line at `pointer` will be written soon, so that it is taken from the core
/// that wrote it last. Never faults.
#[inline]
pub(crate) fn prefetch_for_write<T>(pointer: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch is a hint; it cannot fault for any address, and processors that do not
    // know this one ignore it.
    unsafe {
        std::arch::asm!(
            "prefetchw [{0}]",
            in(reg) pointer,
            options(nostack, preserves_flags, readonly)
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = pointer;
}
