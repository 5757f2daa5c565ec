/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Rules: what a row says, in the form in which it is kept, and applying either.
 */
#ifndef SOMNO_RULE_H
#define SOMNO_RULE_H

/* The registers whose place a rule has room for: those that calls preserve, and the return address.
 */
#define SAVED_REGISTERS 7
static const u8 saved_register[SAVED_REGISTERS] = {DWARF_RA, 6, 3, 12, 13, 14, 15};

enum rule_kind {
	/* CFA = register + offset, saved registers at CFA + their offsets */
	RULE_PLAIN = 1,
	/* the row says more than fits: it is found again each time */
	RULE_ROW = 2,
	/* there is no call frame information */
	RULE_NONE = 3,
	/* there is, and it contradicts itself */
	RULE_BAD = 4,
	/* the thread's first frame: the return address is undefined */
	RULE_END = 5,
};

struct rule {
	u8 kind;
	u8 cfa_register;
	bool signal_frame;
	u8 reserved;
	s32 cfa_offset;
	/* from the CFA, bytes; 0: the register is as it was */
	short saved[SAVED_REGISTERS];
	short reserved_too;
};

/* Packs a row into a rule where it fits. */
__noinline int pack_row(struct cfi *cfi __arg_nonnull, struct rule *rule __arg_nonnull)
{
	struct row *row;

	row = &cfi->row;
	rule->kind = RULE_ROW;
	rule->signal_frame = cfi->signal_frame;
	if (row->registers[DWARF_RA].kind == RULE_UNDEFINED) {
		rule->kind = RULE_END;
		return 0;
	}
	if (row->cfa_len || row->cfa_register >= DWARF_REGISTERS ||
	    row->cfa_offset != (s32)row->cfa_offset || row->ruled != row->at_cfa ||
	    row->ruled & ~(PRESERVED_REGISTERS | 1 << DWARF_RA) || !(row->ruled >> DWARF_RA & 1))
		return 0;
	rule->cfa_register = row->cfa_register;
	rule->cfa_offset = row->cfa_offset;
	for (u32 i = 0; i < SAVED_REGISTERS; i++) {
		u32 number = saved_register[i];
		s64 offset = row->registers[number].offset;

		rule->saved[i] = 0;
		if (!(row->ruled >> number & 1))
			continue;
		if (!offset || offset != (short)offset)
			return 0;
		rule->saved[i] = offset;
	}
	rule->kind = RULE_PLAIN;
	return 0;
}

/* A word of the target's stack, through a window that the next frames are likely to be in too. */
__noinline int read_stack(struct workspace *ws __arg_nonnull, u64 address, u32 to)
{
	u64 offset = address - ws->stack_at;
	u64 *into = &ws->caller.r[to & 31];

	if (address & 7)
		return read_user(ws, into, sizeof(*into), address) ? 1 : 0;
	if (offset >= ws->stack_len) {
		u64 len = STACK_WINDOW;

		ws->stack_len = 0;
		if (read_user(ws, ws->stack, len, address)) {
			if (read_user(ws, into, sizeof(*into), address))
				return 1;
			ws->obstacle = OBSTACLE_NONE;
			return 0;
		}
		ws->stack_at = address;
		ws->stack_len = len;
		offset = 0;
	}
	*into = *(u64 *)((void *)ws->stack + (offset & (STACK_WINDOW - 8)));
	return 0;
}

/*
 * Makes the caller's registers this frame's. Only what calls preserve is known
 * of them, unless the frame itself says more, as a signal frame does.
 */
static __always_inline enum step enter_caller(struct workspace *ws, u64 cfa, bool signal_frame)
{
	u64 ip = ws->caller.r[DWARF_RA];

	if (!(ws->caller.known >> DWARF_RA & 1) || !ip)
		return STEP_END;
	if (!signal_frame && cfa <= ws->regs.r[DWARF_SP])
		return STEP_BAD_CFI;
	__builtin_memcpy(ws->regs.r, ws->caller.r, DWARF_REGISTERS * sizeof(u64));
	ws->regs.known = ws->caller.known;
	ws->is_return_address = !signal_frame;
	return STEP_UP;
}

