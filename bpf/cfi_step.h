/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* One step up the stack by call frame information: a kept rule, or one that is found now. */
#ifndef SOMNO_CFI_STEP_H
#define SOMNO_CFI_STEP_H

#define RULES_MAX 65536

/*
 * Key: a frame word (module and file offset). Value: its rule. The oldest go when
 * there are too many. Written in task context only.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RULES_MAX);
	__type(key, u64);
	__type(value, struct rule);
} rules SEC(".maps");

/* Finds the rule of an address; 1 when something stood in the way, so that it is not kept. */
static __always_inline int find_rule(struct workspace *ws, u32 index, u64 address,
				     struct rule *rule)
{
	u64 header = locate_eh_frame_hdr(ws, index, address);

	rule->kind = RULE_NONE;
	if (header) {
		switch (find_row(ws, address, header)) {
		case CFI_FOUND:
			pack_row(&ws->cfi, rule);
			break;
		case CFI_BAD:
			rule->kind = RULE_BAD;
			note_short_window(ws);
		}
	}
	return ws->obstacle ? 1 : 0;
}

static __always_inline enum step step_by_cfi(struct workspace *ws, u64 frame, u32 index,
					     u64 address)
{
	struct rule found = {}, *rule = bpf_map_lookup_elem(&rules, &frame);
	enum step step = STEP_NO_CFI;

	if (rule && rule->kind != RULE_ROW) {
		count(rules_cached);
	} else {
		/* code that was copied away from its file's other segments has no CFI there */
		if (find_rule(ws, index, address, &found))
			return STEP_NO_CFI;
		if (!rule)
			bpf_map_update_elem(&rules, &frame, &found, BPF_ANY);
		rule = &found;
		count(rules_found);
	}
	switch (rule->kind) {
	case RULE_PLAIN:
		step = apply_rule(ws, rule);
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
		count(frames_cfi);
	return step;
}

#endif
