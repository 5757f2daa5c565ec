/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Words of the target's stack, through a window. */
#ifndef SOMNO_STACK_H
#define SOMNO_STACK_H

/* Has the window hold what the stack has from an address on, to its page's end at least. */
static __always_inline long fill_stack(struct workspace *ws, u64 start)
{
	u64 in_page = PAGE_SIZE - (start & (PAGE_SIZE - 1));

	ws->stack_at = start;
	ws->stack_len = STACK_WINDOW;
	if (!read_user(ws, ws->stack, STACK_WINDOW, start))
		return 0;
	ws->stack_len = clamp(in_page, STACK_WINDOW);
	if (!read_user(ws, ws->stack, ws->stack_len & (2 * STACK_WINDOW - 1), start))
		return 0;
	ws->stack_len = 0;
	return 1;
}

/*
 * Reads a word of the target's stack, through a window that the next frames are likely
 * to be in too. It begins at sp, or where a large frame ends: saved registers lie below
 * the return address, which is asked for first.
 */
__noinline int read_stack(struct workspace *ws __arg_nonnull, u64 address, u32 to)
{
	u64 *into = &ws->caller.r[to & 31];
	u64 offset = address - ws->stack_at, start = ws->regs.r[DWARF_SP];

	if (address & 7)
		return read_user(ws, into, sizeof(*into), address) ? 1 : 0;
	if (offset >= ws->stack_len) {
		if (start & 7 || address - start >= STACK_WINDOW)
			start = address - SAVED_REGISTERS * sizeof(u64);
		if (fill_stack(ws, start)) {
			if (read_user(ws, into, sizeof(*into), address))
				return 1;
			ws->obstacle = OBSTACLE_NONE;
			return 0;
		}
		ws->obstacle = OBSTACLE_NONE;
		offset = address - ws->stack_at;
		if (offset >= ws->stack_len)
			return read_user(ws, into, sizeof(*into), address) ? 1 : 0;
	}
	*into = *(u64 *)((void *)ws->stack + (offset & (STACK_WINDOW - 8)));
	return 0;
}

#endif
