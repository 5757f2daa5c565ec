/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Removes, by sleeping, what stood in the way of a step: pages that are not
 * resident, or the lock of an address space that was being changed.
 *
 * The promise: nothing sleeps on memory that a driver serves (VM_IO, VM_PFNMAP) or
 * that a userfaultfd watches, nor more than MAX_RESCUES times for a sample. A file
 * system that never answers holds up the task whose tables are read there, until
 * that is killed: programs are run from FUSE, and their tables are never resident.
 */
#ifndef SOMNO_RESCUE_H
#define SOMNO_RESCUE_H

/* Of one unwind: each may cost a disk access. */
#define MAX_RESCUES 128

/*
 * Who sleeps holds a workspace. So many at once may, that the others have some left though a
 * file system does not answer.
 */
#define SLEEPERS_MAX (WORKSPACES / 4 * 3)

u32 sleepers;

static __always_inline bool begin_sleep(void)
{
	if (__sync_fetch_and_add(&sleepers, 1) < SLEEPERS_MAX)
		return true;
	__sync_fetch_and_sub(&sleepers, 1);
	return false;
}

static __always_inline void end_sleep(void)
{
	__sync_fetch_and_sub(&sleepers, 1);
}

/*
 * By a read that takes the lock for reading and waits for it. Of what the thread was
 * just using, the top of its stack: at an address that is not mapped the kernel would
 * take the lock for writing, to look whether the stack should grow there.
 */
static __always_inline bool wait_for_lock(struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	u8 byte;

	bpf_copy_from_user_task(&byte, sizeof(byte), (void *)regs->sp, task, 0);
	return true;
}

/* Has the page of an address be resident. */
static __always_inline bool touch(struct workspace *ws, struct task_struct *task, u64 address)
{
	u8 byte;

	switch (ask_anew(ws, address)) {
	case MAPPING_BUSY:
		/* the step will meet the obstacle again */
		return wait_for_lock(task);
	case MAPPING_NONE:
		return false;
	}
	return ws->asked.may_sleep && !bpf_copy_from_user(&byte, sizeof(byte), (void *)address);
}

static __always_inline bool remove_obstacle(struct workspace *ws)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 first = ws->obstacle_at, last = first + ws->obstacle_len - 1;

	if (ws->obstacle == OBSTACLE_LOCK)
		return wait_for_lock(task);
	if (!touch(ws, task, first))
		return false;
	if (first / PAGE_SIZE != last / PAGE_SIZE && !touch(ws, task, last))
		return false;
	ws->slept++;
	return true;
}

static __always_inline bool may_rescue(struct workspace *ws)
{
	return !somno_config.no_fault && ws->rescues < MAX_RESCUES;
}

/* Whether the step is worth taking again. */
static __noinline bool rescue(struct workspace *ws)
{
	bool is_removed;

	if (!may_rescue(ws))
		return false;
	ws->rescues++;
	if (!begin_sleep())
		return false;
	is_removed = remove_obstacle(ws);
	end_sleep();
	return is_removed;
}

#endif
