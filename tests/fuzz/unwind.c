/*
 * Fuzzes the unwinder: an input is a thread, its registers and its memory, and some
 * frames of it are unwound, with expressions evaluated on the way. Whatever the
 * memory holds, that ends within the bounds that the headers state, depends on nothing
 * that an earlier unwind left behind, and says the same in each of its forms.
 */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "host.h"

/* Loops are ours here, to look at what every round leaves. */
static void check_round(const void *body);
static u64 rounds;

static inline long checked_loop(u32 count, int (*body)(u32, void *), void *context)
{
	u32 i;

	for (i = 0; i < count; i++) {
		int stop = body(i, context);

		rounds++;
		check_round((const void *)body);
		if (stop)
			break;
	}
	return i;
}

#undef bpf_loop
#define bpf_loop(count, body, context, flags)                                                      \
	checked_loop(count, (int (*)(u32, void *))(body), context)

#include "cursor.h"
#include "eh_frame.h"
#include "cfi.h"
#include "dwarf_expr.h"
#include "shape.h"
#include "stack.h"
#include "row.h"
#include "rule.h"

/* Reads of the target's memory, and rounds of loops, that each part may take. */
#define WINDOW_READS 2
#define RECORD_READS (3 * WINDOW_READS)
#define FIND_READS (WINDOW_READS + SEARCH_STEPS + 1 + RECORD_READS * (u64)(1 + WALK_RECORDS))
#define FIND_ROUNDS (SEARCH_STEPS + WALK_RECORDS)
#define EXPRESSION_READS (EXPRESSION_STEPS * (u64)(WINDOW_READS + 1))
#define STACK_READS 2
#define STEP_READS (EXPRESSION_READS + DWARF_REGISTERS * (EXPRESSION_READS + STACK_READS))
#define STEP_ROUNDS (EXPRESSION_STEPS + DWARF_REGISTERS * (u64)(EXPRESSION_STEPS + 1))

#define FRAMES 4

/* What an input begins with; what follows is the content of the thread's memory. */
struct scenario {
	/* from .eh_frame_hdr on */
	s32 pc;
	/* a bit for each register */
	u32 known;
	/* where in its first page the content begins: what follows the last page is not mapped */
	u16 shift;
	/* offsets in the content */
	u16 header;
	u16 stack;
	u16 block;
	u16 block_len;
	/* bit 0: not a position-independent program; 1: pc is a return address; 2: no header */
	u16 flags;
};

#define LOW_PROGRAM 0x400000
#define HIGH_PROGRAM 0x7ffff7fc0000

/* What came of it. All that is not set is 0, so that two can be compared as bytes. */
struct trace {
	struct frame_trace {
		int found;
		u32 step;
		struct row row;
		struct rule rule;
		struct registers regs;
	} frames[FRAMES];
	int evaluated;
	u64 value;
};

static struct workspace ws;

static void check_round(const void *body)
{
	check(ws.cursor.window_len <= CURSOR_WINDOW);
	if (body == (const void *)run_next)
		check(ws.cfi.remembered <= CFI_REMEMBERED);
	if (body == (const void *)run_next_operation)
		check(ws.expression.depth <= EXPRESSION_STACK);
}

/* Windows hold what the target has there, and obstacles are where it has nothing. */
static void check_memory(void)
{
	struct cursor *cursor = &ws.cursor;

	check(cursor->window_len <= CURSOR_WINDOW);
	if (cursor->window_len) {
		check(host_has(cursor->window_at, cursor->window_len));
		check(!memcmp(cursor->window,
			      host_memory.bytes + (cursor->window_at - host_memory.at),
			      cursor->window_len));
	}
	check(ws.stack_len <= STACK_WINDOW);
	if (ws.stack_len) {
		check(host_has(ws.stack_at, ws.stack_len));
		check(!memcmp(ws.stack, host_memory.bytes + (ws.stack_at - host_memory.at),
			      ws.stack_len));
	}
	if (ws.obstacle) {
		check(ws.obstacle == OBSTACLE_MEMORY);
		check(ws.obstacle_len);
		check(!host_has(ws.obstacle_at, ws.obstacle_len));
	}
}

