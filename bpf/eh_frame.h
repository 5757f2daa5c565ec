/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * From an address to the FDE that describes it, through the sorted table of
 * .eh_frame_hdr or, where that does not lead there, along .eh_frame itself.
 * Source: Linux Standard Base, Core, 10.6; DWARF 5, 6.4.1.
 */
#ifndef SOMNO_EH_FRAME_H
#define SOMNO_EH_FRAME_H

/* Steps of a binary search: more than any table needs. */
#define SEARCH_STEPS 32
/* FDEs and CIEs that are looked at one after the other where there is no usable table. */
#define WALK_RECORDS 16384
/* What looking at one costs of the budget. */
#define RECORD_STEPS 4
/*
 * And where the table leads to an FDE of other code: an empty function has the same
 * address as the next one, and only one of the two has a place in the table.
 */
#define NEIGHBOURS 4

struct eh_search {
	struct workspace *ws;
	u64 table;
	/* pc as the table has it: relative to the header */
	s64 wanted;
	u64 low;
	u64 high;
	bool failed;
};

static int search_table(u32 step, struct eh_search *search)
{
	u64 middle = search->low + (search->high - search->low) / 2;
	s32 begins;

	if (search->high - search->low <= 1)
		return 1;
	if (read_user(search->ws, &begins, sizeof(begins), search->table + middle * 8)) {
		search->failed = true;
		return 1;
	}
	if (begins <= search->wanted)
		search->low = middle;
	else
		search->high = middle;
	return 0;
}

/* Bytes that hold all of a CIE or FDE up to its instructions. */
#define CIE_HEAD 96
#define FDE_HEAD 64

/* Starts a CIE or FDE: its content without the length. 1 at the end of the section or of sense. */
static __always_inline int open_record(struct cursor *cursor)
{
	u64 len;

	cursor->end = cursor->at + 12;
	len = take_bytes(cursor, 4);
	if (len == 0xffffffff)
		len = take_bytes(cursor, 8);
	cursor->end = cursor->at + len;
	return cursor->failed || !len || len >> 32 ? 1 : 0;
}

/* Reads what the letters of an augmentation announce. */
static __always_inline void take_augmentation(struct cfi *cfi, struct cursor *cursor, u64 letters)
{
	/* the first is z */
	for (u32 i = 1; i < 8; i++) {
		u32 letter = (letters >> (8 * i)) & 0xff;

		if (letter == 'R')
			cfi->pointer_encoding = take_bytes(cursor, 1);
		else if (letter == 'S')
			cfi->signal_frame = true;
		else if (letter == 'L')
			take_bytes(cursor, 1);
		else if (letter == 'P')
			take_pointer_value(cursor, take_bytes(cursor, 1));
		else if (letter != 'B' && letter != 'G')
			break;
	}
}

/* Reads a CIE at the cursor up to its instructions. */
__noinline int take_cie(struct cfi *cfi __arg_nonnull, struct cursor *cursor __arg_nonnull)
{
	u64 letters = 0, data_len, code_end, version;

	if (open_record(cursor) || take_bytes(cursor, 4) != 0)
		return CFI_BAD;
	version = take_bytes(cursor, 1);
	if (version != 1 && version != 3)
		return CFI_BAD;
	for (u32 i = 0; i < 8; i++) {
		u64 letter = take_bytes(cursor, 1);

		if (!letter)
			break;
		if (i == 7)
			return CFI_BAD;
		letters |= letter << (8 * i);
	}
	cfi->code_factor = take_leb(cursor, false);
	cfi->data_factor = take_leb(cursor, true);
	cfi->return_register = version == 1 ? take_bytes(cursor, 1) : take_register(cursor);
	cfi->pointer_encoding = 0;
	cfi->signal_frame = false;
	cfi->augmented = (letters & 0xff) == 'z';
	if (cfi->augmented) {
		data_len = take_leb(cursor, false);
		code_end = cursor->end;
		if (data_len > code_end - cursor->at)
			return CFI_BAD;
		cursor->end = cursor->at + data_len;
		take_augmentation(cfi, cursor, letters);
		cursor->at = cursor->end;
		cursor->end = code_end;
	} else if (letters) {
		return CFI_BAD;
	}
	cfi->cie_code = cursor->at;
	cfi->cie_code_end = cursor->end;
	return cursor->failed || cfi->return_register != DWARF_RA ? CFI_BAD : CFI_FOUND;
}

/* Starts an FDE: where its CIE is, and where the next record. CFI_NONE for a CIE. */
__noinline int take_fde_start(struct cfi *cfi __arg_nonnull, struct cursor *cursor __arg_nonnull)
{
	u64 id, id_at;

	cfi->at_end = false;
	if (open_record(cursor)) {
		/* a length of 0 */
		cfi->at_end = !cursor->failed && cursor->at == cursor->end;
		return CFI_BAD;
	}
	cfi->next_record = cursor->end;
	id_at = cursor->at;
	id = take_bytes(cursor, 4);
	cfi->fde_cie = id_at - id;
	cfi->fde_rest = cursor->at;
	cfi->fde_code_end = cursor->end;
	if (cursor->failed)
		return CFI_BAD;
	return id ? CFI_FOUND : CFI_NONE;
}

/* Reads the rest of an FDE up to its instructions. CFI_NONE when it describes other code. */
__noinline int take_fde_range(struct cfi *cfi __arg_nonnull, struct cursor *cursor __arg_nonnull)
{
	u64 size;

	cfi->fde_begin = take_pointer(cursor, cfi->pointer_encoding, 0);
	size = take_pointer_value(cursor, cfi->pointer_encoding);
	if (cursor->failed)
		return CFI_BAD;
	/* a range that wraps has no address in it */
	if (cfi->pc < cfi->fde_begin || cfi->pc >= cfi->fde_begin + size)
		return CFI_NONE;
	if (cfi->augmented)
		skip_bytes(cursor, take_leb(cursor, false));
	cfi->fde_code = cursor->at;
	return cursor->failed ? CFI_BAD : CFI_FOUND;
}

