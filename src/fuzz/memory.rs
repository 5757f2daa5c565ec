//! How much memory something takes on this thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread has, as far as it took and gave them back itself.
    static HELD: Cell<usize> = const { Cell::new(0) };
    /// The most that it had.
    static MOST: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, with a count.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs something, and gives what it gave and the most bytes that it held at a time.
pub(super) fn measure<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let held = HELD.get();
    MOST.set(held);
    let result = run();
    (result, MOST.get().saturating_sub(held))
}

fn take(bytes: usize) {
    let held = HELD.get().saturating_add(bytes);
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: The system's allocator does all of it. The cells are made without allocating, and
// have nothing to drop, so they are there for as long as their thread is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as the caller promised
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take(layout.size());
        // SAFETY: as the caller promised
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.set(HELD.get().saturating_sub(layout.size()));
        take(size);
        // SAFETY: as the caller promised
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.set(HELD.get().saturating_sub(layout.size()));
        // SAFETY: as the caller promised
        unsafe { System.dealloc(at, layout) }
    }
}
