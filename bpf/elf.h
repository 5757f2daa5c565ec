/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where a module's unwind information is: its program headers, read from the
 * target's memory once for each module, say how places in the file become
 * addresses and where .eh_frame_hdr lies. Source: System V ABI, chapters 4 and 5.
 */
#ifndef SOMNO_ELF_H
#define SOMNO_ELF_H

#define PT_LOAD 1
#define PT_NOTE 4
#define PT_PHDR 6
#define PT_GNU_EH_FRAME 0x6474e550
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
__noinline int is_program(u32 module)
{
	struct file *file = bpf_get_current_task_btf()->mm->exe_file;
	struct somno_identity identity;
	u32 *id;

	if (!file)
		return 0;
	read_identity(&identity, file);
	id = bpf_map_lookup_elem(&modules, &identity);
	return id && *id == module ? 1 : 0;
}

/* The program's own headers are where the kernel told it, whatever lies between its segments. */
static __always_inline void find_program_headers(struct workspace *ws, struct header_walk *walk)
{
	struct task_struct *task = bpf_get_current_task_btf();
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

/* What a place in memory shows of a file. */
enum content {
	/* nothing, or another file */
	CONTENT_FOREIGN,
	/* the file as it is */
	CONTENT_OF_FILE,
	/* the file, but the process may have changed its copy */
	CONTENT_CHANGED,
	/* the address space is being changed */
	CONTENT_BUSY,
};

/*
 * What an address shows of a module, asked anew: what is read there is kept for all
 * processes, so that none may bring in its own.
 */
__noinline int content_at(struct workspace *ws __arg_nonnull, u64 address, u32 module)
{
	switch (ask_anew(ws, address)) {
	case MAPPING_BUSY:
		return CONTENT_BUSY;
	case MAPPING_NONE:
		return CONTENT_FOREIGN;
	}
	if (ws->asked.module != module)
		return CONTENT_FOREIGN;
	return ws->asked.changed ? CONTENT_CHANGED : CONTENT_OF_FILE;
}

/* Reads the build id from the memory that shows the file, and tells user space. */
static __always_inline void send_build_id(struct workspace *ws, u64 bias, u32 module)
{
	if (!find_build_id(ws, bias) ||
	    content_at(ws, ws->notes[0].vaddr + bias, module) != CONTENT_OF_FILE)
		return;
	ws->build_id.record = SOMNO_BUILD_ID;
	ws->build_id.id = module;
	if (emit_to_user_ring(&ws->build_id, sizeof(ws->build_id)))
		count(module_ring_full);
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
	u64 found;

	if (index >= ws->layout.count || ws->obstacle)
		return 1;
	if (segment->flags & PF_W)
		return 0;
	found = scan_segment(ws, run->bias + segment->vaddr, segment->size);
	if (found)
		ws->layout.eh_frame = found - run->bias;
	return found ? 1 : 0;
}

/* Reads a module's layout into the workspace, and where its headers are. */
__noinline int read_layout(struct workspace *ws __arg_nonnull, u32 index, u64 address)
{
	struct header_walk walk = {.ws = ws};
	struct segment_scan scan = {.ws = ws};
	struct mapping *mapping = mapping_at(ws, index);
	u64 offset = address - mapping->start + mapping->file_offset;

	if (is_program(mapping->module))
		find_program_headers(ws, &walk);
	else if (find_library_headers(ws, index, &walk))
		return 1;
	ws->headers_at = walk.at;
	ws->layout.eh_frame_hdr = 0;
	ws->layout.eh_frame = 0;
	ws->layout.program_headers = 0;
	ws->layout.count = 0;
	ws->note_segments = 0;
	bpf_loop(PROGRAM_HEADERS, read_program_header, &walk, 0);
	if (walk.failed || !ws->layout.count)
		return 1;
	if (ws->layout.eh_frame_hdr)
		return 0;
	scan.bias = address - vaddr_of(&ws->layout, offset);
	bpf_loop(SEGMENTS, scan_next_segment, &scan, 0);
	return ws->obstacle ? 1 : 0;
}

/* Where a module's unwind information is. */
enum tables {
	/* the file has none */
	TABLES_NONE,
	/* ws->cfi says where */
	TABLES_FOUND,
	/* likewise, but it is this process's own */
	TABLES_OWN,
	/* it is not where the file's layout would have it, or something stood in the way */
	TABLES_ABSENT,
};

/* The difference of the program's own addresses to the file's, wherever else it is mapped. */
static __always_inline u64 program_bias(struct workspace *ws, struct module_layout *layout,
					u64 bias)
{
	struct header_walk walk = {.ws = ws};

	if (!layout->program_headers)
		return bias;
	find_program_headers(ws, &walk);
	return walk.at ? walk.at - layout->program_headers : bias;
}

/* Sets ws->cfi to where the tables are when the file's addresses are moved by `bias`. */
static __always_inline int tables_at(struct workspace *ws, u64 tables, u64 vaddr, u64 bias,
				     u32 module)
{
	struct placement *placement = &ws->space.placements[module & (PLACEMENTS_KEPT - 1)];
	int content = content_at(ws, tables + bias, module);

	ws->cfi.base = tables + bias;
	ws->cfi.pc = vaddr + bias;
	if (content == CONTENT_CHANGED)
		return TABLES_OWN;
	if (content != CONTENT_OF_FILE)
		return TABLES_ABSENT;
	if (placement->module != module) {
		placement->module = module;
		placement->bias = bias;
		ws->space_grew = true;
	}
	return TABLES_FOUND;
}

/* Finds the unwind information for an address of a mapping, and sets ws->cfi to it. */
static __always_inline int locate_tables(struct workspace *ws, u32 index, u64 address)
{
	struct mapping *mapping = mapping_at(ws, index);
	u64 offset = address - mapping->start + mapping->file_offset;
	u32 module = mapping->module;
	struct placement *placement = &ws->space.placements[module & (PLACEMENTS_KEPT - 1)];
	struct module_layout *layout = bpf_map_lookup_elem(&module_layouts, &module);
	u64 vaddr, bias, tables;
	bool is_new = false;
	int found;

	if (!layout) {
		if (read_layout(ws, index, address))
			return TABLES_ABSENT;
		layout = &ws->layout;
		is_new = content_at(ws, ws->headers_at, module) == CONTENT_OF_FILE;
	}
	vaddr = vaddr_of(layout, offset);
	if (!vaddr)
		return TABLES_ABSENT;
	bias = address - vaddr;
	if (is_program(module))
		bias = program_bias(ws, layout, bias);
	if (is_new) {
		send_build_id(ws, bias, module);
		if (ws->obstacle)
			return TABLES_ABSENT;
		bpf_map_update_elem(&module_layouts, &module, layout, BPF_NOEXIST);
	}
	ws->cfi.has_header = layout->eh_frame_hdr;
	tables = layout->eh_frame_hdr ? layout->eh_frame_hdr : layout->eh_frame;
	if (!tables)
		return TABLES_NONE;
	found = tables_at(ws, tables, vaddr, bias, module);
	if (found == TABLES_ABSENT && !ws->obstacle && placement->module == module)
		found = tables_at(ws, tables, vaddr, placement->bias, module);
	return found;
}

#endif
