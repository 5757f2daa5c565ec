/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What is pending when sampling is over: stacks of tasks that are still in the kernel, read
 * from outside while they wait there. Nothing stops them: one that comes back meanwhile goes
 * on with other registers, and its callback sends the stack.
 */
#ifndef SOMNO_PENDING_H
#define SOMNO_PENDING_H

#ifdef SOMNO_OUTSIDE

static __always_inline bool waits(struct task_struct *task)
{
	return !task->on_cpu && !(task->flags & PF_EXITING) && read_only(task)->mm;
}

/* Global, so that what follows is verified once, not once for each place where a slot may be. */
__noinline u32 find_held_slot(u32 tid)
{
	return find_slot(tid);
}

/*
 * Whether the callback has not begun. A task that waited with it scheduled has not returned to
 * user space then, and has the registers that it had, though it may have run in the kernel: a
 * server that sends a file runs and waits many times a second in one system call.
 */
static __always_inline bool is_pending(u32 tid, u64 cookie)
{
	u32 index = find_held_slot(tid);
	struct slot *slot = bpf_map_lookup_elem(&slots, &index);

	return slot && slot->phase == SLOT_SCHEDULED && slot_cookie(index) == cookie;
}

static __always_inline void unwind_from_outside(struct task_struct *task, u64 cookie)
{
	u64 started_ns = bpf_ktime_get_ns();
	u32 tid = task->pid, index = claim_workspace();
	struct workspace *ws = bpf_map_lookup_elem(&workspaces, &index);

	if (!ws) {
		count(no_workspace);
		return;
	}
	ws->outside_tid = tid;
	unwind(ws, task, NO_FAULT);
	if (is_pending(tid, cookie))
		send_user_half(ws, task, cookie, MAY_SLEEP, started_ns);
	send_environment(ws, task, NO_FAULT);
	release_workspace(index);
}

/* Sends the stack of a task whose callback is pending, if the task waits. */
static __always_inline void serve_pending(struct task_struct *task)
{
	u32 index = find_held_slot(task->pid);
	u64 cookie = slot_cookie(index);
	struct slot *slot = bpf_map_lookup_elem(&slots, &index);

	if (!slot || slot->phase != SLOT_SCHEDULED || !waits(task) ||
	    slot->exec_id != (u32)task->self_exec_id)
		return;
	unwind_from_outside(task, cookie);
}

#endif

#endif
