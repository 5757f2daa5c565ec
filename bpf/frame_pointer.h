/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The frame-pointer step: (ip, sp, bp) = (*(bp + 8), bp + 16, *bp), where bp
 * lies above sp and the next bp above this one.
 */
#ifndef SOMNO_FRAME_POINTER_H
#define SOMNO_FRAME_POINTER_H

/* Whether the two words at bp are on the stack that sp is on. */
static __always_inline bool is_on_stack(struct workspace *ws, u64 bp, u64 sp)
{
	u32 index = 0;

	if (bp < sp || bp & 7 || find_mapping(ws, sp, &index) != MAPPING_FOUND)
		return false;
	return bp + 2 * sizeof(u64) <= ws->mappings[index & (MAPPINGS_KEPT - 1)].end;
}

static __always_inline enum step step_by_frame_pointer(struct workspace *ws)
{
	/* at a leaf bp may be anything, 0 too: it does not say that the stack ends */
	enum step refusal = ws->is_return_address ? STEP_BROKEN_CHAIN : STEP_NO_FRAME_POINTER;
	struct registers *regs = &ws->regs;
	u64 bp = regs->r[DWARF_BP];
	u64 saved[2]; /* the caller's bp, the return address */

	if (!(regs->known >> DWARF_BP & 1))
		return refusal;
	/* _start and clone begin a thread with bp = 0 */
	if (!bp && ws->is_return_address)
		return STEP_END;
	if (!is_on_stack(ws, bp, regs->r[DWARF_SP]))
		return refusal;
	if (read_user(ws, saved, sizeof(saved), bp))
		return STEP_UNREADABLE;
	if (!saved[1])
		return ws->is_return_address ? STEP_END : STEP_NO_FRAME_POINTER;
	if (saved[0] && saved[0] <= bp)
		return refusal;
	regs->r[DWARF_SP] = bp + sizeof(saved);
	regs->r[DWARF_BP] = saved[0];
	regs->r[DWARF_RA] = saved[1];
	regs->known = 1 << DWARF_SP | 1 << DWARF_BP | 1 << DWARF_RA;
	ws->is_return_address = true;
	count(frames_frame_pointer);
	return STEP_UP;
}

#endif