/* A row that was found is one: its parts agree, and it holds at the address. */
static void check_row(const struct cfi *cfi)
{
	const struct row *row = &cfi->row;

	check(cfi->fde_begin <= cfi->location && cfi->location <= cfi->pc);
	check(cfi->cie_code <= cfi->cie_code_end && cfi->fde_code <= cfi->fde_code_end);
	check(ws.cursor.at >= cfi->fde_code && ws.cursor.at <= cfi->fde_code_end);
	check(cfi->cie_at && cfi->return_register == DWARF_RA);
	check(row->cfa_len <= 0xffff);
	check(!(row->ruled >> DWARF_REGISTERS));
	check(!(row->at_cfa & ~row->ruled));
	for (u32 i = 0; i < DWARF_REGISTERS; i++) {
		const struct register_rule *rule = &row->registers[i];

		check(rule->kind <= RULE_IS_EXPRESSION);
		check((row->ruled >> i & 1) == (rule->kind != RULE_SAME));
		check((row->at_cfa >> i & 1) == (rule->kind == RULE_AT_CFA));
		check(!rule->number || rule->kind >= RULE_AT_EXPRESSION);
	}
}

/* A packed rule says what its row does. */
static void check_rule(const struct cfi *cfi, const struct rule *rule)
{
	const struct row *row = &cfi->row;
	u32 told = 0;

	if (rule->kind == RULE_ROW)
		return;
	if (rule->kind == RULE_END) {
		check(row->registers[DWARF_RA].kind == RULE_UNDEFINED);
		return;
	}
	check(rule->kind == RULE_PLAIN);
	check(!cfi->signal_frame);
	check(rule->cfa_register < DWARF_RA);
	/* what came of expressions shows when both are applied */
	check(row->cfa_len || (rule->cfa_register == row->cfa_register &&
			       rule->cfa_offset == row->cfa_offset && !rule->cfa_dereferenced));
	for (u32 i = 0; i < SAVED_REGISTERS; i++) {
		const struct register_rule *place = &row->registers[saved_register[i]];

		told |= 1 << saved_register[i];
		if (place->kind == RULE_AT_EXPRESSION)
			check(rule->is_saved & rule->from_bp & 1 << saved_register[i]);
		else
			check(place->kind ==
			      (rule->is_saved >> saved_register[i] & 1 ? RULE_AT_CFA : RULE_SAME));
		check(place->kind != RULE_AT_CFA || rule->saved[i] == place->offset);
	}
	check(rule->is_saved >> DWARF_RA & 1);
	check(!(rule->from_bp & ~rule->is_saved));
	check(!(row->ruled & ~told));
}

/* The registers whose value is known; what the others hold does not matter. */
static void keep_known(struct registers *to, const struct registers *from)
{
	memset(to, 0, sizeof(*to));
	to->known = from->known;
	for (u32 i = 0; i < DWARF_REGISTERS; i++)
		if (from->known >> i & 1)
			to->r[i] = from->r[i];
}

static enum step apply(struct frame_trace *frame)
{
	struct registers before = ws.regs;
	bool is_return_address = ws.is_return_address;
	struct registers by_rule;
	enum step step, step_by_rule;

	if (frame->rule.kind == RULE_END)
		return STEP_END;
	host_memory.reads = 0;
	rounds = 0;
	step = apply_row(&ws);
	check(step == STEP_UP || step == STEP_END || step == STEP_BAD_CFI ||
	      step == STEP_UNREADABLE);
	check(host_memory.reads <= STEP_READS);
	check(rounds <= STEP_ROUNDS);
	check_memory();
	keep_known(&frame->regs, &ws.regs);
	if (frame->rule.kind != RULE_PLAIN)
		return step;

	ws.regs = before;
	ws.is_return_address = is_return_address;
	ws.rule = frame->rule;
	step_by_rule = apply_rule(&ws);
	/* of two reasons not to go up, each may meet another first */
	check(step == step_by_rule ||
	      (step != STEP_UP && step != STEP_END && step_by_rule != STEP_UP));
	check_memory();
	keep_known(&by_rule, &ws.regs);
	if (step == STEP_UP)
		check(!memcmp(&by_rule, &frame->regs, sizeof(by_rule)));
	keep_known(&frame->regs, &ws.regs);
	return step;
}

static enum step unwind_one(struct frame_trace *frame, u64 header, bool has_header)
{
	struct cfi *cfi = &ws.cfi;

