/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The rings to user space. A ring's producers share a lock, which an interrupt
 * that hit its holder would wait for; so what interrupts write and what tasks
 * write never meets in one ring.
 */
#ifndef SOMNO_EMIT_H
#define SOMNO_EMIT_H

/*
 * Kernel halves: one ring a CPU, which user space makes. The interrupt writes it; the iterator
 * of a dump does where no event is open. So nobody holds the lock that an interrupt takes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} kernel_rings SEC(".maps");

/*
 * Intervals off the CPU: likewise. Written where a task was just switched in, and by the iterator
 * that ends what is open, when no more intervals begin or end.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} switch_rings SEC(".maps");

/*
 * All that tasks write, in their own context: user halves, modules and what is captured of them,
 * variables, notices, and kernel halves of uprobes. No interrupt writes it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} user_ring SEC(".maps");

/* Wakes the reader only when much waits: it looks by itself several times a second. */
static __always_inline u64 wakeup(void *ring, u32 threshold)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > threshold ? BPF_RB_FORCE_WAKEUP
								      : BPF_RB_NO_WAKEUP;
}

/* Whether it found room. */
static __always_inline bool emit_kernel_half(void *rings, struct somno_kernel_half *half, u64 size)
{
	u32 cpu = half->cpu;
	void *ring = bpf_map_lookup_elem(rings, &cpu);

	if (ring &&
	    !bpf_ringbuf_output(ring, half, size, wakeup(ring, somno_config.kernel_wake_bytes)))
		return true;
	count(kernel_ring_full);
	return false;
}

static __always_inline long emit_to_user_ring(void *record, u64 size)
{
	return bpf_ringbuf_output(&user_ring, record, size,
				  wakeup(&user_ring, somno_config.user_wake_bytes));
}

/* Whether there is only room for what is not to be lost. */
static __always_inline bool is_user_ring_half_full(void)
{
	return bpf_ringbuf_query(&user_ring, BPF_RB_AVAIL_DATA) >=
	       2ULL * somno_config.user_wake_bytes;
}

/* Wakes the reader. */
static __always_inline long emit_now(void *record, u64 size)
{
	return bpf_ringbuf_output(&user_ring, record, size, BPF_RB_FORCE_WAKEUP);
}

#endif
