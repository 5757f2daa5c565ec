/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The capture of a module's symbols: step by step, a question and what is there, so that
 * it may be interrupted, and reads nothing itself. Where the tables are, sections.h and
 * dynamic.h find; then they are passed on in pieces. All of it is the target's word, and
 * bounded as such.
 */
#ifndef SOMNO_CAPTURE_H
#define SOMNO_CAPTURE_H

#define SYMBOL_SIZE 24
/* Of each of the two tables. */
#define SYMBOL_TABLE_BYTES (4 << 20)
/* What is read at once where it is parsed. */
#define PARSED_BYTES 512
/* Of one capture: both tables by pages, and what finds them. */
#define CAPTURE_STEPS 4096

static __always_inline void ask(struct workspace *ws, enum capture_phase phase, u64 at, u64 size)
{
	struct symbol_capture *capture = &ws->capture;

	capture->phase = phase;
	capture->at = at;
	capture->end = at + size;
}

/* A table's size: no more than there is of it, and no more than is sent. */
static __always_inline u64 bound_table(struct symbol_capture *capture, u64 size, u64 rest)
{
	if (size > rest)
		size = rest;
	if (size <= SYMBOL_TABLE_BYTES)
		return size;
	capture->cut = 1;
	return SYMBOL_TABLE_BYTES;
}

/* Both tables are known: user space is told next. */
static __always_inline void tell(struct symbol_capture *capture)
{
	capture->phase =
		capture->symbols_size && capture->strings_size ? CAPTURE_TELL : CAPTURE_DONE;
}

/* What was read, for loops over it. */
struct answer {
	struct workspace *ws;
};

/* Whether the piece that comes next is one of symbols; else of strings. */
static __always_inline bool is_in_symbols(const struct symbol_capture *capture)
{
	return capture->passed < capture->symbols_size;
}

/* Goes on to the next piece, whether this one could be read or not. */
__noinline int pass_piece(struct workspace *ws __arg_nonnull, u32 len)
{
	struct symbol_capture *capture = &ws->capture;
	u64 of_strings;

	capture->passed += len;
	if (is_in_symbols(capture)) {
		ask(ws, CAPTURE_BYTES, capture->symbols + capture->passed,
		    capture->symbols_size - capture->passed);
		return 0;
	}
	of_strings = capture->passed - capture->symbols_size;
	if (of_strings < capture->strings_size)
		ask(ws, CAPTURE_BYTES, capture->strings + of_strings,
		    capture->strings_size - of_strings);
	else
		capture->phase = CAPTURE_DONE;
	return 0;
}

/* How many bytes are wanted from capture->at on; of a table no more than one page has. */
static __always_inline u32 wanted_len(const struct symbol_capture *capture)
{
	u64 limit = capture->phase == CAPTURE_BYTES
			    ? SOMNO_SYMBOL_PIECE - (capture->at & (PAGE_SIZE - 1))
			    : PARSED_BYTES;

	return clamp(capture->end - capture->at, limit);
}

#endif
