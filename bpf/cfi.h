/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Call frame instructions: runs those of the CIE and of the FDE up to an address
 * and leaves the row that holds there. Source: DWARF 5, 6.4.2.
 */
#ifndef SOMNO_CFI_H
#define SOMNO_CFI_H

/*
 * Instructions of one CIE or FDE that are run before it is given up. cc1plus has
 * functions with more than 10,000; at some 30 ns each this bounds a rule to 2 ms.
 * UNWIND_STEPS bounds those of all rules together.
 */
#define CFI_INSTRUCTIONS 65536

static __always_inline void mark_register(struct row *row, u64 number, enum register_rule_kind kind)
{
	u32 bit = 1 << number;

	row->ruled &= ~bit;
	row->at_cfa &= ~bit;
	if (kind != RULE_SAME)
		row->ruled |= bit;
	if (kind == RULE_AT_CFA)
		row->at_cfa |= bit;
}

static __always_inline void set_register(struct cfi *cfi, u64 number, enum register_rule_kind kind,
					 s64 offset)
{
	/* vector registers and the like are not followed */
	if (number >= DWARF_REGISTERS)
		return;
	cfi->row.registers[number].kind = kind;
	cfi->row.registers[number].number = 0;
	cfi->row.registers[number].offset = offset;
	mark_register(&cfi->row, number, kind);
}

/* Takes a block's length, remembers where the block is, and steps over it. */
static __always_inline struct block take_block(struct cursor *cursor)
{
	struct block block;

	block.len = take_leb(cursor, false);
	block.at = cursor->at;
	skip_bytes(cursor, block.len);
	return block;
}

static __always_inline void set_expression(struct cfi *cfi, struct cursor *cursor, u64 number,
					   enum register_rule_kind kind)
{
	struct block block = take_block(cursor);

	if (number >= DWARF_REGISTERS)
		return;
	if (block.len > 0xffff)
		cursor->failed = true;
	cfi->row.registers[number].kind = kind;
	cfi->row.registers[number].number = block.len;
	cfi->row.registers[number].offset = block.at - cfi->base;
	mark_register(&cfi->row, number, kind);
}

static __always_inline void restore_register(struct cfi *cfi, u64 number)
{
	if (number >= DWARF_REGISTERS)
		return;
	cfi->row.registers[number] = cfi->initial.registers[number];
	mark_register(&cfi->row, number, cfi->row.registers[number].kind);
}

/* Steps the address on; 1 when the row so far is the one. */
static __always_inline int advance(struct cfi *cfi, u64 delta)
{
	u64 next = cfi->location + delta * cfi->code_factor;

	/* the end of the address space is beyond it, too */
	if (next > cfi->pc || next < cfi->location)
		return 1;
	cfi->location = next;
	return 0;
}

static __always_inline int run_extended(struct cfi *cfi, struct cursor *cursor, u32 opcode)
{
	struct block block;
	u64 number;

	switch (opcode) {
	case 0x00: /* nop */
		return 0;
	case 0x01: /* set_loc */
		number = take_pointer(cursor, cfi->pointer_encoding, 0);
		if (number < cfi->location)
			goto bad;
		if (number > cfi->pc)
			return 1;
		cfi->location = number;
		return 0;
	case 0x02: /* advance_loc1 */
		return advance(cfi, take_bytes(cursor, 1));
	case 0x03: /* advance_loc2 */
		return advance(cfi, take_bytes(cursor, 2));
	case 0x04: /* advance_loc4 */
		return advance(cfi, take_bytes(cursor, 4));
	case 0x0a: /* remember_state */
		if (cfi->remembered >= CFI_REMEMBERED)
			goto bad;
		cfi->rows[cfi->remembered & (CFI_REMEMBERED - 1)] = cfi->row;
		cfi->remembered++;
		return 0;
	case 0x0b: /* restore_state */
		if (!cfi->remembered)
			goto bad;
		cfi->remembered--;
		cfi->row = cfi->rows[cfi->remembered & (CFI_REMEMBERED - 1)];
		return 0;
	case 0x0c: /* def_cfa */
	case 0x12: /* def_cfa_sf */
		cfi->row.cfa_register = take_register(cursor);
		cfi->row.cfa_offset = opcode == 0x0c ? take_leb(cursor, false)
						     : take_leb(cursor, true) * cfi->data_factor;
		cfi->row.cfa_len = 0;
		return 0;
	case 0x0d: /* def_cfa_register */
		if (cfi->row.cfa_len)
			goto bad;
		cfi->row.cfa_register = take_register(cursor);
		return 0;
	case 0x0e: /* def_cfa_offset */
	case 0x13: /* def_cfa_offset_sf */
		if (cfi->row.cfa_len)
			goto bad;
		cfi->row.cfa_offset = opcode == 0x0e ? take_leb(cursor, false)
						     : take_leb(cursor, true) * cfi->data_factor;
		return 0;
	case 0x0f: /* def_cfa_expression */
		block = take_block(cursor);
		if (!block.len || block.len > 0xffff)
			goto bad;
		cfi->row.cfa_len = block.len;
		cfi->row.cfa_offset = block.at - cfi->base;
		return 0;
	case 0x2e: /* GNU_args_size */
		take_leb(cursor, false);
		return 0;
	}

	/* what is left begins with a register */
	number = take_leb(cursor, false);
	switch (opcode) {
	case 0x05: /* offset_extended */
		set_register(cfi, number, RULE_AT_CFA, take_leb(cursor, false) * cfi->data_factor);
		return 0;
	case 0x11: /* offset_extended_sf */
		set_register(cfi, number, RULE_AT_CFA, take_leb(cursor, true) * cfi->data_factor);
		return 0;
	case 0x2f: /* GNU_negative_offset_extended */
		set_register(cfi, number, RULE_AT_CFA,
			     -(take_leb(cursor, false) * cfi->data_factor));
		return 0;
	case 0x14: /* val_offset */
		set_register(cfi, number, RULE_IS_CFA, take_leb(cursor, false) * cfi->data_factor);
		return 0;
	case 0x15: /* val_offset_sf */
		set_register(cfi, number, RULE_IS_CFA, take_leb(cursor, true) * cfi->data_factor);
		return 0;
	case 0x06: /* restore_extended */
		restore_register(cfi, number);
		return 0;
	case 0x07: /* undefined */
		set_register(cfi, number, RULE_UNDEFINED, 0);
		return 0;
	case 0x08: /* same_value */
		set_register(cfi, number, RULE_SAME, 0);
		return 0;
	case 0x09: /* register */
		set_register(cfi, number, RULE_IN_REGISTER, take_leb(cursor, false));
		return 0;
	case 0x10: /* expression */
		set_expression(cfi, cursor, number, RULE_AT_EXPRESSION);
		return 0;
	case 0x16: /* val_expression */
		set_expression(cfi, cursor, number, RULE_IS_EXPRESSION);
		return 0;
	}
bad:
	cursor->failed = true;
	return 1;
}

