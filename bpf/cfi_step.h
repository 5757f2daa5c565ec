/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* One step up the stack by call frame information: a kept rule, or one that is found now. */
#ifndef SOMNO_CFI_STEP_H
#define SOMNO_CFI_STEP_H

/* Finds the rule of an address; 1 when something stood in the way, so that it is not kept. */
static __always_inline int find_rule(struct workspace *ws, u32 index, u64 address,
				     struct rule *rule)
{
	u64 header = locate_eh_frame_hdr(ws, index, address);

	rule->kind = RULE_NONE;
	if (header) {
		switch (find_row(ws, address, header)) {
		case CFI_FOUND:
			pack_row(ws, rule);
			note_short_window(ws);
			break;
		case CFI_BAD:
			rule->kind = RULE_BAD;
			note_short_window(ws);
		}
	}
	return ws->obstacle || !ws->steps_left ? 1 : 0;
}

static __always_inline enum step step_by_cfi(struct workspace *ws, u64 frame, u32 index,
					     u64 address)
{
	enum step step = STEP_NO_CFI;
	struct rule rule = {};

	if (recall_rule(frame, &rule) && rule.kind != RULE_ROW) {
		ws->rules_cached++;
	} else {
		bool is_kept = rule.kind == RULE_ROW;

		/* code that was copied away from its file's other segments has no CFI there */
		if (find_rule(ws, index, address, &rule))
			return ws->obstacle ? STEP_NO_TABLES : STEP_BAD_CFI;
		if (!is_kept)
			keep_rule(frame, &rule);
		ws->rules_found++;
	}
	switch (rule.kind) {
	case RULE_PLAIN:
		step = apply_rule(ws, &rule);
		break;
	case RULE_ROW:
		step = apply_row(ws);
		break;
	case RULE_END:
		return STEP_END;
	case RULE_BAD:
		return STEP_BAD_CFI;
	}
	if (step == STEP_UP)
		ws->frames_cfi++;
	return step;
}

#endif
