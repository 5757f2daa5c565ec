/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Counters: what happened, and what was lost. */
#ifndef SOMNO_STATS_H
#define SOMNO_STATS_H

#define SOMNO_COUNTERS(X)                                                                          \
	X(kernel_ring_full)	/* kernel halves that found no room in their ring */               \
	X(user_ring_full)	/* user halves that found no room in their ring */                 \
	X(module_ring_full)	/* modules that found no room; sent again at the next sight */     \
	X(notices_lost)		/* notices of forks, execs, exits and names that found no room */  \
	X(no_slot)		/* samples that found every slot in reach taken */                 \
	X(no_workspace)		/* callbacks and uprobes that found every workspace taken */       \
	X(not_scheduled)	/* samples whose callback the kernel refused */                    \
	X(modules_full)		/* mappings looked up in files beyond the table of modules */      \
	X(frames_cfi)		/* frames found by CFI */                                          \
	X(frames_frame_pointer) /* frames found by a frame-pointer step */                         \
	X(rules_cached)		/* rules found in the cache */                                     \
	X(rules_found)		/* rules found by reading .eh_frame */                             \
	X(symbol_bytes)		/* bytes of symbol tables that were captured */                    \
	X(symbols_delayed)	/* captures put off until there is room in the ring */             \
	X(symbols_cut)		/* tables of which only the beginning was captured */              \
	X(off_cpu_short)	/* intervals off the CPU that were too short to be samples */      \
	X(off_cpu_short_ns)	/* nanoseconds of those together */                                \
	X(off_cpu_untracked)	/* tasks without memory for when they left the CPU */              \
	X(shed)			/* samples that would have cost more than they may */

struct somno_stats {
#define X(name) u64 name;
	SOMNO_COUNTERS(X)
#undef X
	/* samples by the cost of their kernel half; see cost_bucket */
	u64 nmi_cost[SOMNO_COST_BUCKETS];
	u64 nmi_cost_ns;
};

/* Key: 0. Value: the counters of one CPU. Never deleted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct somno_stats);
} stats SEC(".maps");

static __always_inline struct somno_stats *this_stats(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&stats, &zero);
}

/*
 * Atomic although the counters are per CPU: callbacks are preempted and
 * interrupts come in between.
 */
#define count_add(name, n)                                                                         \
	do {                                                                                       \
		struct somno_stats *__stats = this_stats();                                        \
		if (__stats)                                                                       \
			__sync_fetch_and_add(&__stats->name, n);                                   \
	} while (0)
#define count(name) count_add(name, 1)

/* The highest set bit of a value that is not 0. */
static __always_inline u32 log2_of(u64 value)
{
	u32 bit = 0;

	if (value >> 32) {
		value >>= 32;
		bit += 32;
	}
	if (value >> 16) {
		value >>= 16;
		bit += 16;
	}
	if (value >> 8) {
		value >>= 8;
		bit += 8;
	}
	if (value >> 4) {
		value >>= 4;
		bit += 4;
	}
	if (value >> 2) {
		value >>= 2;
		bit += 2;
	}
	return bit + (value >> 1);
}

/* Bucket of a duration: its power of two and the three bits below it, so within 12 %. */
static __always_inline u32 cost_bucket(u64 ns)
{
	u32 power;

	if (ns < 8)
		return ns;
	power = log2_of(ns);
	return ((power - 2) << 3 | ((ns >> (power - 3)) & 7)) & (SOMNO_COST_BUCKETS - 1);
}

static __always_inline void count_nmi_cost(u64 ns)
{
	struct somno_stats *mine = this_stats();

	if (!mine)
		return;
	/* an interrupt may come in between where a switch is counted */
	__sync_fetch_and_add(&mine->nmi_cost[cost_bucket(ns)], 1);
	__sync_fetch_and_add(&mine->nmi_cost_ns, ns);
}

#endif
