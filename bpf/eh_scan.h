/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Finds .eh_frame in a file that has no .eh_frame_hdr, as gcc -static links them: only
 * the section headers say where it is, and those are not in memory. It begins with the
 * CIE of the start files, which is the same in every program, in a segment that is not
 * written to.
 */
#ifndef SOMNO_EH_SCAN_H
#define SOMNO_EH_SCAN_H

/* Of each segment; it lies behind the constants. */
#define SCAN_BYTES (2 << 20)
#define SCAN_WINDOW 512
/* What looking at one window costs of the budget. */
#define WINDOW_STEPS 4

/* Its first 16 bytes: length 20, a CIE; version 1, "zR", factors 1 and -8, return address in 16 */
#define FIRST_CIE 0x14ULL
#define FIRST_CIE_REST 0x0110780100527a01ULL

/* The place of the CIE in the window, in words; its length when it is not there. */
__noinline int find_first_cie(struct workspace *ws __arg_nonnull)
{
	u64 *words = ws->stack;

	for (int i = 0; i < SCAN_WINDOW / 8 - 1; i++)
		if (words[i] == FIRST_CIE && words[i + 1] == FIRST_CIE_REST)
			return i;
	return SCAN_WINDOW / 8;
}

struct eh_scan {
	struct workspace *ws;
	u64 end;
	u64 found;
};

/* Whether what follows a CIE is an FDE of it. */
static __always_inline bool is_first_cie(struct workspace *ws, u64 at)
{
	u64 next = at + sizeof(u32) + FIRST_CIE;

	cursor_set(&ws->cursor, next, next + FDE_HEAD);
	fill_window(ws, FDE_HEAD);
	return take_fde_start(&ws->cfi, &ws->cursor) == CFI_FOUND && ws->cfi.fde_cie == at;
}

/* Looks at ws->scan_at: what a segment has in its last page ends with the page. */
static int scan_window(u32 iteration, struct eh_scan *scan)
{
	struct workspace *ws = scan->ws;
	u64 in_pages = ((scan->end + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1ULL)) - ws->scan_at;
	u64 place;

	if (ws->scan_at >= scan->end || !spend(ws, WINDOW_STEPS))
		return 1;
	__builtin_memset(ws->stack, 0, SCAN_WINDOW);
	if (read_user(ws, ws->stack, clamp(in_pages, SCAN_WINDOW), ws->scan_at))
		return 1;
	place = find_first_cie(ws);
	if (place < SCAN_WINDOW / 8 && is_first_cie(ws, ws->scan_at + 8 * place)) {
		scan->found = ws->scan_at + 8 * place;
		return 1;
	}
	/* the last word may be the first one of a CIE */
	ws->scan_at += SCAN_WINDOW - 8;
	return 0;
}

/*
 * Looks through a segment's memory; 0 when nothing was found. Goes on where it was
 * when a page was missing and the step is taken again.
 */
static __always_inline u64 scan_segment(struct workspace *ws, u64 at, u64 size)
{
	struct eh_scan scan = {.ws = ws, .end = at + size};

	if (ws->scan_at < at || ws->scan_at >= scan.end)
		ws->scan_at = (at + 7) & ~7ULL;
	ws->stack_len = 0;
	bpf_loop(SCAN_BYTES / (SCAN_WINDOW - 8), scan_window, &scan, 0);
	return scan.found;
}

#endif
