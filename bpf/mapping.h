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

#define VM_EXEC 0x00000004
#define VM_SHARED 0x00000008
#define VM_PFNMAP 0x00000400
#define VM_IO 0x00004000

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
	return read_only(task)->mm->mm_lock_seq.sequence;
}

/* Begins with the mappings that the last sample of the thread found, where they still hold. */
static __always_inline void recall_mappings(struct workspace *ws, struct task_struct *task)
{
	u32 sequence = lock_sequence(task);
	struct address_space *kept;

	ws->space_grew = false;
	ws->space_untold = false;
	kept = bpf_task_storage_get(&address_spaces, task, NULL, 0);
	if (kept && kept->exec_id == (u32)task->self_exec_id)
		ws->space = *kept;
	else
		__builtin_memset(&ws->space, 0, sizeof(ws->space));
	if (kept && ws->space.sequence == sequence)
		return;
	__builtin_memset(ws->space.mappings, 0, sizeof(ws->space.mappings));
	ws->space.sequence = sequence;
	ws->space.exec_id = task->self_exec_id;
}

/*
 * Keeps what was found for the next sample, unless the address space changed meanwhile. The
 * task does so alone: who reads it from outside could write while its callback reads.
 */
static __always_inline void keep_mappings(struct workspace *ws, struct task_struct *task)
{
	struct address_space *kept;
	u32 sequence = ws->space.sequence;

	if (IS_OUTSIDE || !ws->space_grew || ws->space_untold || sequence & 1 ||
	    sequence != lock_sequence(task))
		return;
	kept = bpf_task_storage_get(&address_spaces, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (kept)
		*kept = ws->space;
}

static __always_inline struct mapping *mapping_at(struct workspace *ws, u32 index)
{
	return &ws->space.mappings[index & (MAPPINGS_KEPT - 1)];
}

static __always_inline bool within(struct mapping *mapping, u64 address)
{
	return address >= mapping->start && address < mapping->end;
}

struct mapping_query {
	struct workspace *ws;
};

/* Runs with the mapping locked: takes what is needed and reads no user memory. */
static long take_mapping(struct task_struct *task, struct vm_area_struct *vma,
			 struct mapping_query *query)
{
	struct mapping *mapping = &query->ws->asked;
	bool watched = false;

	if (bpf_core_field_exists(vma->vm_userfaultfd_ctx.ctx))
		watched = read_only(vma)->vm_userfaultfd_ctx.ctx;
	mapping->start = vma->vm_start;
	mapping->end = vma->vm_end;
	mapping->file_offset = vma->vm_pgoff << 12;
	mapping->executable = vma->vm_flags & VM_EXEC;
	mapping->changed = read_only(vma)->anon_vma;
	mapping->may_sleep = !watched && !(vma->vm_flags & (VM_IO | VM_PFNMAP));
	/*
	 * Who writes to such a mapping writes to its file: what is executed there was made at run
	 * time, as by .NET, and each write makes it another file. It is anonymous memory, then.
	 */
	mapping->module = vma->vm_flags & VM_SHARED ? 0 : module_of(query->ws, task, vma);
	if (mapping->module == SOMNO_MODULE_VDSO)
		mapping->file_offset = 0;
	return 0;
}

/*
 * Asks by the lock of this mapping alone, on kernels that do so: that is free while
 * somebody waits to change the address space. It skips a mapping that is locked, so
 * that only a hit says something.
 */
static __always_inline bool ask_without_lock(struct task_struct *task, u64 address,
					     struct mapping_query *query)
{
	struct bpf_iter_task_vma iterator;
	struct vm_area_struct *vma;
	bool found = false;

	bpf_iter_task_vma_new(&iterator, task, address);
	vma = bpf_iter_task_vma_next(&iterator);
	if (vma && vma->vm_start <= address) {
		take_mapping(task, vma, query);
		found = true;
	}
	bpf_iter_task_vma_destroy(&iterator);
	return found;
}

/* Asks the kernel for the mapping of an address and leaves it in ws->asked. */
static __always_inline int ask_mapping_of(struct workspace *ws, struct task_struct *task,
					  u64 address)
{
	struct mapping_query query = {.ws = ws};
	long err;

	/* it only tries the lock of the address space */
	err = bpf_find_vma(task, address, take_mapping, &query, 0);
	if (err == -EBUSY) {
		if (ask_without_lock(task, address, &query))
			return MAPPING_FOUND;
		ws->obstacle = OBSTACLE_LOCK;
		return MAPPING_BUSY;
	}
	return err || !within(&ws->asked, address) ? MAPPING_NONE : MAPPING_FOUND;
}

static __always_inline int ask_mapping(struct workspace *ws, u64 address)
{
	struct task_struct *task = take_target(ws);
	int result;

	if (!task)
		return MAPPING_NONE;
	result = ask_mapping_of(ws, task, address);
	give_back(task);
	return result;
}

/* Likewise, not to be verified at every call; look_up_mapping has no depth of calls left for it. */
__noinline int ask_anew(struct workspace *ws __arg_nonnull, u64 address)
{
	return ask_mapping(ws, address);
}

/* Finds the mapping of an address among those that are known, or asks the kernel. */
__noinline int look_up_mapping(struct workspace *ws __arg_nonnull, u64 address,
			       u32 *index __arg_nonnull)
{
	int result;

	for (u32 i = 0; i < MAPPINGS_KEPT; i++) {
		if (within(mapping_at(ws, i), address)) {
			*index = i;
			ws->space.last = i;
			return MAPPING_FOUND;
		}
	}
	result = ask_mapping(ws, address);
	if (result != MAPPING_FOUND)
		return result;
	*mapping_at(ws, ws->space.next) = ws->asked;
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
