/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The frame-pointer step: (ip, sp, bp) = (*(bp + 8), bp + 16, *bp), where bp is on the
 * stack and what is there looks like what a function puts there.
 */
#ifndef SOMNO_FRAME_POINTER_H
#define SOMNO_FRAME_POINTER_H

/*
 * Reads the instructions around an address, whose mapping was found last; ws->code
 * keeps them. Those before the mapping's beginning are 0.
 */
__noinline int read_code(struct workspace *ws __arg_nonnull, u64 address, u32 from)
{
	u64 missing = mapping_at(ws, ws->space.last)->start + CODE_BEFORE - address;

	missing = missing > CODE_BEFORE ? 0 : missing;
	__builtin_memset(&ws->code, 0, sizeof(ws->code));
	missing = clamp(missing, CODE_BEFORE);
	return read_user(ws, ws->code.bytes + missing,
			 CODE_BEFORE + clamp(from, CODE_FROM) - missing,
			 address - CODE_BEFORE + missing)
		       ? 1
		       : 0;
}

static __always_inline bool is_executable(struct workspace *ws, u64 address)
{
	u32 index = 0;

	return find_mapping(ws, address, &index) == MAPPING_FOUND &&
	       mapping_at(ws, index)->executable;
}

/* Whether a call returns to an address; the call is left in ws->code. */
__noinline int is_return_address(struct workspace *ws __arg_nonnull, u64 address)
{
	if (!is_executable(ws, address - 1) || read_code(ws, address, 0))
		return 0;
	return is_behind_call(&ws->code);
}

/* Reads the two words at bp, the caller's bp and the return address, if they are such. */
__noinline int read_frame_record(struct workspace *ws __arg_nonnull)
{
	u64 bp, next, sp = ws->regs.r[DWARF_SP];
	u32 index = 0;
	u64 stack_end;

	bp = ws->regs.r[DWARF_BP];
	if (!(ws->regs.known >> DWARF_BP & 1) || bp < sp || bp & 7 ||
	    find_mapping(ws, sp, &index) != MAPPING_FOUND)
		return STEP_NO_FRAME_POINTER;
	stack_end = mapping_at(ws, index)->end;
	if (bp + sizeof(ws->frame_record) > stack_end)
		return STEP_NO_FRAME_POINTER;
	if (read_user(ws, ws->frame_record, sizeof(ws->frame_record), bp))
		return STEP_UNREADABLE;
	if (!ws->frame_record[1])
		return STEP_END;
	/* code with CFI uses bp as it likes: then only the call tells */
	next = ws->frame_record[0];
	if (next > bp && next < stack_end && is_executable(ws, ws->frame_record[1] - 1))
		return STEP_UP;
	return is_return_address(ws, ws->frame_record[1]) ? STEP_UP : STEP_NO_FRAME_POINTER;
}

/* Goes up by the frame record that was read. */
static __always_inline enum step enter_frame_record(struct workspace *ws)
{
	struct registers *regs = &ws->regs;

	regs->r[DWARF_SP] = regs->r[DWARF_BP] + sizeof(ws->frame_record);
	regs->r[DWARF_BP] = ws->frame_record[0];
	regs->r[DWARF_RA] = ws->frame_record[1];
	regs->known = 1 << DWARF_SP | 1 << DWARF_BP | 1 << DWARF_RA;
	ws->is_return_address = true;
	ws->records++;
	ws->frames_frame_pointer++;
	return STEP_UP;
}

#endif
