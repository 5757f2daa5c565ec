/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The frame-pointer step: (ip, sp, bp) = (*(bp + 8), bp + 16, *bp), where bp
 * lies above sp and the next bp above this one.
 */
#ifndef SOMNO_FRAME_POINTER_H
#define SOMNO_FRAME_POINTER_H

/* What one step up the stack came to. */
enum step {
	STEP_UP,
	/* the thread's first frame was reached */
	STEP_END,
	STEP_NO_FRAME_POINTER,
	STEP_BROKEN_CHAIN,
	STEP_UNREADABLE,
};

static __always_inline enum step step_by_frame_pointer(struct workspace *ws, enum read_mode mode)
{
	struct registers *regs = &ws->regs;
	u64 saved[2]; /* the caller's bp, the return address */

	/* _start and clone begin a thread with bp = 0 */
	if (!regs->bp)
		return STEP_END;
	if (regs->bp < regs->sp || regs->bp & 7)
		return ws->is_return_address ? STEP_BROKEN_CHAIN : STEP_NO_FRAME_POINTER;
	if (read_user(ws, mode, saved, sizeof(saved), regs->bp))
		return STEP_UNREADABLE;
	if (!saved[1])
		return STEP_END;
	if (saved[0] && saved[0] <= regs->bp)
		return STEP_BROKEN_CHAIN;
	regs->sp = regs->bp + sizeof(saved);
	regs->bp = saved[0];
	regs->ip = saved[1];
	count(frames_frame_pointer);
	return STEP_UP;
}

#endif