/* One instruction; 1 when the row is reached or it is bad. */
__noinline int run_instruction(struct cfi *cfi __arg_nonnull, struct cursor *cursor __arg_nonnull)
{
	u32 opcode, operand;
	int stop = 0;

	opcode = take_one(cursor);
	operand = opcode & 0x3f;
	switch (opcode & 0xc0) {
	case 0x40: /* advance_loc */
		stop = advance(cfi, operand);
		break;
	case 0x80: /* offset */
		set_register(cfi, operand, RULE_AT_CFA, take_leb(cursor, false) * cfi->data_factor);
		break;
	case 0xc0: /* restore */
		restore_register(cfi, operand);
		break;
	default:
		stop = run_extended(cfi, cursor, opcode);
	}
	return stop || cursor->failed ? 1 : 0;
}

struct cfi_run {
	struct workspace *ws;
	bool finished;
};

/* Bytes that hold any instruction but the content of its blocks: an opcode and two LEB128. */
#define LONGEST_INSTRUCTION 24

static int run_next(u32 iteration, struct cfi_run *run)
{
	struct workspace *ws = run->ws;

	if (ws->cursor.at < ws->cursor.end) {
		if (!spend(ws, 1))
			return 1;
		fill_window(ws, LONGEST_INSTRUCTION);
		if (!run_instruction(&ws->cfi, &ws->cursor))
			return 0;
	}
	run->finished = true;
	return 1;
}

__noinline int run_code(struct workspace *ws __arg_nonnull, u64 at, u64 end)
{
	struct cfi_run run = {.ws = ws};

	cursor_set(&ws->cursor, at, end);
	bpf_loop(CFI_INSTRUCTIONS, run_next, &run, 0);
	return run.finished && !ws->cursor.failed;
}

/* Finds the row that holds at cfi.pc. It stays in ws->cfi.row. */
static __always_inline int find_row(struct workspace *ws)
{
	struct cfi *cfi = &ws->cfi;
	int result;

	cfi->cie_at = 0;
	result = find_fde(ws);
	if (result != CFI_FOUND)
		return result;

	__builtin_memset(&cfi->row, 0, sizeof(cfi->row));
	/* where the CIE itself restores a register, there is nothing before it */
	__builtin_memset(&cfi->initial, 0, sizeof(cfi->initial));
	cfi->remembered = 0;
	cfi->location = 0;
	/* a CIE's hold everywhere: none of them leads to an address beyond */
	if (!run_code(ws, cfi->cie_code, cfi->cie_code_end) || ws->cursor.at < cfi->cie_code_end)
		return CFI_BAD;
	cfi->initial = cfi->row;
	cfi->location = cfi->fde_begin;
	if (!run_code(ws, cfi->fde_code, cfi->fde_code_end))
		return CFI_BAD;
	return CFI_FOUND;
}

#endif
