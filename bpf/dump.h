/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where every followed task is now: a sample of each that is not on a CPU, with the kernel
 * stack that it waits in. Callbacks are scheduled for the user stacks, as for any sample; those
 * of tasks that go on waiting are read from outside (pending.h).
 */
#ifndef SOMNO_DUMP_H
#define SOMNO_DUMP_H

/* How often the task left a CPU: the same before and after, it did not run in between. */
static __always_inline u64 switches_of(struct task_struct *task)
{
	return task->nvcsw + task->nivcsw;
}

/*
 * The callback is scheduled before the kernel stack is taken: if the task did not run in
 * between, it has not returned to user space either, and the user stack will be the one below.
 */
static __always_inline void dump_task(struct task_struct *task)
{
	u64 switches = switches_of(task);
	bool waited = !task->on_cpu;
	u32 cpu = task->thread_info.cpu;
	u32 task_state = task->__state;
	struct somno_kernel_half *half;
	struct kernel_half_room *room;
	u32 zero = 0;

	if (task_state & TASK_DEAD || !is_tracked(task) || !is_target(task, cpu))
		return;
	room = bpf_map_lookup_elem(&switch_rooms, &zero);
	if (!room)
		return;
	half = &room->half;
	begin_half(half, task, cpu, bpf_ktime_get_ns());
	half->weight = 1;
	half->event = 0;
	half->state = SOMNO_ON_CPU;
	bpf_probe_read_kernel_str(half->comm, sizeof(half->comm), task->comm);
	if (has_user_stack(task))
		arrange_user_half(half, task);
	if (waited)
		half->kernel_frames = stack_frames(bpf_get_task_stack(
			task, half->addresses, SOMNO_KERNEL_DEPTH * sizeof(u64), 0));
	if (waited && !task->on_cpu && switches_of(task) == switches)
		half->state = state_of(task_state);
	else
		half->kernel_frames = 0;
	emit_kernel_half(&kernel_rings, half,
			 sizeof(*half) + (half->kernel_frames & 127) * sizeof(u64));
}

#endif
