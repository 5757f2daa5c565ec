/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where a module's unwind information is: its program headers, read from the
 * target's memory once for each module, say how places in the file become
 * addresses and where .eh_frame_hdr lies. Source: System V ABI, chapters 4 and 5.
 */
#ifndef SOMNO_ELF_H
#define SOMNO_ELF_H

#define PT_LOAD 1
#define PT_GNU_EH_FRAME 0x6474e550
#define PROGRAM_HEADERS 64
/* Mappings of one file that lie between its code and its first page. */
#define MAPPINGS_BACK 8
#define MODULE_LAYOUTS 8192

/* Key: module id. Value: its layout. The oldest go when there are too many. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MODULE_LAYOUTS);
	__type(key, u32);
	__type(value, struct module_layout);
} module_layouts SEC(".maps");

struct header_walk {
	struct workspace *ws;
	u64 at;
	u32 count;
	bool failed;
};

static int read_program_header(u32 index, struct header_walk *walk)
{
	struct module_layout *layout = &walk->ws->layout;
	struct program_header *header = &walk->ws->program_header;

	if (index >= walk->count)
		return 1;
	if (read_user(walk->ws, header, sizeof(*header), walk->at + index * sizeof(*header))) {
		walk->failed = true;
		return 1;
	}
	if (header->type == PT_GNU_EH_FRAME)
		layout->eh_frame_hdr = header->vaddr;
	if (header->type == PT_LOAD && layout->count < SEGMENTS) {
		struct segment *segment = &layout->segments[layout->count & (SEGMENTS - 1)];

		segment->offset = header->offset;
		segment->size = header->file_size;
		segment->vaddr = header->vaddr;
		layout->count++;
	}
	return 0;
}

struct page_search {
	struct workspace *ws;
	bool found;
};

static int step_back(u32 iteration, struct page_search *search)
{
	struct mapping *at = &search->ws->back;
	struct mapping *before;
	u32 index = 0;

	if (!at->file_offset) {
		search->found = true;
		return 1;
	}
	if (find_mapping(search->ws, at->start - 1, &index) != MAPPING_FOUND)
		return 1;
	before = mapping_at(search->ws, index);
	if (before->module && before->module != at->module)
		return 1;
	at->start = before->start;
	/* anonymous memory between a file's mappings is its .bss */
	at->file_offset = before->module ? before->file_offset : 1;
	return 0;
}

/*
 * The address of the file's first page: in the mapping itself or in one of those
 * before it, which loaders place without gaps. 0 when it is not mapped there.
 */
static __always_inline u64 find_first_page(struct workspace *ws, u32 index)
{
	struct page_search search = {.ws = ws};

	ws->back = *mapping_at(ws, index);
	bpf_loop(MAPPINGS_BACK + 1, step_back, &search, 0);
	return search.found ? ws->back.start : 0;
}

#define AT_PHDR 3
#define AT_PHNUM 5
#define AUXV_WORDS 48

/* The module id of the program that the task runs; 0 when it was not met yet. */
static __always_inline u32 program_module(struct task_struct *task)
{
	struct file *file = task->mm->exe_file;
	struct somno_identity identity;
	u32 *id;

	if (!file)
		return 0;
	read_identity(&identity, file);
	id = bpf_map_lookup_elem(&modules, &identity);
	return id ? *id : 0;
}

/* The program's own headers are where the kernel told it, whatever lies between its segments. */
static __always_inline void find_program_headers(struct workspace *ws, struct task_struct *task,
						 struct header_walk *walk)
{
	u64 *auxv = ws->stack;

	ws->stack_len = 0;
	if (bpf_core_read(auxv, AUXV_WORDS * sizeof(u64), &task->mm->saved_auxv))
		return;
	for (u32 i = 0; i < AUXV_WORDS; i += 2) {
		if (auxv[i] == AT_PHDR)
			walk->at = auxv[i + 1];
		if (auxv[i] == AT_PHNUM)
			walk->count = auxv[i + 1];
	}
}

/* A library's headers are at the beginning of its file. */
static __always_inline int find_library_headers(struct workspace *ws, u32 index,
						struct header_walk *walk)
{
	struct elf_header *header = &ws->elf_header;
	u64 base = find_first_page(ws, index);

	if (!base || read_user(ws, header, sizeof(*header), base))
		return 1;
	/* 64 bits, little-endian */
	if (*(u32 *)header->ident != 0x464c457f || header->ident[4] != 2 || header->ident[5] != 1 ||
	    header->program_header_size != sizeof(struct program_header))
		return 1;
	walk->at = base + header->program_headers;
	walk->count = header->program_header_count;
	return 0;
}

/* Reads a module's layout into the workspace. */
__noinline int read_layout(struct workspace *ws __arg_nonnull, u32 index)
{
	struct header_walk walk = {.ws = ws};
	struct task_struct *task = bpf_get_current_task_btf();

	if (mapping_at(ws, index)->module == program_module(task))
		find_program_headers(ws, task, &walk);
	else if (find_library_headers(ws, index, &walk))
		return 1;
	ws->layout.eh_frame_hdr = 0;
	ws->layout.count = 0;
	bpf_loop(PROGRAM_HEADERS, read_program_header, &walk, 0);
	return walk.failed || !ws->layout.count;
}

/* Where .eh_frame_hdr is in this process, for code at an address of a mapping. 0: nowhere. */
static __always_inline u64 locate_eh_frame_hdr(struct workspace *ws, u32 index, u64 address)
{
	struct mapping *mapping = mapping_at(ws, index);
	u64 offset = address - mapping->start + mapping->file_offset;
	u32 module = mapping->module;
	struct module_layout *layout = bpf_map_lookup_elem(&module_layouts, &module);

	if (!layout) {
		if (read_layout(ws, index))
			return 0;
		layout = &ws->layout;
		bpf_map_update_elem(&module_layouts, &module, layout, BPF_ANY);
	}
	if (!layout->eh_frame_hdr)
		return 0;
	for (u32 i = 0; i < SEGMENTS; i++) {
		struct segment *segment = &layout->segments[i];

		if (i < layout->count && offset - segment->offset < segment->size)
			return address - (segment->vaddr + offset - segment->offset) +
			       layout->eh_frame_hdr;
	}
	return 0;
}

#endif