/* Reads an FDE and its CIE; CFI_NONE when it is none, or describes other code. */
__noinline int parse_fde(struct workspace *ws __arg_nonnull, u64 at)
{
	struct cfi *cfi = &ws->cfi;
	int result;

	cursor_set(&ws->cursor, at, at + FDE_HEAD);
	fill_window(ws, FDE_HEAD);
	result = take_fde_start(cfi, &ws->cursor);
	if (result != CFI_FOUND)
		return result;
	if (!cfi->cie_at || cfi->fde_cie != cfi->cie_at) {
		cfi->cie_at = 0;
		cursor_set(&ws->cursor, cfi->fde_cie, cfi->fde_cie + CIE_HEAD);
		fill_window(ws, CIE_HEAD);
		result = take_cie(cfi, &ws->cursor);
		if (result != CFI_FOUND)
			return CFI_BAD;
		cfi->cie_at = cfi->fde_cie;
	}
	cursor_set(&ws->cursor, cfi->fde_rest, cfi->fde_code_end);
	fill_window(ws, FDE_HEAD);
	return take_fde_range(cfi, &ws->cursor);
}

/* Reads .eh_frame_hdr: where .eh_frame is, and the table, where it has one that is usable. */
__noinline int take_header(struct cfi *cfi __arg_nonnull, struct cursor *cursor __arg_nonnull,
			   u64 header)
{
	u32 version, frame_encoding, count_encoding, table_encoding;

	version = take_bytes(cursor, 1);
	frame_encoding = take_bytes(cursor, 1);
	count_encoding = take_bytes(cursor, 1);
	table_encoding = take_bytes(cursor, 1);
	cfi->next_record = take_pointer(cursor, frame_encoding, header);
	cfi->table_len = 0;
	/* every linker writes this one: pairs of 4-byte offsets from the header */
	if (count_encoding != EH_PE_OMIT && table_encoding == (EH_PE_DATAREL | 0x0b))
		cfi->table_len = take_pointer(cursor, count_encoding, header);
	cfi->table = cursor->at;
	return cursor->failed || version != 1 ? CFI_BAD : CFI_FOUND;
}

struct eh_walk {
	struct workspace *ws;
	u64 at;
	int result;
};

static int walk_records(u32 iteration, struct eh_walk *walk)
{
	walk->result = CFI_BAD;
	if (!spend(walk->ws, RECORD_STEPS))
		return 1;
	walk->result = parse_fde(walk->ws, walk->at);
	if (walk->result != CFI_NONE)
		return 1;
	walk->at = walk->ws->cfi.next_record;
	return 0;
}

/* Looks the address up in the table; CFI_BAD when that cannot be relied on. */
static __always_inline int search_fde(struct workspace *ws, u64 header)
{
	struct eh_search search = {.ws = ws};
	struct cfi *cfi = &ws->cfi;
	s32 entry[2], next = 0;

	if (!cfi->table_len)
		return CFI_BAD;
	search.table = cfi->table;
	search.wanted = cfi->pc - header;
	search.high = cfi->table_len;
	bpf_loop(SEARCH_STEPS, search_table, &search, 0);
	if (search.failed || read_user(ws, entry, sizeof(entry), search.table + search.low * 8))
		return CFI_BAD;
	if (entry[0] > search.wanted) {
		cfi->next_record = 0;
		return CFI_NONE;
	}
	/* the end of the table says nothing of what comes next */
	if (search.low + 1 < cfi->table_len &&
	    read_user(ws, &next, sizeof(next), search.table + (search.low + 1) * 8))
		return CFI_BAD;
	cfi->next_begins = next == search.wanted + 1;
	return parse_fde(ws, header + entry[1]);
}

/*
 * Looks at records one after the other. Behind the section's end, and behind the
 * neighbours of where the table led, there is nothing that describes the address.
 */
static __always_inline int walk_from(struct workspace *ws, u64 at, u32 records)
{
	struct eh_walk walk = {.ws = ws, .at = at};

	if (bpf_loop(records, walk_records, &walk, 0) == WALK_RECORDS) {
		/* past the bound: not known to have none */
		ws->steps_left = 0;
		return CFI_BAD;
	}
	if (walk.result == CFI_BAD && (ws->cfi.at_end || records == NEIGHBOURS))
		return CFI_NONE;
	return walk.result;
}

/* Finds the FDE of cfi.pc; cfi.base is where .eh_frame_hdr or .eh_frame is in this process. */
static __always_inline int find_fde(struct workspace *ws)
{
	struct cfi *cfi = &ws->cfi;
	u64 header = cfi->base, eh_frame = cfi->base;
	int result = CFI_BAD;

	cfi->next_begins = false;
	/* of the last module that had one */
	cfi->table = cfi->base;
	cfi->table_len = 0;
	if (cfi->has_header) {
		cursor_set(&ws->cursor, header, header + FDE_HEAD);
		fill_window(ws, FDE_HEAD);
		if (take_header(cfi, &ws->cursor, header) != CFI_FOUND)
			return CFI_BAD;
		eh_frame = cfi->next_record;
		result = search_fde(ws, header);
		if (result == CFI_FOUND || (result == CFI_NONE && !cfi->next_record) ||
		    ws->obstacle || ws->cursor.ran_out)
			return result;
	}
	if (result == CFI_NONE)
		return walk_from(ws, cfi->next_record, NEIGHBOURS);
	return walk_from(ws, eh_frame, WALK_RECORDS);
}

#endif
