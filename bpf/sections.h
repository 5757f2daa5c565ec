/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where a file has its symbols: .symtab, where all functions are, or else .dynsym. Only the
 * section headers say so, which no program has in memory. Source: System V ABI, chapter 4.
 */
#ifndef SOMNO_SECTIONS_H
#define SOMNO_SECTIONS_H

#define SHT_SYMTAB 2
#define SHT_STRTAB 3
#define SHT_DYNSYM 11

struct section_header {
	u32 name, type;
	u64 flags, addr, offset, size;
	u32 link, info;
	u64 align, entry_size;
};

static __always_inline void begin_sections(struct workspace *ws)
{
	ws->capture.of_file = true;
	ask(ws, CAPTURE_HEADER, 0, sizeof(struct elf_header));
}

static __always_inline void take_file_header(struct workspace *ws)
{
	struct symbol_capture *capture = &ws->capture;
	struct elf_header *header = (struct elf_header *)ws->symbols.piece.bytes;
	/* the last fields: size of a section header, how many, and which has their names */
	u64 count = header->rest[1];

	if (ws->answer_len < sizeof(*header) || *(u32 *)header->ident != 0x464c457f ||
	    header->ident[4] != 2 || header->ident[5] != 1 ||
	    header->rest[0] != sizeof(struct section_header) || !count) {
		begin_dynamic(ws);
		return;
	}
	capture->sections = header->section_headers;
	capture->section_count = count;
	ask(ws, CAPTURE_SECTIONS, capture->sections, count * sizeof(struct section_header));
}

/* Returns 1 when nothing better can follow. */
static int take_section(u32 index, struct answer *answer)
{
	struct workspace *ws = answer->ws;
	struct symbol_capture *capture = &ws->capture;
	u32 at = index * sizeof(struct section_header);
	struct section_header *section =
		(void *)ws->symbols.piece.bytes + (at & (PARSED_BYTES - 1));

	if (at + sizeof(*section) > ws->answer_len)
		return 1;
	capture->at += sizeof(*section);
	if (section->type != SHT_SYMTAB && section->type != SHT_DYNSYM)
		return 0;
	capture->symbols = section->offset;
	capture->symbols_size = section->size;
	capture->link = section->link;
	capture->with_local = section->type == SHT_SYMTAB;
	if (capture->with_local)
		capture->at = capture->end;
	return capture->with_local ? 1 : 0;
}

static __always_inline void take_sections(struct workspace *ws)
{
	struct symbol_capture *capture = &ws->capture;
	struct answer answer = {.ws = ws};

	bpf_loop(PARSED_BYTES / sizeof(struct section_header), take_section, &answer, 0);
	if (capture->at < capture->end && ws->answer_len >= sizeof(struct section_header))
		return;
	if (!capture->symbols_size || capture->link >= capture->section_count)
		begin_dynamic(ws);
	else
		ask(ws, CAPTURE_STRINGS,
		    capture->sections + capture->link * sizeof(struct section_header),
		    sizeof(struct section_header));
}

/* The section of their names is known. */
static __always_inline void take_strings(struct workspace *ws)
{
	struct symbol_capture *capture = &ws->capture;
	struct section_header *section = (void *)ws->symbols.piece.bytes;

	if (ws->answer_len < sizeof(*section) || section->type != SHT_STRTAB) {
		begin_dynamic(ws);
		return;
	}
	capture->strings = section->offset;
	capture->symbols_size = bound_table(capture, capture->symbols_size, ~0ULL);
	capture->strings_size = bound_table(capture, section->size, ~0ULL);
	tell(capture);
}

#endif
