/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* One step up the stack by call frame information: a kept rule, or one that is found now. */
#ifndef SOMNO_CFI_STEP_H
#define SOMNO_CFI_STEP_H

enum find_result {
	/* for all processes */
	RULE_TO_KEEP,
	/* for this one, now */
	RULE_TO_USE,
	/* none, where the file may well have one */
	RULE_ABSENT,
	/* something stood in the way, or the budget is spent */
	RULE_BLOCKED,
};

/*
 * Whether a function begins right where a call would return to, but no call is there:
 * makecontext and the like had the stack look as if one had been.
 */
static __always_inline bool begins_without_call(struct workspace *ws)
{
	return ws->is_return_address && ws->cfi.next_begins &&
	       !is_return_address(ws, ws->regs.r[DWARF_RA]);
}

/*
 * Whether all that was read lies in the one mapping of the file's own tables, and that
 * still is the file's: asked after reading, because a process may write to its copy.
 */
static __always_inline bool is_of_file(struct workspace *ws, u32 module)
{
	struct cfi *cfi = &ws->cfi;
	u64 start = ws->tables_start, end = ws->tables_end;

	if (content_at(ws, cfi->base, module) != CONTENT_OF_FILE || ws->asked.start != start ||
	    ws->asked.end != end)
		return false;
	return !cfi->cie_at ||
	       (cfi->cie_at >= start && cfi->cie_code_end <= end && cfi->fde_rest >= start &&
		cfi->fde_code_end <= end && cfi->table + 8 * cfi->table_len <= end);
}

/* Finds the rule of an address. */
static __always_inline int find_rule(struct workspace *ws, u32 index, u64 address,
				     struct rule *rule)
{
	int tables = locate_tables(ws, index, address);

	rule->kind = RULE_NONE;
	if (tables == TABLES_FOUND || tables == TABLES_OWN) {
		switch (find_row(ws)) {
		case CFI_FOUND:
			pack_row(ws, rule);
			break;
		case CFI_NONE:
			if (begins_without_call(ws))
				rule->kind = RULE_BEGIN;
			break;
		default:
			rule->kind = RULE_BAD;
		}
		note_short_window(ws);
	}
	if (ws->obstacle || !ws->steps_left)
		return RULE_BLOCKED;
	if (tables == TABLES_ABSENT)
		return RULE_ABSENT;
	if (tables == TABLES_FOUND && !is_of_file(ws, mapping_at(ws, index)->module))
		tables = TABLES_OWN;
	/* the lock may have been taken just now: then it is found again next time */
	ws->obstacle = OBSTACLE_NONE;
	return tables == TABLES_OWN || tables == TABLES_NO_ELF ? RULE_TO_USE : RULE_TO_KEEP;
}

static __always_inline enum step step_by_cfi(struct workspace *ws, u64 frame, u32 index,
					     u64 address)
{
	enum step step = STEP_NO_CFI;
	struct rule *rule = &ws->rule;
	bool is_kept;

	is_kept = recall_rule(frame, rule);
	if (is_kept && rule->kind != RULE_ROW) {
		ws->rules_cached++;
	} else {
		int found = find_rule(ws, index, address, rule);

		if (found == RULE_BLOCKED)
			return ws->obstacle ? STEP_UNREADABLE : STEP_BAD_CFI;
		/* its code need not keep a frame pointer: that is for code which has no CFI
		 * anywhere */
		if (found == RULE_ABSENT)
			return STEP_NO_FRAME_POINTER;
		if (found == RULE_TO_KEEP && !is_kept)
			keep_rule(frame, rule);
		ws->rules_found++;
	}
	switch (rule->kind) {
	case RULE_PLAIN:
		step = apply_rule(ws);
		break;
	case RULE_ROW:
		step = apply_row(ws);
		break;
	case RULE_END:
		return STEP_END;
	case RULE_BEGIN:
		return ws->is_return_address ? STEP_BEGIN : STEP_NO_CFI;
	case RULE_BAD:
		return STEP_BAD_CFI;
	}
	if (step == STEP_UP) {
		ws->frames_cfi++;
		ws->records = 0;
	}
	return step;
}

#endif
