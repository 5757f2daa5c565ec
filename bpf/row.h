/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* One step by a row as it was found: all that DWARF can say, for what a rule has no room for. */
#ifndef SOMNO_ROW_H
#define SOMNO_ROW_H

/*
 * Whether the caller that was found can be one. Below a leaf's frame there may be no
 * more than its return address, or that in a register (vfork): sp may stay.
 */
static __always_inline enum step check_caller(struct workspace *ws, u64 cfa, bool signal_frame)
{
	u64 sp = ws->regs.r[DWARF_SP];

	if (!(ws->caller.known >> DWARF_RA & 1) || !ws->caller.r[DWARF_RA])
		return STEP_END;
	/* by it the next step knows whether it leads up */
	if (!(ws->caller.known >> DWARF_SP & 1))
		return STEP_BAD_CFI;
	if (!signal_frame && (cfa < sp || (cfa == sp && ws->is_return_address)))
		return STEP_BAD_CFI;
	return STEP_UP;
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
		if (evaluate(ws, ws->cfi.base + rule.offset, rule.number)) {
			if (ws->obstacle)
				goto unreadable;
			goto bad;
		}
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
			return ws->obstacle ? STEP_UNREADABLE : STEP_BAD_CFI;
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
	run.step = check_caller(ws, run.cfa, ws->cfi.signal_frame);
	if (run.step != STEP_UP)
		return run.step;
	__builtin_memcpy(ws->regs.r, ws->caller.r, DWARF_REGISTERS * sizeof(u64));
	ws->regs.known = ws->caller.known;
	ws->is_return_address = !ws->cfi.signal_frame;
	return STEP_UP;
}

#endif
