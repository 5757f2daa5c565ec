/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Intervals off the CPU. sched_switch notes when and why a followed task left it; when
 * the task is back, an interval that was long enough becomes a sample. The kernel stack is
 * taken only then, by the task itself: at the end of __schedule it is still what it was when
 * the task left, and no run queue is locked, so that a ring may be. Where it is wanted,
 * sched_waking notes who ended the interval.
 */
#ifndef SOMNO_OFFCPU_H
#define SOMNO_OFFCPU_H

struct interval {
	/* 0: the task is on a CPU, as far as is known */
	u64 since_ns;
	u32 state;
	u32 reserved;
};

/*
 * Key: task. Value: its latest interval. Added when the task is first followed, where no
 * run queue is locked; deleted with the task.
 */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct interval);
} intervals SEC(".maps");

/* Who ended an interval. */
struct waker {
	/* when that began; another one's is of no use */
	u64 since_ns;
	u32 frames;
	u32 reserved;
	union {
		struct somno_waker who;
		u64 words[sizeof(struct somno_waker) / 8 + SOMNO_KERNEL_DEPTH];
	};
};

/* Key: task. Value: who woke it last. Added and deleted like its interval, where wanted. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct waker);
} wakers SEC(".maps");

/* Key: 0. Value: the sample that this CPU builds, with preemption off. Never deleted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kernel_half_room);
} switch_rooms SEC(".maps");

/* Set by user space while intervals are looked at. */
bool off_cpu_sampling;
/* Likewise, when that is over. */
u64 off_cpu_end_ns;

/* An address in __schedule, where every task that is off the CPU will go on. */
u64 switched_from;

/* Frames of the tracing itself that stacks begin with: as many as the last time, mostly. */
#define TRACING_FRAMES_MAX 8
u32 tracing_frames;

/* All functions of the scheduler are near each other, and far from those that trace. */
#define SCHEDULER_TEXT 0x10000

/* Whether the task's intervals are wanted; what may change of that is_target looks at. */
static __always_inline bool is_tracked(struct task_struct *task)
{
	if (task->tgid == own_pid || !task->pid)
		return false;
	return somno_config.follow_all || bpf_task_storage_get(&followed, task, NULL, 0);
}

static __always_inline struct interval *track(struct task_struct *task)
{
	struct interval *interval =
		bpf_task_storage_get(&intervals, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!interval)
		count(off_cpu_untracked);
	if (somno_config.wakers)
		bpf_task_storage_get(&wakers, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return interval;
}

static __always_inline void track_child(struct task_struct *child)
{
	if (somno_config.off_cpu && is_tracked(child))
		track(child);
}

static __always_inline enum somno_state state_of(u32 task_state)
{
	if (!task_state)
		return SOMNO_PREEMPTED;
	/* a kernel thread without work says so: nothing waits for it */
	if (task_state & (TASK_INTERRUPTIBLE | TASK_NOLOAD))
		return SOMNO_INTERRUPTIBLE;
	return task_state & TASK_UNINTERRUPTIBLE ? SOMNO_UNINTERRUPTIBLE : SOMNO_STOPPED;
}

/* The run queue is locked: looks up and stores. */
static __always_inline void begin_interval(struct task_struct *task, bool preempted, u32 task_state)
{
	struct interval *interval;

	if (!off_cpu_sampling || task_state & TASK_DEAD)
		return;
	interval = bpf_task_storage_get(&intervals, task, NULL, 0);
	if (!interval)
		return;
	interval->state = preempted ? SOMNO_PREEMPTED : state_of(task_state);
	interval->since_ns = bpf_ktime_get_ns();
}

static __always_inline bool is_in_scheduler(u64 address)
{
	return address - switched_from + SCHEDULER_TEXT < 2 * SCHEDULER_TEXT;
}

/* How many frames of a stack are of the tracing itself: all before __schedule. */
static __always_inline u32 count_tracing_frames(struct somno_kernel_half *half)
{
	for (u32 i = 0; i < TRACING_FRAMES_MAX; i++) {
		if (i < half->kernel_frames && is_in_scheduler(half->addresses[i]))
			return i;
	}
	return 0;
}

/* Takes the stack of the current task without its first frames. */
static __always_inline void take_stack(void *ctx, struct somno_kernel_half *half, u32 skipped)
{
	half->kernel_frames =
		stack_frames(bpf_get_stack(ctx, half->addresses, SOMNO_KERNEL_DEPTH * sizeof(u64),
					   skipped & BPF_F_SKIP_FIELD_MASK));
}

/* Takes the stack of the current task, from __schedule on. */
static __always_inline void take_own_stack(void *ctx, struct somno_kernel_half *half)
{
	take_stack(ctx, half, tracing_frames);
	if (!switched_from || is_in_scheduler(half->addresses[0]))
		return;
	/* the first of all, or somebody else began to trace the same, or ended it */
	take_stack(ctx, half, 0);
	tracing_frames = count_tracing_frames(half);
	take_stack(ctx, half, tracing_frames);
}

/* Begins the sample of an interval that was long enough; NULL where it is to be none. */
static __always_inline struct somno_kernel_half *begin_off_cpu(struct task_struct *task, u32 cpu,
							       struct interval *ended, u64 now_ns)
{
	u64 length_ns = now_ns - ended->since_ns;
	struct kernel_half_room *room;
	u32 zero = 0;

	/* sampling was over at a moment before it began */
	if (ended->since_ns > now_ns)
		return NULL;
	if (!is_target(task, cpu) || is_launcher(task))
		return NULL;
	if (length_ns < somno_config.off_cpu_min_ns) {
		count(off_cpu_short);
		count_add(off_cpu_short_ns, length_ns);
		return NULL;
	}
	room = bpf_map_lookup_elem(&switch_rooms, &zero);
	if (!room)
		return NULL;
	begin_half(&room->half, task, cpu, now_ns);
	room->half.weight = length_ns;
	room->half.state = ended->state;
	room->half.event = somno_config.off_cpu_event;
	bpf_probe_read_kernel_str(room->half.comm, sizeof(room->half.comm), task->comm);
	return &room->half;
}

/* Adds who ended the interval behind its stack; returns how many bytes that takes. */
static __always_inline u64 add_waker(struct somno_kernel_half *half, struct task_struct *task,
				     struct interval *ended)
{
	struct waker *waker = bpf_task_storage_get(&wakers, task, NULL, 0);
	u64 size;

	if (!waker || waker->since_ns != ended->since_ns)
		return 0;
	half->flags |= SOMNO_FLAG_WAKER;
	half->waker_frames = waker->frames & 127;
	size = sizeof(waker->who) + (waker->frames & 127) * sizeof(u64);
	bpf_probe_read_kernel(&half->addresses[half->kernel_frames & 127], size, &waker->who);
	return size;
}

/* Sees to the user stack and sends the sample. */
static __always_inline void finish_off_cpu(struct task_struct *task, struct somno_kernel_half *half,
					   struct interval *ended)
{
	u64 size = sizeof(*half) + (half->kernel_frames & 127) * sizeof(u64);

	if (has_user_stack(task))
		arrange_user_half(half, task);
	if (somno_config.wakers)
		size += add_waker(half, task, ended);
	emit_kernel_half(&switch_rings, half, size);
}

/*
 * A task that waits is woken, whose lock is held. The stack is taken only where it will be
 * wanted, as far as is known now.
 */
static __always_inline void note_waker(void *ctx, struct task_struct *task)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct interval *interval;
	struct waker *waker;
	u64 ids;

	if (!off_cpu_sampling)
		return;
	interval = bpf_task_storage_get(&intervals, task, NULL, 0);
	if (!interval || !interval->since_ns)
		return;
	waker = bpf_task_storage_get(&wakers, task, NULL, 0);
	if (!waker)
		return;
	ids = ids_of(current);
	waker->who.pid = ids >> 32;
	waker->who.tid = ids;
	bpf_get_current_comm(waker->who.comm, sizeof(waker->who.comm));
	waker->frames = 0;
	if (!somno_config.no_kernel &&
	    bpf_ktime_get_ns() - interval->since_ns >= somno_config.off_cpu_min_ns)
		waker->frames = stack_frames(bpf_get_stack(ctx, waker->who.addresses,
							   SOMNO_KERNEL_DEPTH * sizeof(u64),
							   tracing_frames & BPF_F_SKIP_FIELD_MASK));
	waker->since_ns = interval->since_ns;
}

