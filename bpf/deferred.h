/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The user half: runs in the sampled task just before it returns to user space, or when it exits.
 */
#ifndef SOMNO_DEFERRED_H
#define SOMNO_DEFERRED_H

static __always_inline void send_user_half(struct workspace *ws, struct task_struct *task,
					   u64 cookie, enum read_mode mode, u64 started_ns)
{
	struct somno_user_half *half = &ws->half;
	u64 size = sizeof(*half) + clamp(half->frame_count, SOMNO_MAX_DEPTH) * sizeof(u64);
	u64 ids = ids_of(task);

	half->record = SOMNO_USER_HALF;
	half->leaving = mode == NO_FAULT;
	half->cookie = cookie;
	half->process_start_ns = read_only(task)->group_leader->start_boottime;
	half->pid = ids >> 32;
	half->tid = ids;
	half->slept = ws->slept;
	half->time_ns = bpf_ktime_get_ns();
	half->cost_ns = clamp(half->time_ns - started_ns, ~0U);
	/* at once: user space opens the files while the process is still there */
	if (ws->discovered ? emit_now(half, size) : emit_to_user_ring(half, size))
		count(user_ring_full);
	ws->discovered = false;
}

/* Unwinds the current task for a slot that it holds, and sends the result. */
static __always_inline void serve_slot(struct slot *slot, u64 cookie, enum read_mode mode)
{
	u64 started_ns = bpf_ktime_get_ns();
	struct task_struct *task = bpf_get_current_task_btf();
	u32 index = claim_workspace();
	struct workspace *ws = bpf_map_lookup_elem(&workspaces, &index);
	bool has_mappings = false;

	if (!ws) {
		count(no_workspace);
		return;
	}
	if (slot->exec_id != (u32)task->self_exec_id) {
		ws->half.outcome = SOMNO_EXEC;
		ws->half.frame_count = 0;
		ws->slept = 0;
	} else if (!read_only(task)->mm) {
		ws->half.outcome = SOMNO_PAST_EXIT;
		ws->half.frame_count = 0;
		ws->slept = 0;
	} else {
		has_mappings = unwind(ws, task, mode);
	}
	send_user_half(ws, task, cookie, mode, started_ns);
	if (has_mappings) {
		send_environment(ws, task, mode);
		capture_symbols(ws, mode);
	}
	release_workspace(index);
	pay_in_callback(bpf_ktime_get_ns() - started_ns);
}

/* The task-work callback. The slot is free when it returns, whatever happened. */
static int run_deferred(struct bpf_map *map, void *key, void *value)
{
	u32 index = *(u32 *)key & (SOMNO_SLOTS - 1);
	struct slot *slot = value;

	if (slot->phase == SLOT_SCHEDULED) {
		slot->phase = SLOT_RUNNING;
		serve_slot(slot, slot_cookie(index), MAY_SLEEP);
	}
	release_slot(slot, index);
	return 0;
}

#endif
