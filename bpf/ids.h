/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What tasks are called in somno's own pid namespace, where users know them and /proc lists
 * them. A task that is not in it keeps its number in the first one.
 */
#ifndef SOMNO_IDS_H
#define SOMNO_IDS_H

/* 0 is the first namespace, where numbers are the kernel's own. */
u32 own_pid_level;
/* An address, not followed. */
u64 own_pid_namespace;

static __always_inline struct upid *number_at(struct pid *pid, u32 level)
{
	return (void *)pid + bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid);
}

static __always_inline u32 number_of(struct pid *pid, u32 level, u32 otherwise)
{
	struct upid *number = number_at(pid, level);

	if (BPF_CORE_READ(pid, level) < level ||
	    (u64)BPF_CORE_READ(number, ns) != own_pid_namespace)
		return otherwise;
	return BPF_CORE_READ(number, nr);
}

/* The process in the upper half, the thread in the lower. */
__noinline u64 translated_ids(struct task_struct *task __arg_trusted)
{
	u32 level = own_pid_level;
	u32 pid = number_of(BPF_CORE_READ(task, group_leader, thread_pid), level, task->tgid);
	u32 tid = number_of(BPF_CORE_READ(task, thread_pid), level, task->pid);

	return (u64)pid << 32 | tid;
}

static __always_inline u64 ids_of(struct task_struct *task)
{
	return own_pid_level ? translated_ids(task) : (u64)task->tgid << 32 | (u32)task->pid;
}

static __always_inline u32 pid_of(struct task_struct *task)
{
	return ids_of(task) >> 32;
}

static __always_inline void learn_own_pid_namespace(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);

	own_pid_namespace = (u64)BPF_CORE_READ(number_at(pid, level), ns);
	own_pid_level = level;
}

#endif