static __always_inline enum step apply_rule(struct workspace *ws, struct rule *rule)
{
	bool known = true;
	u64 cfa;

	cfa = register_value(&ws->regs, rule->cfa_register, &known) + rule->cfa_offset;
	if (!known)
		return STEP_BAD_CFI;
	ws->caller.known = ws->regs.known & PRESERVED_REGISTERS;
	for (u32 i = 0; i < SAVED_REGISTERS; i++) {
		u32 number = saved_register[i];

		if (!rule->saved[i]) {
			ws->caller.r[number] = ws->regs.r[number];
			continue;
		}
		if (read_stack(ws, cfa + rule->saved[i], number))
			return STEP_UNREADABLE;
		ws->caller.known |= 1 << number;
	}
	ws->caller.r[DWARF_SP] = cfa;
	ws->caller.known |= 1 << DWARF_SP;
	return enter_caller(ws, cfa, rule->signal_frame);
}

struct row_run {
	struct workspace *ws;
	u64 cfa;
	enum step step;
};

/* Finds one of the caller's registers as the row says. */
static int apply_register(u32 number, struct row_run *run)
{
	struct workspace *ws = run->ws;
	struct register_rule rule;
	bool known = true;

	if (number >= DWARF_REGISTERS)
		return 1;
	rule = ws->cfi.row.registers[number];
	switch (rule.kind) {
	case RULE_SAME:
		if (number == DWARF_RA)
			goto bad;
		if (number == DWARF_SP)
			ws->caller.r[number] = run->cfa;
		else
			ws->caller.r[number] = ws->regs.r[number];
		if (number == DWARF_SP ||
		    (1 << number & (ws->cfi.signal_frame ? ~0U : PRESERVED_REGISTERS) &
		     ws->regs.known))
			ws->caller.known |= 1 << number;
		return 0;
	case RULE_UNDEFINED:
		return 0;
	case RULE_AT_CFA:
		if (read_stack(ws, run->cfa + rule.offset, number))
			goto unreadable;
		break;
	case RULE_IS_CFA:
		ws->caller.r[number] = run->cfa + rule.offset;
		break;
	case RULE_IN_REGISTER:
		ws->caller.r[number] = register_value(&ws->regs, rule.offset, &known);
		if (!known)
			goto bad;
		break;
	default:
		ws->expression.has_first = true;
		ws->expression.first = run->cfa;
		if (evaluate(ws, ws->cfi.base + rule.offset, rule.number))
			goto bad;
		if (rule.kind == RULE_IS_EXPRESSION)
			ws->caller.r[number] = ws->expression.result;
		else if (read_stack(ws, ws->expression.result, number))
			goto unreadable;
	}
	ws->caller.known |= 1 << number;
	return 0;
unreadable:
	run->step = STEP_UNREADABLE;
	return 1;
bad:
	run->step = STEP_BAD_CFI;
	return 1;
}

static __always_inline enum step apply_row(struct workspace *ws)
{
	struct row_run run = {.ws = ws, .step = STEP_UP};
	struct row *row = &ws->cfi.row;
	bool known = true;

	if (row->cfa_len) {
		ws->expression.has_first = false;
		if (evaluate(ws, ws->cfi.base + row->cfa_offset, row->cfa_len))
			return STEP_BAD_CFI;
		run.cfa = ws->expression.result;
	} else {
		run.cfa = register_value(&ws->regs, row->cfa_register, &known) + row->cfa_offset;
		if (!known)
			return STEP_BAD_CFI;
	}
	ws->caller.known = 0;
	bpf_loop(DWARF_REGISTERS, apply_register, &run, 0);
	if (run.step != STEP_UP)
		return run.step;
	return enter_caller(ws, run.cfa, ws->cfi.signal_frame);
}

#endif