/* Ends the interval of a task, if it has one; whoever takes it is the only one to. */
static __always_inline bool take_interval(struct task_struct *task, struct interval *ended)
{
	struct interval *interval = bpf_task_storage_get(&intervals, task, NULL, 0);

	if (!interval || !interval->since_ns)
		return false;
	ended->state = interval->state;
	ended->since_ns = __sync_lock_test_and_set(&interval->since_ns, 0);
	return ended->since_ns;
}

/* The current task is back on a CPU. */
static __always_inline void end_interval(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct somno_kernel_half *half;
	struct interval ended;
	u64 now_ns;

	if (!off_cpu_sampling || !take_interval(task, &ended))
		return;
	now_ns = bpf_ktime_get_ns();
	half = begin_off_cpu(task, bpf_get_smp_processor_id(), &ended, now_ns);
	if (!half)
		return;
	if (!somno_config.no_kernel)
		take_own_stack(ctx, half);
	finish_off_cpu(task, half, &ended);
	count_nmi_cost(bpf_ktime_get_ns() - now_ns);
}

/* Where a task that waits will go on. */
static __always_inline u64 resume_address(struct task_struct *task)
{
	struct inactive_task_frame *frame = (void *)task->thread.sp;

	return BPF_CORE_READ(frame, ret_addr);
}

/* Sampling begins: tasks that are off the CPU already are so from now on. */
static __always_inline void open_interval(struct task_struct *task)
{
	u32 task_state = task->__state;
	struct interval *interval;

	if (!task->on_cpu && task_state & (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE))
		switched_from = resume_address(task);
	if (task_state & TASK_DEAD || !is_tracked(task))
		return;
	interval = track(task);
	if (!interval || task->on_cpu || interval->since_ns)
		return;
	interval->state = state_of(task_state);
	interval->since_ns = bpf_ktime_get_ns();
}

/*
 * Sampling is over: intervals that are open end now. The kernel walks the stack of another
 * task only from below the scheduler's own functions on.
 */
static __always_inline void close_interval(struct task_struct *task)
{
	struct somno_kernel_half *half;
	struct interval ended;

	if (!take_interval(task, &ended))
		return;
	half = begin_off_cpu(task, task->thread_info.cpu, &ended, off_cpu_end_ns);
	if (!half)
		return;
	if (!somno_config.no_kernel)
		half->kernel_frames = stack_frames(bpf_get_task_stack(
			task, half->addresses, SOMNO_KERNEL_DEPTH * sizeof(u64), 0));
	finish_off_cpu(task, half, &ended);
}

#endif
