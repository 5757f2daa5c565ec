/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The step where there is no CFI. At a leaf bp may be anything: the function may not
 * have made its frame yet, have taken it down already, or never make one, so its code
 * is looked at first. A return address that is guessed has to be one: in executable
 * memory, behind a call. Rather no frame than one that is made up.
 */
#ifndef SOMNO_NO_CFI_H
#define SOMNO_NO_CFI_H

/* Goes up to where the return address is above `depth` bytes, if it is one. */
__noinline int return_from(struct workspace *ws __arg_nonnull, u32 depth, u32 pushed_bp)
{
	struct registers *regs = &ws->regs;
	u64 address;

	depth = clamp(depth, sizeof(ws->top) - sizeof(u64));
	if (read_user(ws, ws->top, depth + sizeof(u64), regs->r[DWARF_SP]))
		return STEP_UNREADABLE;
	address = *(u64 *)((void *)ws->top + (depth & 24));
	if (!is_return_address(ws, address))
		return STEP_NO_FRAME_POINTER;
	if (pushed_bp)
		regs->r[DWARF_BP] = ws->top[0];
	regs->r[DWARF_RA] = address;
	regs->r[DWARF_SP] += depth + sizeof(u64);
	regs->known &= PRESERVED_REGISTERS | 1 << DWARF_SP | 1 << DWARF_RA;
	ws->is_return_address = true;
	return STEP_UP;
}

static __always_inline int step_out_of_leaf(struct workspace *ws)
{
	u64 pc = ws->regs.r[DWARF_RA], sp = ws->regs.r[DWARF_SP];
	struct prologue prologue = {};
	u64 top = 0;

	if (ws->is_first_frame)
		return STEP_END;
	if (is_executable(ws, pc) && !read_code(ws, pc, CODE_FROM)) {
		bool shows = find_prologue(&ws->code, &prologue);

		if (!shows && find_word_taken(&ws->code)) {
			prologue.depth = sizeof(u64);
			shows = true;
		}
		if (shows && return_from(ws, prologue.depth, prologue.pushed_bp) == STEP_UP)
			return STEP_UP;
	}
	/* what is not resident now may tell more: no guess before that */
	if (ws->obstacle)
		return STEP_UNREADABLE;
	if (read_frame_record(ws) == STEP_UP)
		return enter_frame_record(ws);
	if (ws->obstacle)
		return STEP_UNREADABLE;
	/* code without a frame, like what follows the system call in clone */
	if (!read_user(ws, &top, sizeof(top), sp) && is_return_address(ws, top) &&
	    calls_into(&ws->code, top, pc))
		return return_from(ws, 0, false);
	return STEP_NO_FRAME_POINTER;
}

/*
 * Whether a chain that ends here can end: where the program began, where CFI led to
 * this frame, so that it is bp's true value, or behind frames that formed a chain. A
 * single record may be a leftover that bp happens to point to.
 */
static __always_inline bool is_end_of_chain(struct workspace *ws)
{
	u64 sp = ws->regs.r[DWARF_SP];

	return ws->start_stack - sp <= START_FRAME || ws->records != 1;
}

/* The caller of a frame that a call was made from: its bp is what the callee left. */
static __always_inline int step_out_of_caller(struct workspace *ws)
{
	struct registers *regs = &ws->regs;
	int step;

	if (is_executable(ws, regs->r[DWARF_RA] - 1) && !read_code(ws, regs->r[DWARF_RA], 0) &&
	    find_word_taken(&ws->code) && return_from(ws, sizeof(u64), false) == STEP_UP)
		return STEP_UP;
	if (ws->obstacle)
		return STEP_UNREADABLE;
	if (!(regs->known >> DWARF_BP & 1))
		return STEP_BROKEN_CHAIN;
	/* _start and clone begin a thread with bp = 0 */
	if (!regs->r[DWARF_BP])
		return is_end_of_chain(ws) ? STEP_END : STEP_BROKEN_CHAIN;
	step = read_frame_record(ws);
	if (step == STEP_UP)
		return enter_frame_record(ws);
	if (step == STEP_END && is_end_of_chain(ws))
		return STEP_END;
	return step == STEP_UNREADABLE ? step : STEP_BROKEN_CHAIN;
}

static __always_inline int step_without_cfi(struct workspace *ws)
{
	return ws->is_return_address ? step_out_of_caller(ws) : step_out_of_leaf(ws);
}

#endif
