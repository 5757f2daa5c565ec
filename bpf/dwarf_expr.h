/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A bounded evaluator of DWARF expressions, as far as call frame information
 * uses them: registers, memory, arithmetic, comparisons, jumps.
 * Source: DWARF 5, 2.5.1 and 6.4.2.
 */
#ifndef SOMNO_DWARF_EXPR_H
#define SOMNO_DWARF_EXPR_H

/* Operations of one expression; the longest that compilers write is about ten. */
#define EXPRESSION_STEPS 128

static __always_inline void push(struct expression *e, u64 value)
{
	if (e->depth >= EXPRESSION_STACK) {
		e->failed = true;
		return;
	}
	e->stack[e->depth & (EXPRESSION_STACK - 1)] = value;
	e->depth++;
}

static __always_inline u64 pop(struct expression *e)
{
	if (!e->depth) {
		e->failed = true;
		return 0;
	}
	e->depth--;
	return e->stack[e->depth & (EXPRESSION_STACK - 1)];
}

/* The value `down` places below the top. */
static __always_inline u64 peek(struct expression *e, u64 down)
{
	if (down >= e->depth) {
		e->failed = true;
		return 0;
	}
	return e->stack[(e->depth - 1 - down) & (EXPRESSION_STACK - 1)];
}

static __always_inline u64 register_value(struct registers *regs, u64 number, bool *known)
{
	if (number >= DWARF_REGISTERS || !(regs->known >> number & 1)) {
		*known = false;
		return 0;
	}
	return regs->r[number];
}

static __always_inline void push_register(struct expression *e, struct registers *regs, u64 number,
					  s64 offset)
{
	bool known = true;
	u64 value = register_value(regs, number, &known);

	if (!known)
		e->failed = true;
	push(e, value + offset);
}

/* Asks for memory: whoever runs the expression reads it and pushes it. */
static __always_inline void want_memory(struct expression *e, u64 address, u64 size)
{
	e->wanted = address;
	e->wanted_size = size;
	if (!size || size > 8)
		e->failed = true;
}

/* Operations on the two topmost values; false when it is none of them. */
__noinline int run_binary(struct expression *e __arg_nonnull, u32 opcode)
{
	u64 b, a;

	if (opcode < 0x1a || (opcode > 0x27 && opcode < 0x29) || opcode > 0x2e)
		return 0;
	if (opcode == 0x1f || opcode == 0x20 || opcode == 0x23)
		return 0;
	b = pop(e);
	a = pop(e);
	switch (opcode) {
	case 0x1a: /* and */
		a &= b;
		break;
	case 0x1b: /* div */
		if (!b || (s64)a < 0 || (s64)b < 0)
			e->failed = true;
		else
			a /= b;
		break;
	case 0x1c: /* minus */
		a -= b;
		break;
	case 0x1d: /* mod */
		if (!b)
			e->failed = true;
		else
			a %= b;
		break;
	case 0x1e: /* mul */
		a *= b;
		break;
	case 0x21: /* or */
		a |= b;
		break;
	case 0x22: /* plus */
		a += b;
		break;
	case 0x24: /* shl */
		a = b < 64 ? a << b : 0;
		break;
	case 0x25: /* shr */
		a = b < 64 ? a >> b : 0;
		break;
	case 0x26: /* shra */
		a = (s64)a >> (b < 64 ? b : 63);
		break;
	case 0x27: /* xor */
		a ^= b;
		break;
	case 0x29: /* eq */
		a = a == b;
		break;
	case 0x2a: /* ge */
		a = (s64)a >= (s64)b;
		break;
	case 0x2b: /* gt */
		a = (s64)a > (s64)b;
		break;
	case 0x2c: /* le */
		a = (s64)a <= (s64)b;
		break;
	case 0x2d: /* lt */
		a = (s64)a < (s64)b;
		break;
	case 0x2e: /* ne */
		a = a != b;
		break;
	}
	push(e, a);
	return 1;
}

/* Operations that move values about; false when it is none of them. */
__noinline int run_stack(struct expression *e __arg_nonnull, u32 opcode)
{
	u64 a, b, c;

	switch (opcode) {
	case 0x12: /* dup */
		push(e, peek(e, 0));
		return 1;
	case 0x13: /* drop */
		pop(e);
		return 1;
	case 0x14: /* over */
		push(e, peek(e, 1));
		return 1;
	case 0x16: /* swap */
		b = pop(e);
		a = pop(e);
		push(e, b);
		push(e, a);
		return 1;
	case 0x17: /* rot */
		c = pop(e);
		b = pop(e);
		a = pop(e);
		push(e, c);
		push(e, a);
		push(e, b);
		return 1;
	case 0x19: /* abs */
		a = pop(e);
		push(e, (s64)a < 0 ? -a : a);
		return 1;
	case 0x1f: /* neg */
		push(e, -pop(e));
		return 1;
	case 0x20: /* not */
		push(e, ~pop(e));
		return 1;
	}
	return 0;
}

