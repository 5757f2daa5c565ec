/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The frame loop: which step, when to stop, and with what outcome. */
#ifndef SOMNO_UNWIND_H
#define SOMNO_UNWIND_H

static __always_inline enum somno_outcome outcome_of(enum step step)
{
	switch (step) {
	case STEP_END:
	case STEP_BEGIN:
		return SOMNO_COMPLETE;
	case STEP_BAD_CFI:
		return SOMNO_BAD_CFI;
	case STEP_BROKEN_CHAIN:
		return SOMNO_BROKEN_CHAIN;
	case STEP_UNREADABLE:
		return SOMNO_UNREADABLE;
	case STEP_UP:
	case STEP_NO_CFI:
	case STEP_NO_FRAME_POINTER:
		break;
	}
	return SOMNO_NO_CFI;
}

static __always_inline void push_frame(struct somno_user_half *half, u64 frame)
{
	half->frames[half->frame_count & (SOMNO_MAX_DEPTH - 1)] = frame;
	half->frame_count++;
}

/* Where the frame is: its word, and the index of its mapping; an outcome when it is nowhere. */
static __always_inline int locate_frame(struct workspace *ws, u64 address, u64 *frame, u32 *index)
{
	struct mapping *mapping;

	*frame = SOMNO_FRAME_ADDRESS | address;
	switch (find_mapping(ws, address, index)) {
	case MAPPING_FOUND:
		mapping = mapping_at(ws, *index);
		if (ws->is_return_address && !mapping->executable)
			return SOMNO_BROKEN_CHAIN;
		*frame = frame_of(mapping, address);
		return SOMNO_COMPLETE;
	case MAPPING_BUSY:
		return SOMNO_UNREADABLE;
	default:
		/* a jump into nothing is the leaf's own doing; a return into nothing is a bad chain
		 */
		return ws->is_return_address ? SOMNO_BROKEN_CHAIN : SOMNO_COMPLETE;
	}
}

enum walk {
	WALK_ON,
	WALK_OVER,
	/* By what is to be removed; then the frame is taken again. */
	WALK_BLOCKED_BY_CFI,
	WALK_BLOCKED_WITHOUT_CFI,
};

/* The walk is over; what is left of it may serve others. */
static __always_inline enum walk end_walk(struct workspace *ws, enum read_mode mode)
{
	return mode == MAY_SLEEP && !somno_config.no_fault && take_wanted(ws) ? WALK_ON : WALK_OVER;
}

/* Whether a step met an obstacle that has not been tried to remove. */
static __always_inline bool is_blocked(struct workspace *ws, enum step step, enum read_mode mode,
				       enum walk place)
{
	return step != STEP_UP && ws->obstacle && mode == MAY_SLEEP && ws->given_up < place &&
	       may_rescue(ws);
}

/*
 * One frame: where it is, then up. A step with an obstacle is taken again from the
 * beginning; nothing of it has been kept. It is a function of its own, and does not
 * sleep, so that the verifier looks at it once: the loop around it and the ways out of
 * the sleep multiply otherwise, on 6.19 beyond all memory.
 */
__noinline int unwind_frame(struct workspace *ws __arg_nonnull, enum read_mode mode)
{
	struct somno_user_half *half = &ws->half;
	u64 address = ws->regs.r[DWARF_RA] - ws->is_return_address;
	enum step step;
	u32 index = 0;
	int outcome;
	u64 frame;

	if (!ws->wanted &&
	    (half->frame_count >= somno_config.max_depth || half->frame_count >= SOMNO_MAX_DEPTH)) {
		half->outcome = SOMNO_TOO_DEEP;
		return end_walk(ws, mode);
	}
	ws->obstacle = OBSTACLE_NONE;
	outcome = locate_frame(ws, address, &frame, &index);
	step = STEP_NO_CFI;
	if (outcome == SOMNO_COMPLETE && !(frame & SOMNO_FRAME_ADDRESS))
		step = step_by_cfi(ws, frame, index, address);
	if (is_blocked(ws, step, mode, WALK_BLOCKED_BY_CFI))
		return WALK_BLOCKED_BY_CFI;
	if (ws->wanted)
		return WALK_OVER;
	if (outcome != SOMNO_COMPLETE) {
		half->outcome = outcome;
		return end_walk(ws, mode);
	}
	if (step == STEP_UNREADABLE && mode == NO_FAULT)
		want_rule(frame);
	if (step == STEP_NO_CFI) {
		ws->obstacle = OBSTACLE_NONE;
		step = step_without_cfi(ws);
		if (is_blocked(ws, step, mode, WALK_BLOCKED_WITHOUT_CFI))
			return WALK_BLOCKED_WITHOUT_CFI;
	}
	push_frame(half, step == STEP_BEGIN ? frame + 1 : frame);
	if (step == STEP_UP)
		return WALK_ON;
	half->outcome = outcome_of(step);
	return end_walk(ws, mode);
}

