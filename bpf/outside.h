/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Which task an unwind is of: the current one, or, in an object of its own (outside.bpf.c),
 * another that waits.
 */
#ifndef SOMNO_OUTSIDE_H
#define SOMNO_OUTSIDE_H

#ifdef SOMNO_OUTSIDE

#define IS_OUTSIDE true

/* The task that is read; NULL where it is gone. To be given back. */
static __always_inline struct task_struct *take_target(struct workspace *ws)
{
	return bpf_task_from_pid(ws->outside_tid);
}

static __always_inline void give_back(struct task_struct *task)
{
	bpf_task_release(task);
}

/* Waits for disks, but for no userfaultfd: the kernel does not let such a fault wait. */
static __always_inline long read_target(struct workspace *ws, void *to, u32 size, u64 address)
{
	struct task_struct *task = take_target(ws);
	long err;

	if (!task)
		return -ENOENT;
	err = bpf_copy_from_user_task(to, size, (void *)address, task, 0);
	give_back(task);
	return err;
}

/* Up to a zero byte or the end of the room; bytes with the zero. */
static __always_inline long read_target_text(struct workspace *ws, char *to, u32 size, u64 address)
{
	struct task_struct *task = take_target(ws);
	long len;

	if (!task)
		return -ENOENT;
	len = bpf_copy_from_user_task_str(to, size, (void *)address, task, 0);
	give_back(task);
	return len;
}

#else

#define IS_OUTSIDE false

static __always_inline struct task_struct *take_target(struct workspace *ws)
{
	return bpf_get_current_task_btf();
}

static __always_inline void give_back(struct task_struct *task)
{
}

static __always_inline long read_target(struct workspace *ws, void *to, u32 size, u64 address)
{
	return bpf_probe_read_user(to, size, (void *)address);
}

static __always_inline long read_target_text(struct workspace *ws, char *to, u32 size, u64 address)
{
	return bpf_probe_read_user_str(to, size, (void *)address);
}

#endif

#endif
