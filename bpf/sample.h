/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The interrupt half of a sample, in an NMI or a timer interrupt: the kernel
 * stack now, the user stack by a callback later. It takes no lock that anyone
 * else takes: arrays, atomics, and a ring of its own.
 */
#ifndef SOMNO_SAMPLE_H
#define SOMNO_SAMPLE_H

struct kernel_half_room {
	union {
		struct somno_kernel_half half;
		u64 words[(sizeof(struct somno_kernel_half) + sizeof(struct somno_waker)) / 8 +
			  2 * SOMNO_KERNEL_DEPTH];
	};
};

/*
 * Key: 0. Value: the half that this CPU builds; perf runs one program at a time
 * on a CPU. Never deleted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kernel_half_room);
} kernel_half_rooms SEC(".maps");

/*
 * Set by user space, for all events at once: to enable those of thousands of threads one by
 * one takes a second, in which nobody reads the rings.
 */
bool sampling;

static __always_inline bool is_target(struct task_struct *task, u32 cpu)
{
	if (!is_wanted(task))
		return false;
	if (somno_config.by_cpu) {
		cpu &= SOMNO_MAX_CPUS - 1;
		if (!(somno_config.cpus[cpu / 64] >> (cpu % 64) & 1))
			return false;
	}
	return true;
}

static __always_inline bool in_nmi(u32 cpu)
{
	u64 offset = 0;
	u32 preempt_count = 0;

	if (!somno_config.preempt_count)
		return false;
	bpf_probe_read_kernel(&offset, sizeof(offset),
			      (void *)somno_config.per_cpu_offset + cpu * sizeof(offset));
	bpf_probe_read_kernel(&preempt_count, sizeof(preempt_count),
			      (void *)somno_config.preempt_count + offset);
	return preempt_count & NMI_MASK;
}

/* Frames that bpf_get_stack wrote: 0 where user mode was interrupted or on an error. */
static __always_inline u32 stack_frames(long bytes)
{
	return bytes > 0 ? bytes / sizeof(u64) : 0;
}

/* Sees to the user stack: sets the promise, and the cookie where one is given. */
static __always_inline void arrange_user_half(struct somno_kernel_half *half,
					      struct task_struct *task)
{
	enum somno_promise promise = SOMNO_DEFERRED;
	u32 tid = task->pid;
	u32 index = find_slot(tid);
	struct slot *slot = bpf_map_lookup_elem(&slots, &index);

	if (slot) {
		if (slot->phase == SLOT_RUNNING)
			half->flags |= SOMNO_FLAG_OWN_COST;
	} else if (!read_only(task)->mm) {
		promise = SOMNO_EXITED;
	} else {
		index = schedule_in_free_slot(task, tid, run_deferred, &promise);
		if (promise == SOMNO_NO_SLOT)
			count(no_slot);
		if (promise == SOMNO_NOT_SCHEDULED)
			count(not_scheduled);
	}
	half->promise = promise;
	if (promise == SOMNO_DEFERRED)
		half->cookie = slot_cookie(index);
}

/* Takes the user stack here and now, by frame pointers: on a kernel that cannot defer. */
static __always_inline void take_user_frames(struct somno_kernel_half *half, void *ctx)
{
	half->promise = SOMNO_INTERRUPT;
	half->user_frames =
		stack_frames(bpf_get_stack(ctx, &half->addresses[half->kernel_frames & 127],
					   SOMNO_KERNEL_DEPTH * sizeof(u64), BPF_F_USER_STACK));
}

/* Whether the task ever is in user space. */
static __always_inline bool has_user_stack(struct task_struct *task)
{
	return !(task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER));
}

/* What is alike in all kernel halves, but for comm. */
static __always_inline void begin_half(struct somno_kernel_half *half, struct task_struct *task,
				       u32 cpu, u64 time_ns)
{
	u64 ids = ids_of(task);

	half->record = SOMNO_KERNEL_HALF;
	half->cpu = cpu;
	half->promise = SOMNO_KERNEL_ONLY;
	half->flags = 0;
	half->time_ns = time_ns;
	half->cookie = 0;
	half->cgroup = BPF_CORE_READ(cgroup_of(task), kn, id);
	half->environment = has_user_stack(task) ? environment_of(task) : 0;
	half->pid = ids >> 32;
	half->tid = ids;
	half->kernel_frames = 0;
	half->user_frames = 0;
	half->waker_frames = 0;
}

/* How the user stack is come by; known when compiling. */
enum capture_mode { DEFERRED, IN_INTERRUPT };

/*
 * Which of the session's events it is. Its number is in a field that is user space's to use,
 * and that inherited events have too; a cookie of the program's attachment they have not.
 */
static __always_inline u8 event_of(struct bpf_perf_event_data *ctx)
{
	struct bpf_perf_event_data_kern *kern;

	if (!somno_config.several_events)
		return 0;
	kern = bpf_cast_to_kern_ctx(ctx);
	return BPF_CORE_READ(kern, event, attr.sig_data);
}

static __always_inline void take_sample(void *ctx, u8 event, enum capture_mode mode)
{
	u64 started_ns = bpf_ktime_get_ns();
	struct task_struct *task = bpf_get_current_task_btf();
	u32 cpu = bpf_get_smp_processor_id();
	struct somno_kernel_half *half;
	struct kernel_half_room *room;
	u64 size, samples, cost_ns;
	u32 zero = 0;

	if (!sampling || !is_target(task, cpu))
		return;
	samples = admit(event, started_ns);
	if (!samples)
		return;
	room = bpf_map_lookup_elem(&kernel_half_rooms, &zero);
	if (!room)
		return;
	half = &room->half;
	begin_half(half, task, cpu, started_ns);
	half->flags = in_nmi(cpu) ? SOMNO_FLAG_NMI : 0;
	half->weight = somno_config.sample_weight * samples;
	half->state = SOMNO_ON_CPU;
	half->event = event;
	bpf_get_current_comm(half->comm, sizeof(half->comm));

	if (!somno_config.no_kernel)
		half->kernel_frames = stack_frames(
			bpf_get_stack(ctx, half->addresses, SOMNO_KERNEL_DEPTH * sizeof(u64), 0));
	if (has_user_stack(task)) {
		if (mode == DEFERRED)
			arrange_user_half(half, task);
		else
			take_user_frames(half, ctx);
	}

	size = sizeof(*half) +
	       ((half->kernel_frames & 127) + (half->user_frames & 127)) * sizeof(u64);
	if (!emit_kernel_half(&kernel_rings, half, size))
		owe_again(event, samples);
	cost_ns = bpf_ktime_get_ns() - started_ns;
	count_nmi_cost(cost_ns);
	pay_in_interrupt(cost_ns);
}

#endif
