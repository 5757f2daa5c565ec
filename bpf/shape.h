/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Expressions of the few shapes that compilers, assemblers and linkers write, as
 * numbers that a rule has room for: `breg OFFSET [deref [plus_uconst ADD]]` where a
 * stack is realigned, and the one of x86-64's procedure linkage table, whose entries
 * push a word after some of their 16 bytes. Others are evaluated each time.
 */
#ifndef SOMNO_SHAPE_H
#define SOMNO_SHAPE_H

/* No shape is longer. */
#define SHAPE_LEN 24

/*
 * The rest of `breg7 8; breg16 0; lit15; and; litN; ge; lit3; shl; plus`: a word more
 * from byte N of an entry on. Only pc's low bits matter, which are the same wherever
 * a file is mapped, so that for one place in a file it is a number.
 */
static __always_inline bool take_plt_shape(struct cursor *cursor, struct shape *shape, u64 pc)
{
	u64 begins = take_bytes(cursor, 3), pushed_at, ends;

	pushed_at = take_bytes(cursor, 1) - 0x30;
	ends = take_bytes(cursor, 4);
	if (begins != 0x1a3f00 || pushed_at > 15 || ends != 0x2224332a)
		return false;
	if ((pc & 15) >= pushed_at)
		shape->offset += sizeof(u64);
	return true;
}

/* Takes an expression at the cursor, up to its end; 0 when it has no such shape. */
__noinline int take_shape(struct cursor *cursor __arg_nonnull, struct shape *shape __arg_nonnull,
			  u64 pc, u32 is_return_address)
{
	u32 opcode;

	shape->of_register = take_bytes(cursor, 1) - 0x70;
	shape->offset = take_leb(cursor, true);
	shape->add = 0;
	shape->dereferenced = false;
	if (shape->of_register >= DWARF_RA || cursor->failed)
		return 0;
	if (cursor->at == cursor->end)
		return 1;
	opcode = take_bytes(cursor, 1);
	/* an entry calls nothing */
	if (opcode == 0x80 && (is_return_address || !take_plt_shape(cursor, shape, pc)))
		return 0;
	if (opcode == 0x06) {
		shape->dereferenced = true;
		if (cursor->at < cursor->end && take_bytes(cursor, 1) != 0x23)
			return 0;
		if (cursor->at < cursor->end)
			shape->add = take_leb(cursor, false);
	} else if (opcode != 0x80) {
		return 0;
	}
	return cursor->at == cursor->end && !cursor->failed ? 1 : 0;
}

/* The shape of the expression at cfi.base + offset; 0 when it has none. */
__noinline int find_shape(struct workspace *ws __arg_nonnull, s64 offset, u32 len)
{
	u64 at = ws->cfi.base + offset;

	if (!len || len > SHAPE_LEN)
		return 0;
	cursor_set(&ws->cursor, at, at + len);
	fill_window(ws, len);
	return take_shape(&ws->cursor, &ws->shape, ws->cfi.pc, ws->is_return_address);
}

#endif
