/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where a module's unwind information is in this process, and whether what is there is
 * the file's: what is found is kept for all processes.
 */
#ifndef SOMNO_TABLES_H
#define SOMNO_TABLES_H

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

/*
 * Whether the layout that was just read is the file's, and not what the process would have
 * everybody believe: its ELF header, and the program headers that this leads to.
 */
static __always_inline bool has_layout_of_file(struct workspace *ws, u32 module)
{
	return ws->elf_header_at && content_at(ws, ws->elf_header_at, module) == CONTENT_OF_FILE &&
	       content_at(ws, ws->headers_at, module) == CONTENT_OF_FILE &&
	       ws->headers_at + sizeof(struct program_header) * PROGRAM_HEADERS <= ws->asked.end;
}

/*
 * Reads the build id from the memory that shows the file, and tells user space. False where
 * that has to be tried again.
 */
static __always_inline bool send_build_id(struct workspace *ws, u64 bias, u32 module)
{
	if (!find_build_id(ws, bias) ||
	    content_at(ws, ws->notes[0].vaddr + bias, module) != CONTENT_OF_FILE)
		return true;
	ws->build_id.record = SOMNO_BUILD_ID;
	ws->build_id.id = module;
	if (!emit_to_user_ring(&ws->build_id, sizeof(ws->build_id)))
		return true;
	count(module_ring_full);
	return false;
}

/* Where a module's unwind information is. */
enum tables {
	/* the file has none */
	TABLES_NONE,
	/* nor is it a program's: code that was made at run time, in a file */
	TABLES_NO_ELF,
	/* ws->cfi says where */
	TABLES_FOUND,
	/* likewise, but it is this process's own */
	TABLES_OWN,
	/* it is not where the file's layout would have it, or something stood in the way */
	TABLES_ABSENT,
};

/* The difference of the program's own addresses to the file's, wherever else it is mapped. */
__noinline u64 program_bias(struct workspace *ws __arg_nonnull, u64 program_headers, u64 bias)
{
	struct header_walk walk = {.ws = ws};

	if (!program_headers)
		return bias;
	find_program_headers(ws, &walk);
	return walk.at ? walk.at - program_headers : bias;
}

/* Sets ws->cfi to where the tables are when the file's addresses are moved by `bias`. */
static __always_inline int tables_at(struct workspace *ws, u64 tables, u64 vaddr, u64 bias,
				     u32 module)
{
	struct placement *placement = &ws->space.placements[module & (PLACEMENTS_KEPT - 1)];
	int content = content_at(ws, tables + bias, module);

	ws->cfi.base = tables + bias;
	ws->cfi.pc = vaddr + bias;
	ws->tables_start = ws->asked.start;
	ws->tables_end = ws->asked.end;
	if (content == CONTENT_CHANGED)
		return TABLES_OWN;
	if (content != CONTENT_OF_FILE)
		return TABLES_ABSENT;
	if (placement->module != module || placement->bias != bias) {
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
		found = read_layout(ws, index, address);
		if (found != HEADERS_FOUND)
			return found == HEADERS_NO_ELF ? TABLES_NO_ELF : TABLES_ABSENT;
		layout = &ws->layout;
		is_new = has_layout_of_file(ws, module);
	}
	vaddr = vaddr_of(layout, offset);
	if (!vaddr)
		return TABLES_ABSENT;
	bias = address - vaddr;
	if (is_program(ws, module))
		bias = program_bias(ws, layout->program_headers, bias);
	/* one that was looked for may be in what the process has changed */
	if (is_new && layout->eh_frame)
		is_new = content_at(ws, layout->eh_frame + bias, module) == CONTENT_OF_FILE;
	if (is_new) {
		bool is_told = send_build_id(ws, bias, module);

		if (ws->obstacle)
			return TABLES_ABSENT;
		if (is_told)
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
