/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* From an address to its mapping, and from there to a frame. */
#ifndef SOMNO_MAPPING_H
#define SOMNO_MAPPING_H

#define VM_EXEC 4

enum mapping_result {
	MAPPING_FOUND,
	/* nothing is mapped there */
	MAPPING_NONE,
	/* the address space is being changed */
	MAPPING_BUSY,
};

struct mapping_query {
	struct workspace *ws;
	u32 kept_at;
};

/* Runs with the address space locked: takes what is needed and reads no user memory. */
static long keep_mapping(struct task_struct *task, struct vm_area_struct *vma,
			 struct mapping_query *query)
{
	struct workspace *ws = query->ws;
	struct mapping *mapping = &ws->mappings[query->kept_at & (MAPPINGS_KEPT - 1)];

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

/*
 * Finds where an address belongs and leaves the index of its mapping.
 *
 * bpf_find_vma only tries the lock of the address space.
 */
__noinline int find_mapping(struct workspace *ws __arg_nonnull, u64 address,
			    u32 *index __arg_nonnull)
{
	struct mapping_query query = {.ws = ws};
	struct task_struct *task;
	long err;

#pragma unroll
	for (u32 i = 0; i < MAPPINGS_KEPT; i++) {
		if (within(&ws->mappings[i], address)) {
			*index = i;
			return MAPPING_FOUND;
		}
	}

	query.kept_at = ws->next_mapping & (MAPPINGS_KEPT - 1);
	task = bpf_get_current_task_btf();
	err = bpf_find_vma(task, address, keep_mapping, &query, 0);
	if (err == -EBUSY) {
		ws->obstacle = OBSTACLE_LOCK;
		return MAPPING_BUSY;
	}
	if (err || !within(&ws->mappings[query.kept_at & (MAPPINGS_KEPT - 1)], address))
		return MAPPING_NONE;
	*index = query.kept_at;
	ws->next_mapping++;
	return MAPPING_FOUND;
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
