/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Samples at places: tracepoints and uprobes. Their programs run whenever anybody comes by, so
 * what a perf event does elsewhere is done here: whether it is a target's, and how often.
 */
#ifndef SOMNO_POINT_H
#define SOMNO_POINT_H

struct point_count {
	u64 hits;
	/* where there is a frequency: nothing is sampled before this */
	u64 next_ns;
};

/* Key: the event. Value: what this CPU counted. Never deleted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SOMNO_EVENTS);
	__type(key, u32);
	__type(value, struct point_count);
} point_counts SEC(".maps");

/* Whether this hit is one to sample. A uprobe may be preempted: counts are atomic. */
static __always_inline bool is_due(u32 event, u64 now_ns)
{
	struct point_count *count = bpf_map_lookup_elem(&point_counts, &event);
	u64 period = somno_config.point_periods[event & (SOMNO_EVENTS - 1)];

	if (!count)
		return false;
	if (period)
		return (__sync_fetch_and_add(&count->hits, 1) + 1) % period == 0;
	if (now_ns < count->next_ns)
		return false;
	count->next_ns = now_ns + somno_config.point_gaps_ns[event & (SOMNO_EVENTS - 1)];
	return true;
}

static __always_inline bool is_hit_wanted(struct task_struct *task, u32 event, u64 now_ns)
{
	if (!sampling || !is_target(task, bpf_get_smp_processor_id()))
		return false;
	return is_followed(task) && !is_launcher(task) && is_due(event, now_ns);
}

/*
 * The kernel runs no program of a tracepoint while one of a perf event is at work on the same
 * CPU, nor the other way round, so that they share memory and rings.
 */
static __always_inline void take_tracepoint(void *ctx, u32 event)
{
	if (is_hit_wanted(bpf_get_current_task_btf(), event, bpf_ktime_get_ns()))
		take_sample(ctx, event, DEFERRED);
}

/*
 * Before an exec nothing may sleep, and a program that only waits for its children has none
 * of the tables mapped that its stack at an exec takes. So where rules are wanted, a child is
 * looked at as it begins: it may sleep, and has its parent's files.
 */
static __always_inline void look_at_child(struct task_struct *child)
{
	enum somno_promise promise;

	if (sampling && wanted_looks && is_followed(child) && has_user_stack(child))
		schedule_in_free_slot(child, child->pid, run_deferred, &promise);
}

/*
 * A uprobe's program may be preempted by another one on its CPU. So it has no memory of the
 * CPU, and no function of it more than 64 bytes of stack: from there on the kernel (since 6.13)
 * gives it memory that is the CPU's, too, and two that meet there destroy each other.
 */
static __always_inline void take_uprobe(u32 event)
{
	u64 now_ns = bpf_ktime_get_ns();
	struct task_struct *task = bpf_get_current_task_btf();
	struct somno_kernel_half *half;
	struct workspace *ws;
	u32 index;

	if (!is_hit_wanted(task, event, now_ns))
		return;
	index = claim_workspace();
	ws = bpf_map_lookup_elem(&workspaces, &index);
	if (!ws) {
		count(no_workspace);
		return;
	}
	/* not in the ring itself: whoever is preempted there holds up all that comes behind */
	half = (struct somno_kernel_half *)ws->half_words;
	begin_half(half, task, bpf_get_smp_processor_id(), now_ns);
	half->weight = somno_config.sample_weight;
	half->state = SOMNO_ON_CPU;
	half->event = event;
	bpf_get_current_comm(half->comm, sizeof(half->comm));
	arrange_user_half(half, task);
	if (emit_to_user_ring(half, sizeof(*half)))
		count(kernel_ring_full);
	release_workspace(index);
}

#endif