/* Constants; false when it is none of them. */
__noinline int run_constant(struct expression *e __arg_nonnull, struct cursor *cursor __arg_nonnull,
			    u32 opcode)
{
	switch (opcode) {
	case 0x03: /* addr */
	case 0x0e: /* const8u */
	case 0x0f: /* const8s */
		push(e, take_bytes(cursor, 8));
		return 1;
	case 0x08: /* const1u */
		push(e, take_bytes(cursor, 1));
		return 1;
	case 0x09: /* const1s */
		push(e, (s64)(signed char)take_bytes(cursor, 1));
		return 1;
	case 0x0a: /* const2u */
		push(e, take_bytes(cursor, 2));
		return 1;
	case 0x0b: /* const2s */
		push(e, (s64)(short)take_bytes(cursor, 2));
		return 1;
	case 0x0c: /* const4u */
		push(e, take_bytes(cursor, 4));
		return 1;
	case 0x0d: /* const4s */
		push(e, (s64)(s32)take_bytes(cursor, 4));
		return 1;
	case 0x10: /* constu */
		push(e, take_leb(cursor, false));
		return 1;
	case 0x11: /* consts */
		push(e, take_leb(cursor, true));
		return 1;
	}
	return 0;
}

/* One operation; 1 when the expression is bad. */
__noinline int run_operation(struct expression *e __arg_nonnull,
			     struct cursor *cursor __arg_nonnull,
			     struct registers *regs __arg_nonnull)
{
	u32 opcode;
	s64 by;

	opcode = take_one(cursor);
	if (opcode >= 0x30 && opcode <= 0x4f) { /* lit0 to lit31 */
		push(e, opcode - 0x30);
	} else if (opcode >= 0x70 && opcode <= 0x8f) { /* breg0 to breg31 */
		push_register(e, regs, opcode - 0x70, take_leb(cursor, true));
	} else if (opcode == 0x92) { /* bregx */
		u64 number = take_leb(cursor, false);

		push_register(e, regs, number, take_leb(cursor, true));
	} else if (opcode == 0x06) { /* deref */
		want_memory(e, pop(e), 8);
	} else if (opcode == 0x94) { /* deref_size */
		u64 size = take_bytes(cursor, 1);

		want_memory(e, pop(e), size);
	} else if (opcode == 0x23) { /* plus_uconst */
		push(e, pop(e) + take_leb(cursor, false));
	} else if (opcode == 0x15) { /* pick */
		push(e, peek(e, take_bytes(cursor, 1)));
	} else if (opcode == 0x2f || opcode == 0x28) { /* skip, bra */
		by = (short)take_bytes(cursor, 2);
		if (opcode == 0x2f || pop(e))
			cursor->at += by;
		if (cursor->at < e->start || cursor->at > cursor->end)
			e->failed = true;
	} else if (opcode != 0x96 /* nop */ && !run_binary(e, opcode) && !run_stack(e, opcode) &&
		   !run_constant(e, cursor, opcode)) {
		e->failed = true;
	}
	return e->failed || cursor->failed ? 1 : 0;
}

struct expression_run {
	struct workspace *ws;
	bool finished;
};

/* Bytes that hold any operation: an opcode and two LEB128. */
#define LONGEST_OPERATION 24

static int run_next_operation(u32 iteration, struct expression_run *run)
{
	struct workspace *ws = run->ws;
	struct expression *e = &ws->expression;

	if (ws->cursor.at >= ws->cursor.end) {
		run->finished = true;
		return 1;
	}
	if (!spend(ws, 1))
		return 1;
	fill_window(ws, LONGEST_OPERATION);
	e->wanted_size = 0;
	if (run_operation(e, &ws->cursor, &ws->regs))
		return 1;
	if (e->wanted_size) {
		u64 value = 0;

		if (read_user(ws, &value, clamp(e->wanted_size, 8), e->wanted)) {
			e->failed = true;
			return 1;
		}
		push(e, value);
	}
	return 0;
}

/* Evaluates a block, on top of `first` where there is one; 1 when it cannot be. */
__noinline int evaluate(struct workspace *ws __arg_nonnull, u64 at, u32 len)
{
	struct expression_run run = {.ws = ws};
	struct expression *e = &ws->expression;

	e->depth = 0;
	e->failed = false;
	e->start = at;
	if (e->has_first)
		push(e, e->first);
	cursor_set(&ws->cursor, at, at + len);
	bpf_loop(EXPRESSION_STEPS, run_next_operation, &run, 0);
	note_short_window(ws);
	e->result = peek(e, 0);
	return !run.finished || e->failed || ws->cursor.failed ? 1 : 0;
}

#endif
