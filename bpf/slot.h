/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Slots: who has a callback pending. A task holds at most one; samples that it
 * gets while it holds one share its cookie and schedule nothing.
 *
 * A slot is small because a task may hold it for as long as it blocks in the
 * kernel; what an unwind needs is claimed when the callback runs (workspace.h).
 */
#ifndef SOMNO_SLOT_H
#define SOMNO_SLOT_H

#define SLOT_WAYS 8

enum slot_phase {
	SLOT_SCHEDULED = 0,
	/* the callback is at work: what is sampled now is somno's own cost */
	SLOT_RUNNING = 1,
	/* the user half was sent before an exit or exec; the callback only releases */
	SLOT_SENT = 2,
};

struct slot {
	struct bpf_task_work work;
	/* the program that the sample belongs to: exec counts it up */
	u32 exec_id;
	u32 phase;
};

/*
 * Key: slot number. Never deleted: an element that was armed before is armed
 * again without allocating.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SOMNO_SLOTS);
	__type(key, u32);
	__type(value, struct slot);
} slots SEC(".maps");

/* Owner words, apart from the slots so that one probe reads one cache line. */
u64 slot_owner[SOMNO_SLOTS] SEC(".bss.owners") __attribute__((aligned(64)));

#define NO_SLOT SOMNO_SLOTS

/* Threads of a process have neighbouring tids, which spread by themselves. */
static __always_inline u32 first_way(u32 tid)
{
	return (tid * SLOT_WAYS) & (SOMNO_SLOTS - 1);
}

/* The cookie is never 0: the first turn is 1. */
static __always_inline u64 slot_cookie(u32 index)
{
	return (u64)index << 32 | SOMNO_OWNER_TURN(slot_owner[index & (SOMNO_SLOTS - 1)]);
}

/* The slot that the task holds, or NO_SLOT. */
static __always_inline u32 find_slot(u32 tid)
{
	u32 first = first_way(tid);

	for (u32 way = 0; way < SLOT_WAYS; way++) {
		u32 index = (first + way) & (SOMNO_SLOTS - 1);

		if (SOMNO_OWNER_TID(slot_owner[index]) == tid)
			return index;
	}
	return NO_SLOT;
}

/* Takes a free slot at or after `way` for the task; only an owner word of 0 tid is taken. */
static __always_inline u32 claim_slot(u32 tid, u32 from_way)
{
	u32 first = first_way(tid);

	for (u32 way = from_way; way < SLOT_WAYS; way++) {
		u32 index = (first + way) & (SOMNO_SLOTS - 1);
		u64 owner = slot_owner[index];
		u64 next = (u64)(SOMNO_OWNER_TURN(owner) + 1) << 32 | tid;

		if (SOMNO_OWNER_TID(owner))
			continue;
		if (__sync_val_compare_and_swap(&slot_owner[index], owner, next) == owner)
			return index;
	}
	return NO_SLOT;
}

/* Whoever claims it next, and whatever interrupts that, finds it in its first phase. */
static __always_inline void release_slot(struct slot *slot, u32 index)
{
	u64 owner = slot_owner[index & (SOMNO_SLOTS - 1)];

	slot->phase = SLOT_SCHEDULED;
	barrier();
	slot_owner[index & (SOMNO_SLOTS - 1)] = owner & ~0xffffffffULL;
}

static __always_inline long schedule(struct task_struct *task, struct slot *slot,
				     bpf_task_work_callback_t callback)
{
	if (bpf_ksym_exists(bpf_task_work_schedule_resume))
		return bpf_task_work_schedule_resume(task, &slot->work, &slots, callback);
	if (bpf_ksym_exists(bpf_task_work_schedule_resume_impl))
		return bpf_task_work_schedule_resume_impl(task, &slot->work, &slots, callback,
							  NULL);
	return -ENOENT;
}

/*
 * Claims a slot for a task that holds none and schedules its callback. A slot
 * whose callback has released it may still be running for the kernel, which
 * then says EBUSY: the next one is tried. Undone on every error, or the task
 * would be silent from then on.
 */
static __always_inline u32 schedule_in_free_slot(struct task_struct *task, u32 tid,
						 bpf_task_work_callback_t callback,
						 enum somno_promise *promise)
{
	u32 way = 0;

	*promise = SOMNO_NO_SLOT;
#pragma unroll
	for (int attempt = 0; attempt < 3; attempt++) {
		u32 index = claim_slot(tid, way);
		struct slot *slot;

		if (index == NO_SLOT)
			return NO_SLOT;
		slot = bpf_map_lookup_elem(&slots, &index);
		if (!slot)
			return NO_SLOT;
		slot->exec_id = task->self_exec_id;
		if (!schedule(task, slot, callback)) {
			*promise = SOMNO_DEFERRED;
			return index;
		}
		release_slot(slot, index);
		*promise = SOMNO_NOT_SCHEDULED;
		way = ((index - first_way(tid)) & (SLOT_WAYS - 1)) + 1;
	}
	return NO_SLOT;
}

static int do_nothing(struct bpf_map *map, void *key, void *value)
{
	return 0;
}

/*
 * Arms a range of slots once, in somno's own task: arming allocates, which in
 * the interrupt would soon find no memory. With interrupts off, because each
 * arming interrupts its own CPU, which costs microseconds in a guest; then it
 * is once for all of them. Returns how many were armed.
 */
static __always_inline u32 arm_slots(u32 first)
{
	struct task_struct *task = bpf_get_current_task_btf();
	unsigned long flags;
	u32 armed = 0;

	bpf_local_irq_save(&flags);
	for (u32 i = 0; i < SOMNO_ARM_BATCH; i++) {
		u32 index = (first + i) & (SOMNO_SLOTS - 1);
		struct slot *slot = bpf_map_lookup_elem(&slots, &index);

		if (slot && !schedule(task, slot, do_nothing))
			armed++;
	}
	bpf_local_irq_restore(&flags);
	return armed;
}

#endif
