/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The rules that were found, kept for all processes. Not a hash map of the kernel's: a
 * look-up of its costs more than a step by the rule, and its LRU kind gives an element
 * to another key while somebody reads it.
 */
#ifndef SOMNO_RULE_CACHE_H
#define SOMNO_RULE_CACHE_H

#define RULE_SETS 32768
#define RULE_WAYS 2

struct kept_rule {
	/* odd while it is being written: whoever reads looks before and after */
	u32 sequence;
	u32 reserved;
	/* frame word: module and file offset; 0: none yet */
	u64 frame;
	struct rule rule;
};

struct rule_set {
	struct kept_rule ways[RULE_WAYS];
};

/* Key: from a frame word's bits. Value: some rules. Never deleted; the older of a set gives way. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RULE_SETS);
	__type(key, u32);
	__type(value, struct rule_set);
} rules SEC(".maps");

static __always_inline struct rule_set *rule_set_of(u64 frame)
{
	/* Fibonacci hashing: the product's top bits depend on all of the word */
	u32 index = frame * 0x9e3779b97f4a7c15ULL >> 49;

	return bpf_map_lookup_elem(&rules, &index);
}

/* Copies the rule of a frame word, if it is kept. */
static __always_inline bool recall_rule(u64 frame, struct rule *rule)
{
	struct rule_set *set = rule_set_of(frame);

	if (!set)
		return false;
	for (u32 way = 0; way < RULE_WAYS; way++) {
		struct kept_rule *kept = &set->ways[way];
		u32 sequence = *(volatile u32 *)&kept->sequence;

		barrier();
		if (kept->frame != frame || sequence & 1)
			continue;
		*rule = kept->rule;
		barrier();
		/* x86-64 keeps the order of loads; others would need a load-acquire here */
		if (*(volatile u32 *)&kept->sequence == sequence)
			return true;
	}
	return false;
}

/* Keeps a rule, unless another CPU is just writing there. */
static __always_inline void keep_rule(u64 frame, struct rule *rule)
{
	struct rule_set *set = rule_set_of(frame);
	struct kept_rule *kept;
	u32 sequence;

	if (!set)
		return;
	/* in turn: a way counts up by two each time */
	kept = &set->ways[0];
	if (set->ways[1].sequence < kept->sequence)
		kept = &set->ways[1];
	sequence = kept->sequence & ~1;
	if (__sync_val_compare_and_swap(&kept->sequence, sequence, sequence + 1) != sequence)
		return;
	kept->frame = frame;
	kept->rule = *rule;
	__sync_fetch_and_add(&kept->sequence, 1);
}

#endif
