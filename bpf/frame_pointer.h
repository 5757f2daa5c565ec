/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The frame-pointer step: (ip, sp, bp) = (*(bp + 8), bp + 16, *bp), where bp
 * lies above sp and the next bp above this one.
 */
#ifndef SOMNO_FRAME_POINTER_H
#define SOMNO_FRAME_POINTER_H

static __always_inline enum step step_by_frame_pointer(struct workspace *ws, enum read_mode mode)
{
	struct registers *regs = &ws->regs;
	u64 bp = regs->r[DWARF_BP];
	u64 saved[2]; /* the caller's bp, the return address */

	/* _start and clone begin a thread with bp = 0 */
	if (!bp)
		return STEP_END;
	if (!(regs->known >> DWARF_BP & 1) || bp < regs->r[DWARF_SP] || bp & 7)
		return ws->is_return_address ? STEP_BROKEN_CHAIN : STEP_NO_FRAME_POINTER;
	if (read_user(ws, mode, saved, sizeof(saved), bp))
		return STEP_UNREADABLE;
	if (!saved[1])
		return STEP_END;
	if (saved[0] && saved[0] <= bp)
		return STEP_BROKEN_CHAIN;
	regs->r[DWARF_SP] = bp + sizeof(saved);
	regs->r[DWARF_BP] = saved[0];
	regs->r[DWARF_RA] = saved[1];
	regs->known = 1 << DWARF_SP | 1 << DWARF_BP | 1 << DWARF_RA;
	ws->is_return_address = true;
	count(frames_frame_pointer);
	return STEP_UP;
}

#endif
