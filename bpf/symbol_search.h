/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* From one step of a capture to the next: in the file, where that can be read, else in memory. */
#ifndef SOMNO_SYMBOL_SEARCH_H
#define SOMNO_SYMBOL_SEARCH_H

static __always_inline void begin_capture(struct workspace *ws, u32 module, bool reads_file)
{
	__builtin_memset(&ws->capture, 0, sizeof(ws->capture));
	ws->capture.module = module;
	if (reads_file)
		begin_sections(ws);
	else
		begin_dynamic(ws);
}

/* What was asked for is not there: of the tables a piece is missing, else memory may know. */
static __always_inline void take_nothing(struct workspace *ws, u32 len)
{
	if (ws->capture.phase == CAPTURE_BYTES)
		pass_piece(ws, len);
	else if (ws->capture.of_file)
		begin_dynamic(ws);
}

/* Takes what is at capture->at: so many bytes of what was asked. */
__noinline int take_answer(struct workspace *ws __arg_nonnull, u32 len)
{
	struct symbol_capture *capture = &ws->capture;
	u32 *words = (u32 *)ws->symbols.piece.bytes;

	ws->answer_len = len;
	switch (capture->phase) {
	case CAPTURE_HEADER:
		take_file_header(ws);
		return 0;
	case CAPTURE_SECTIONS:
		take_sections(ws);
		return 0;
	case CAPTURE_STRINGS:
		take_strings(ws);
		return 0;
	case CAPTURE_DYNAMIC:
		take_dynamic(ws);
		return 0;
	case CAPTURE_HASH:
		found_tables(ws, len < 8 ? 0 : words[1] * (u64)SYMBOL_SIZE);
		return 0;
	case CAPTURE_GNU_HASH:
		take_gnu_hash(ws);
		return 0;
	case CAPTURE_BUCKETS:
		take_buckets(ws);
		return 0;
	case CAPTURE_CHAIN:
		take_chain(ws);
		return 0;
	}
	return 0;
}

#endif
