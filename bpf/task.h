/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Which tasks are followed, and notices of what they do. perf's own records of
 * forks, execs, exits and names need a buffer that an inherited event on no
 * particular CPU may not have.
 */
#ifndef SOMNO_TASK_H
#define SOMNO_TASK_H

/* Key: task. Value: an enum somno_following. User space adds the first ones; deleted with the
 * task. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, u32);
} followed SEC(".maps");

static __always_inline bool is_followed(struct task_struct *task)
{
	if (!is_wanted(task))
		return false;
	return somno_config.follow_all || bpf_task_storage_get(&followed, task, NULL, 0);
}

static __always_inline void follow_child(struct task_struct *parent, struct task_struct *child)
{
	u32 *following, *own;

	if (somno_config.follow_all || !somno_config.inherit)
		return;
	following = bpf_task_storage_get(&followed, parent, NULL, 0);
	if (!following)
		return;
	/* it came before its parent's events: those of a thread are opened when it is listed */
	if (*following == SOMNO_OPENING && !read_only(child)->perf_event_ctxp)
		return;
	/* refused without memory, or if it interrupted who changes such storage on this CPU */
	own = bpf_task_storage_get(&followed, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (own)
		*own = SOMNO_OPENED;
	else
		count(notices_lost);
}

static __always_inline void notify(enum somno_notice_kind kind, struct task_struct *task,
				   struct task_struct *parent, const char *comm)
{
	u64 ids = ids_of(task);
	struct somno_notice notice = {
		.record = SOMNO_NOTICE,
		.kind = kind,
		.time_ns = bpf_ktime_get_ns(),
		.pid = ids >> 32,
		.tid = ids,
	};

	if (parent) {
		notice.parent_pid = pid_of(parent);
	}
	bpf_probe_read_kernel_str(notice.comm, sizeof(notice.comm), comm);
	if (emit_to_user_ring(&notice, sizeof(notice)))
		count(notices_lost);
}

/* The callback of a slot that was served before its task left: only releases. */
static int release_served(struct bpf_map *map, void *key, void *value)
{
	release_slot(value, *(u32 *)key);
	return 0;
}

/* Whether the process ends with this thread: the tear-down of one among several is short. */
static __always_inline bool is_last_thread(struct task_struct *task)
{
	return read_only(task)->signal->live.counter == 0;
}

/*
 * Whether the task is somno's child that is about to become COMMAND: its stack is somno's own.
 * COMMAND's threads have not executed anything either, but their first one has.
 */
static __always_inline bool is_launcher(struct task_struct *task)
{
	return read_only(task)->group_leader->flags & PF_FORKNOEXEC &&
	       read_only(task)->real_parent->tgid == own_pid;
}

/*
 * Unwinds while the memory is still there, which exit and exec are about to give
 * up: task work runs after both. A stack is taken even if nothing is pending, for
 * the samples that will hit the tear-down; they have the slot's cookie until the
 * callback, which then only releases.
 */
static __always_inline void serve_before_leaving(struct task_struct *task)
{
	bool tears_down = !(task->flags & PF_EXITING) || is_last_thread(task);
	u32 tid = task->pid;
	u32 index = find_slot(tid);
	enum somno_promise promise;
	struct slot *slot;

	if (index == NO_SLOT && read_only(task)->mm && tears_down) {
		schedule_in_free_slot(task, tid, release_served, &promise);
		/* An interrupt in between took one before, which the samples have from then on. */
		index = find_slot(tid);
	}
	slot = bpf_map_lookup_elem(&slots, &index);
	if (!slot || slot->phase != SLOT_SCHEDULED)
		return;
	slot->phase = SLOT_RUNNING;
	serve_slot(slot, slot_cookie(index), NO_FAULT);
	slot->phase = SLOT_SENT;
}

#endif