/* All frames. An iterator instead of bpf_loop saves a call: there may be eight at once. */
static __always_inline void walk_stack(struct workspace *ws, enum read_mode mode)
{
	int i;

	bpf_for (i, 0, SOMNO_MAX_DEPTH + 2 + MAX_RESCUES) {
		int walk = unwind_frame(ws, mode);

		if (walk == WALK_OVER)
			break;
		if (mode == MAY_SLEEP)
			ws->given_up = walk == WALK_ON || rescue(ws) ? WALK_ON : walk;
	}
}

static __always_inline void load_registers(struct registers *to, struct pt_regs *from)
{
	to->r[0] = from->ax;
	to->r[1] = from->dx;
	to->r[2] = from->cx;
	to->r[3] = from->bx;
	to->r[4] = from->si;
	to->r[5] = from->di;
	to->r[DWARF_BP] = from->bp;
	to->r[DWARF_SP] = from->sp;
	to->r[8] = from->r8;
	to->r[9] = from->r9;
	to->r[10] = from->r10;
	to->r[11] = from->r11;
	to->r[12] = from->r12;
	to->r[13] = from->r13;
	to->r[14] = from->r14;
	to->r[15] = from->r15;
	to->r[DWARF_RA] = from->ip;
	to->known = (1 << DWARF_REGISTERS) - 1;
}

static __always_inline void count_unwind(struct workspace *ws)
{
	struct somno_stats *mine = this_stats();

	if (!mine)
		return;
	__sync_fetch_and_add(&mine->frames_cfi, ws->frames_cfi);
	__sync_fetch_and_add(&mine->frames_frame_pointer, ws->frames_frame_pointer);
	__sync_fetch_and_add(&mine->rules_cached, ws->rules_cached);
	__sync_fetch_and_add(&mine->rules_found, ws->rules_found);
}

/*
 * Whether the thread has not called anything yet. A program begins with sp where the
 * kernel left it, and ld.so's first instructions only align it. A thread begins
 * behind the system call, which gives it 0, in code without CFI.
 */
static __always_inline bool just_began(struct task_struct *task, struct pt_regs *regs)
{
	if (read_only(task)->mm->start_stack - regs->sp <= START_STACK_ALIGN)
		return true;
	return !regs->ax && (regs->orig_ax == NR_CLONE || regs->orig_ax == NR_CLONE3);
}

/*
 * Fills the workspace's user half with the current task's stack. Whether it has mappings
 * then that are the task's.
 */
static __always_inline bool unwind(struct workspace *ws, struct task_struct *task,
				   enum read_mode mode)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	ws->half.frame_count = 0;
	ws->half.outcome = SOMNO_NO_CFI;
	ws->slept = 0;
	/* a program of 32 bits has other registers and other tables */
	if ((regs->cs & 0xffff) == USER32_CS)
		return false;
	load_registers(&ws->regs, regs);
	if (somno_config.uprobes)
		ws->regs.r[DWARF_RA] = original_ip(task, regs->ip);
	ws->stack_len = 0;
	ws->cursor.window_len = 0;
	ws->is_return_address = false;
	ws->is_first_frame = just_began(task, regs);
	ws->start_stack = read_only(task)->mm->start_stack;
	ws->records = 0;
	ws->scan_at = 0;
	ws->wanted = 0;
	ws->rescues = 0;
	ws->given_up = WALK_ON;
	ws->steps_left = UNWIND_STEPS;
	ws->frames_cfi = 0;
	ws->frames_frame_pointer = 0;
	ws->rules_cached = 0;
	ws->rules_found = 0;
	recall_mappings(ws, task);
	ws->half.outcome = SOMNO_BROKEN_CHAIN;
	walk_stack(ws, mode);
	keep_mappings(ws, task);
	count_unwind(ws);
	return true;
}

#endif
