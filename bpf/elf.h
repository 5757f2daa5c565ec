/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where a module's unwind information is: its program headers, read from the
 * target's memory once for each module, say how places in the file become
 * addresses and where .eh_frame_hdr lies. Source: System V ABI, chapters 4 and 5.
 */
#ifndef SOMNO_ELF_H
#define SOMNO_ELF_H

#define PT_LOAD 1
#define PT_DYNAMIC 2
#define PT_NOTE 4
#define PT_PHDR 6
#define PT_GNU_EH_FRAME 0x6474e550
#define PF_X 1
#define PF_W 2
#define PROGRAM_HEADERS 64
/* Mappings of one file that lie between its code and its first page. */
#define MAPPINGS_BACK 8

/* Key: module id. Value: its layout. Never deleted; beyond so many they are read each time. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MODULES_MAX);
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
	if (header->type == PT_NOTE && walk->ws->note_segments < NOTE_SEGMENTS) {
		u32 count = walk->ws->note_segments & (NOTE_SEGMENTS - 1);

		walk->ws->notes[count].vaddr = header->vaddr;
		walk->ws->notes[count].size = header->file_size;
		walk->ws->note_segments++;
	}
	if (header->type == PT_PHDR)
		layout->program_headers = header->vaddr;
	if (header->type == PT_DYNAMIC) {
		layout->dynamic = header->vaddr;
		layout->dynamic_size = header->file_size;
	}
	if (header->type == PT_LOAD && layout->count < SEGMENTS) {
		struct segment *segment = &layout->segments[layout->count & (SEGMENTS - 1)];

		segment->offset = header->offset;
		segment->size = header->file_size;
		segment->vaddr = header->vaddr;
		segment->flags = header->flags;
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

/* Whether a module is the program that the task runs. */
__noinline int is_program(struct workspace *ws __arg_nonnull, u32 module)
{
	struct somno_identity identity;
	struct task_struct *task;
	struct file *file;
	u32 *id = NULL;

	/* an argument that is not used is not passed, and then it is not valid either */
	barrier_var(ws);
	task = take_target(ws);
	if (!task)
		return 0;
	file = read_only(task)->mm->exe_file;
	if (file) {
		read_identity(&identity, file);
		id = bpf_map_lookup_elem(&modules, &identity);
	}
	give_back(task);
	return id && *id == module ? 1 : 0;
}

/*
 * Where the kernel told the program, whatever lies between its segments; it may have had the
 * kernel tell something else.
 */
static __always_inline void find_program_headers(struct workspace *ws, struct header_walk *walk)
{
	struct task_struct *task = take_target(ws);
	u64 *auxv = ws->stack;
	long err;

	ws->stack_len = 0;
	if (!task)
		return;
	err = bpf_core_read(auxv, AUXV_WORDS * sizeof(u64), &read_only(task)->mm->saved_auxv);
	give_back(task);
	if (err)
		return;
	for (u32 i = 0; i < AUXV_WORDS; i += 2) {
		if (auxv[i] == AT_PHDR)
			walk->at = auxv[i + 1];
		if (auxv[i] == AT_PHNUM)
			walk->count = auxv[i + 1];
	}
}

enum headers {
	HEADERS_FOUND,
	/* not mapped, or not readable now */
	HEADERS_ABSENT,
	/* the file is no program's */
	HEADERS_NO_ELF,
};

/* Where the ELF header says, at the beginning of the file. */
static __always_inline int find_headers_by_file(struct workspace *ws, u32 index,
						struct header_walk *walk)
{
	struct elf_header *header = &ws->elf_header;
	u64 base = find_first_page(ws, index);

	if (!base || read_user(ws, header, sizeof(*header), base))
		return HEADERS_ABSENT;
	/* 64 bits, little-endian */
	if (*(u32 *)header->ident != 0x464c457f || header->ident[4] != 2 || header->ident[5] != 1 ||
	    header->program_header_size != sizeof(struct program_header))
		return HEADERS_NO_ELF;
	ws->elf_header_at = base;
	walk->at = base + header->program_headers;
	walk->count = header->program_header_count;
	return HEADERS_FOUND;
}

/* Where the file has an address of a mapping; 0 when it is in no segment. */
static __always_inline u64 vaddr_of(struct module_layout *layout, u64 offset)
{
	for (u32 i = 0; i < SEGMENTS; i++) {
		struct segment *segment = &layout->segments[i];

		if (i < layout->count && offset - segment->offset < segment->size)
			return segment->vaddr + offset - segment->offset;
	}
	return 0;
}

struct segment_scan {
	struct workspace *ws;
	/* what to add to the file's addresses */
	u64 bias;
};

static int scan_next_segment(u32 index, struct segment_scan *run)
{
	struct workspace *ws = run->ws;
	struct segment *segment = &ws->layout.segments[index & (SEGMENTS - 1)];
	bool among_code = index >= SEGMENTS;
	u64 found;

	if (ws->obstacle || !ws->steps_left)
		return 1;
	/* with code only where the linker was told to have few segments */
	if ((index & (SEGMENTS - 1)) >= ws->layout.count || segment->flags & PF_W ||
	    among_code != !!(segment->flags & PF_X))
		return 0;
	found = scan_segment(ws, run->bias + segment->vaddr, segment->size);
	if (found)
		ws->layout.eh_frame = found - run->bias;
	return found ? 1 : 0;
}

/* Reads a module's layout into the workspace, and where its headers are: an enum headers. */
__noinline int read_layout(struct workspace *ws __arg_nonnull, u32 index, u64 address)
{
	struct header_walk walk = {.ws = ws};
	struct segment_scan scan = {.ws = ws};
	struct mapping *mapping = mapping_at(ws, index);
	u64 offset = address - mapping->start + mapping->file_offset;

	int headers;

	ws->elf_header_at = 0;
	headers = find_headers_by_file(ws, index, &walk);
	if (headers == HEADERS_ABSENT && !ws->obstacle && is_program(ws, mapping->module)) {
		find_program_headers(ws, &walk);
		headers = HEADERS_FOUND;
	}
	if (headers != HEADERS_FOUND)
		return headers;
	ws->headers_at = walk.at;
	ws->layout.eh_frame_hdr = 0;
	ws->layout.eh_frame = 0;
	ws->layout.program_headers = 0;
	ws->layout.dynamic = 0;
	ws->layout.dynamic_size = 0;
	ws->layout.count = 0;
	ws->note_segments = 0;
	bpf_loop(PROGRAM_HEADERS, read_program_header, &walk, 0);
	if (walk.failed || !ws->layout.count)
		return HEADERS_ABSENT;
	if (ws->layout.eh_frame_hdr)
		return HEADERS_FOUND;
	scan.bias = address - vaddr_of(&ws->layout, offset);
	bpf_loop(2 * SEGMENTS, scan_next_segment, &scan, 0);
	return ws->obstacle || !ws->steps_left ? HEADERS_ABSENT : HEADERS_FOUND;
}

#endif
