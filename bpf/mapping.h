/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * From an address to its mapping, and from there to a frame.
 *
 * A look-up costs some 400 ns, so a thread's mappings are remembered from sample to
 * sample, for as long as they provably hold: whoever changes an address space counts
 * its mm_lock_seq up before and after, and a thread gets another address space by an
 * exec alone, which counts its self_exec_id up.
 */
#ifndef SOMNO_MAPPING_H
#define SOMNO_MAPPING_H

#define VM_EXEC 4

/* Key: task. Value: what the last sample of it knew. Deleted with the task. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct address_space);
} address_spaces SEC(".maps");

enum mapping_result {
	MAPPING_FOUND,
	/* nothing is mapped there */
	MAPPING_NONE,
	/* the address space is being changed */
	MAPPING_BUSY,
};

/* How often the address space was locked and unlocked for changes; odd: it is locked. */
static __always_inline u32 lock_sequence(struct task_struct *task)
{
	return task->mm->mm_lock_seq.sequence;
}

/* Begins with the mappings that the last sample of the thread found, where they still hold. */
static __always_inline void recall_mappings(struct workspace *ws, struct task_struct *task)
{
	u32 sequence = lock_sequence(task);
	struct address_space *kept;

	ws->space_grew = false;
	ws->space_untold = false;
	kept = bpf_task_storage_get(&address_spaces, task, NULL, 0);
	if (kept && kept->sequence == sequence && kept->exec_id == (u32)task->self_exec_id) {
		ws->space = *kept;
		return;
	}
	__builtin_memset(&ws->space, 0, sizeof(ws->space));
	ws->space.sequence = sequence;
	ws->space.exec_id = task->self_exec_id;
}

/* Keeps what was found for the next sample, unless the address space changed meanwhile. */
static __always_inline void keep_mappings(struct workspace *ws, struct task_struct *task)
{
	struct address_space *kept;
	u32 sequence = ws->space.sequence;

	if (!ws->space_grew || ws->space_untold || sequence & 1 || sequence != lock_sequence(task))
		return;
	kept = bpf_task_storage_get(&address_spaces, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (kept)
		*kept = ws->space;
}

static __always_inline struct mapping *mapping_at(struct workspace *ws, u32 index)
{
	return &ws->space.mappings[index & (MAPPINGS_KEPT - 1)];
}

struct mapping_query {
	struct workspace *ws;
};

/* Runs with the address space locked: takes what is needed and reads no user memory. */
static long take_mapping(struct task_struct *task, struct vm_area_struct *vma,
			 struct mapping_query *query)
{
	struct workspace *ws = query->ws;
	struct mapping *mapping = mapping_at(ws, ws->space.next);

	mapping->start = vma->vm_start;
	mapping->end = vma->vm_end;
	mapping->file_offset = vma->vm_pgoff << 12;
	mapping->executable = vma->vm_flags & VM_EXEC;
	mapping->module = module_of(ws, task, vma);
	if (mapping->module == SOMNO_MODULE_VDSO)
		mapping->file_offset = 0;
	return 0;
}

static __always_inline bool within(struct mapping *mapping, u64 address)
{
	return address >= mapping->start && address < mapping->end;
}

/* Finds the mapping of an address among those that are known, or asks the kernel. */
__noinline int look_up_mapping(struct workspace *ws __arg_nonnull, u64 address,
			       u32 *index __arg_nonnull)
{
	struct mapping_query query = {.ws = ws};
	long err;

	for (u32 i = 0; i < MAPPINGS_KEPT; i++) {
		if (within(mapping_at(ws, i), address)) {
			*index = i;
			ws->space.last = i;
			return MAPPING_FOUND;
		}
	}

	/* it only tries the lock of the address space */
	err = bpf_find_vma(bpf_get_current_task_btf(), address, take_mapping, &query, 0);
	if (err == -EBUSY) {
		ws->obstacle = OBSTACLE_LOCK;
		return MAPPING_BUSY;
	}
	if (err || !within(mapping_at(ws, ws->space.next), address))
		return MAPPING_NONE;
	*index = ws->space.next;
	ws->space.last = ws->space.next;
	ws->space.next = (ws->space.next + 1) & (MAPPINGS_KEPT - 1);
	ws->space_grew = true;
	return MAPPING_FOUND;
}

/* Finds where an address belongs and leaves the index of its mapping. */
static __always_inline int find_mapping(struct workspace *ws, u64 address, u32 *index)
{
	*index = ws->space.last & (MAPPINGS_KEPT - 1);
	if (within(mapping_at(ws, *index), address))
		return MAPPING_FOUND;
	return look_up_mapping(ws, address, index);
}

/* The frame word of an address inside a mapping. */
static __always_inline u64 frame_of(struct mapping *mapping, u64 address)
{
	u64 offset = address - mapping->start + mapping->file_offset;

	if (!mapping->module || offset >> SOMNO_FRAME_OFFSET_BITS)
		return SOMNO_FRAME_ADDRESS | address;
	return (u64)mapping->module << SOMNO_FRAME_OFFSET_BITS | offset;
}

#endif
