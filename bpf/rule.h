/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Rules: what nearly every row says, in the form in which it is kept, and a step by one.
 * (sp, ra, rbp..) = (CFA, *(CFA - 8), *(CFA + offset)..), where the CFA is
 * register + offset or *(register + offset) + add.
 */
#ifndef SOMNO_RULE_H
#define SOMNO_RULE_H

static __always_inline bool fits_short(s64 value)
{
	return value == (short)value;
}

/* Finds how the CFA is computed; 0 when it has no shape that a rule has room for. */
static __always_inline int shape_cfa(struct workspace *ws)
{
	struct row *row = &ws->cfi.row;
	struct shape *shape = &ws->shape;

	if (row->cfa_len)
		return find_shape(ws, row->cfa_offset, row->cfa_len);
	shape->of_register = row->cfa_register;
	shape->offset = row->cfa_offset;
	shape->dereferenced = false;
	shape->add = 0;
	return 1;
}

/* Finds where a register is saved, into ws->shape; 0 when that does not fit. */
static __always_inline int shape_saved(struct workspace *ws, struct register_rule *rule)
{
	struct shape *shape = &ws->shape;

	if (rule->kind == RULE_AT_CFA) {
		shape->of_register = DWARF_RA;
		shape->offset = rule->offset;
	} else if (rule->kind != RULE_AT_EXPRESSION ||
		   !find_shape(ws, rule->offset, rule->number) || shape->dereferenced ||
		   shape->of_register != DWARF_BP) {
		return 0;
	}
	return fits_short(shape->offset);
}

/* Packs the row into a rule where it fits. */
__noinline int pack_row(struct workspace *ws __arg_nonnull, struct rule *rule __arg_nonnull)
{
	struct row *row = &ws->cfi.row;

	rule->kind = RULE_ROW;
	rule->is_saved = 0;
	rule->from_bp = 0;
	if (row->registers[DWARF_RA].kind == RULE_UNDEFINED) {
		rule->kind = RULE_END;
		return 0;
	}
	/* a signal frame knows all registers, a rule only those that calls preserve */
	if (ws->cfi.signal_frame || row->ruled & ~(PRESERVED_REGISTERS | 1 << DWARF_RA) ||
	    !(row->ruled >> DWARF_RA & 1) || !shape_cfa(ws) || ws->shape.of_register >= DWARF_RA ||
	    ws->shape.offset != (s32)ws->shape.offset || !fits_short(ws->shape.add))
		return 0;
	rule->cfa_register = ws->shape.of_register;
	rule->cfa_dereferenced = ws->shape.dereferenced;
	rule->cfa_offset = ws->shape.offset;
	rule->cfa_add = ws->shape.add;
	for (u32 i = 0; i < SAVED_REGISTERS; i++) {
		u32 number = saved_register[i];

		if (!(row->ruled >> number & 1))
			continue;
		if (!shape_saved(ws, &row->registers[number]))
			return 0;
		rule->saved[i] = ws->shape.offset;
		rule->is_saved |= 1 << number;
		if (ws->shape.of_register == DWARF_BP)
			rule->from_bp |= 1 << number;
	}
	rule->kind = RULE_PLAIN;
	return 0;
}

/* One step by a rule. Nothing is changed where it fails. */
__noinline int apply_rule(struct workspace *ws __arg_nonnull)
{
	struct rule *rule = &ws->rule;
	struct registers *regs = &ws->regs;
	u32 known = rule->is_saved | 1 << DWARF_SP;
	bool readable = true;
	enum step step;
	u64 cfa;

	cfa = register_value(regs, rule->cfa_register, &readable) + rule->cfa_offset;
	if (!readable || (rule->from_bp && !(regs->known >> DWARF_BP & 1)))
		return STEP_BAD_CFI;
	if (rule->cfa_dereferenced) {
		if (read_stack(ws, cfa, DWARF_SP))
			return STEP_UNREADABLE;
		cfa = ws->caller.r[DWARF_SP] + rule->cfa_add;
	}
	for (u32 i = 0; i < SAVED_REGISTERS; i++) {
		u32 number = saved_register[i];
		u64 base = rule->from_bp >> number & 1 ? regs->r[DWARF_BP] : cfa;
		u64 address = base + rule->saved[i], offset = address - ws->stack_at;

		if (!(rule->is_saved >> number & 1))
			continue;
		if (offset < ws->stack_len && !(address & 7))
			ws->caller.r[number] =
				*(u64 *)((void *)ws->stack + (offset & (STACK_WINDOW - 8)));
		else if (read_stack(ws, address, number))
			return STEP_UNREADABLE;
	}
	ws->caller.known = known;
	step = check_caller(ws, cfa, false);
	if (step != STEP_UP)
		return step;
	for (u32 i = 0; i < SAVED_REGISTERS; i++) {
		u32 number = saved_register[i];

		if (rule->is_saved >> number & 1)
			regs->r[number] = ws->caller.r[number];
	}
	regs->r[DWARF_SP] = cfa;
	regs->known = (regs->known & PRESERVED_REGISTERS) | known;
	ws->is_return_address = true;
	return STEP_UP;
}

#endif
