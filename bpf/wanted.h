/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Rules that were wanted where nothing may sleep, before an exit or exec: a forked child
 * has not touched the pages of tables that its parent has. Whoever is sampled next with
 * that file mapped finds them, so that the second such exit has its stack.
 */
#ifndef SOMNO_WANTED_H
#define SOMNO_WANTED_H

#define WANTED 64
/* How often the list is looked at before it is let be. */
#define WANTED_LOOKS 4096

u64 wanted_rules[WANTED] SEC(".bss.wanted");
u32 wanted_looks;

static __always_inline void want_rule(u64 frame)
{
	/* module and the low bits of the offset: one place may push out another */
	wanted_rules[(frame ^ frame >> SOMNO_FRAME_OFFSET_BITS) & (WANTED - 1)] = frame;
	wanted_looks = WANTED_LOOKS;
}

/* The next place of the list that is not empty, from `first` on; `first` where all are. */
__noinline u32 next_wanted(u32 first)
{
	for (u32 i = 0; i < WANTED; i++) {
		u32 place = (first + i) & (WANTED - 1);

		if (wanted_rules[place])
			return place;
	}
	return first;
}

/* Takes one of the list for ws->wanted, if its file is mapped here: one look a sample. */
static __always_inline bool take_wanted(struct workspace *ws)
{
	u32 looks = wanted_looks, place;
	u64 frame, offset;

	if (!looks)
		return false;
	wanted_looks = looks - 1;
	place = next_wanted(looks);
	frame = wanted_rules[place & (WANTED - 1)];
	offset = frame & ((1ULL << SOMNO_FRAME_OFFSET_BITS) - 1);
	if (!frame)
		return false;
	for (u32 i = 0; i < MAPPINGS_KEPT; i++) {
		struct mapping *mapping = mapping_at(ws, i);

		if (mapping->module != frame >> SOMNO_FRAME_OFFSET_BITS ||
		    offset - mapping->file_offset >= mapping->end - mapping->start)
			continue;
		wanted_rules[place & (WANTED - 1)] = 0;
		ws->wanted = frame;
		/* it is found, but goes nowhere from here */
		ws->regs.r[DWARF_RA] = offset - mapping->file_offset + mapping->start + 1;
		ws->regs.known = 0;
		ws->is_return_address = true;
		return true;
	}
	return false;
}

#endif