	ws.obstacle = OBSTACLE_NONE;
	host_memory.reads = 0;
	rounds = 0;
	cfi->pc = ws.regs.r[DWARF_RA] - ws.is_return_address;
	cfi->base = header;
	cfi->has_header = has_header;
	frame->found = find_row(&ws);
	if (frame->found == CFI_BAD)
		note_short_window(&ws);
	check(frame->found == CFI_FOUND || frame->found == CFI_NONE || frame->found == CFI_BAD);
	check(host_memory.reads <= FIND_READS + WINDOW_READS * 2ULL * CFI_INSTRUCTIONS);
	check(rounds <= FIND_ROUNDS + 2ULL * CFI_INSTRUCTIONS);
	check_memory();
	if (frame->found != CFI_FOUND)
		return STEP_NO_CFI;

	check(!ws.obstacle);
	/* every instruction is a byte at least */
	check(rounds <= FIND_ROUNDS + (cfi->cie_code_end - cfi->cie_code + 1) +
				(cfi->fde_code_end - cfi->fde_code + 1));
	check_row(cfi);
	pack_row(&ws, &frame->rule);
	check_rule(cfi, &frame->rule);
	frame->row = cfi->row;
	return apply(frame);
}

static void evaluate_block(struct trace *trace, const struct scenario *scenario, u64 content)
{
	ws.obstacle = OBSTACLE_NONE;
	ws.expression.has_first = scenario->block_len & 1;
	ws.expression.first = content;
	host_memory.reads = 0;
	rounds = 0;
	trace->evaluated = evaluate(&ws, content + scenario->block, scenario->block_len >> 1);
	check(trace->evaluated == 0 || trace->evaluated == 1);
	check(host_memory.reads <= EXPRESSION_READS);
	check(rounds <= EXPRESSION_STEPS);
	check(ws.expression.depth <= EXPRESSION_STACK);
	check_memory();
	if (trace->evaluated)
		return;
	check(ws.expression.depth && ws.cursor.at == ws.cursor.end);
	trace->value = ws.expression.result;
}

/* Runs a scenario in a workspace that held `left` in every byte. */
static void run(struct trace *trace, const struct scenario *scenario, u64 content, u8 left)
{
	memset(trace, 0, sizeof(*trace));
	memset(&ws, left, sizeof(ws));
	/* as unwind() has it */
	ws.stack_len = 0;
	ws.cursor.window_len = 0;
	ws.steps_left = UNWIND_STEPS;
	ws.is_return_address = scenario->flags & 2;
	for (u32 i = 0; i < DWARF_REGISTERS; i++)
		ws.regs.r[i] = content + scenario->stack + 8 * i;
	ws.regs.r[DWARF_SP] = content + scenario->stack;
	ws.regs.r[DWARF_RA] = content + scenario->header + scenario->pc;
	ws.regs.known =
		(scenario->known | 1 << DWARF_SP | 1 << DWARF_RA) & ((1 << DWARF_REGISTERS) - 1);

	for (u32 i = 0; i < FRAMES; i++) {
		struct frame_trace *frame = &trace->frames[i];

		frame->step = unwind_one(frame, content + scenario->header, !(scenario->flags & 4));
		if (frame->step != STEP_UP)
			break;
	}
	if (scenario->block_len)
		evaluate_block(trace, scenario, content);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct trace trace, again;
	struct scenario scenario;
	u64 at, len, shift;
	u8 *bytes;

	if (size < sizeof(scenario))
		return 0;
	memcpy(&scenario, data, sizeof(scenario));
	data += sizeof(scenario);
	size -= sizeof(scenario);

	shift = scenario.shift & (PAGE_SIZE - 1);
	len = (shift + size + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1);
	at = scenario.flags & 1 ? LOW_PROGRAM : HIGH_PROGRAM;
	bytes = calloc(1, len);
	if (!bytes)
		return 0;
	memcpy(bytes + shift, data, size);
	host_memory = (struct host_memory){.at = at, .len = len, .bytes = bytes};
	run(&trace, &scenario, at + shift, 0);
	run(&again, &scenario, at + shift, 1);
	check(!memcmp(&trace, &again, sizeof(trace)));
	free(bytes);
	return 0;
}
