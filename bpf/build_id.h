/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * A file's build id, which linkers put into a note. Source: System V ABI, chapter 5,
 * "Note Section"; type 3 of the owner "GNU".
 */
#ifndef SOMNO_BUILD_ID_H
#define SOMNO_BUILD_ID_H

#define NT_GNU_BUILD_ID 3
/* Notes that are looked at before the search is given up. */
#define NOTES 16

struct note_walk {
	struct workspace *ws;
	u64 bias;
	u64 at;
	u64 end;
	u32 segment;
	bool found;
};

/* Names and contents fill four bytes each; only segments of properties, which have one note, use
 * eight. */
static __always_inline u64 padded(u32 size)
{
	return (size + 3ULL) & ~3ULL;
}

/* Looks at one note, or goes on to the next segment. */
static int read_note(u32 iteration, struct note_walk *walk)
{
	struct workspace *ws = walk->ws;
	struct note *note = &ws->note;
	u32 head = sizeof(*note) - sizeof(note->content);

	if (walk->at + head > walk->end) {
		struct note_segment *next = &ws->notes[walk->segment & (NOTE_SEGMENTS - 1)];

		if (walk->segment >= ws->note_segments)
			return 1;
		walk->segment++;
		walk->at = next->vaddr + walk->bias;
		walk->end = walk->at + next->size;
		return 0;
	}
	if (read_user(ws, note, head, walk->at))
		return 1;
	if (note->type == NT_GNU_BUILD_ID && *(u32 *)note->name == 0x554e47 /* GNU */) {
		u32 len = clamp(note->size, SOMNO_BUILD_ID_LEN);

		walk->found = !read_user(ws, ws->build_id.bytes, len, walk->at + head);
		ws->build_id.len = len;
		return 1;
	}
	walk->at += head - sizeof(note->name) + padded(note->name_size) + padded(note->size);
	return 0;
}

/* Reads the build id into ws->build_id; 0 when there is none. */
__noinline int find_build_id(struct workspace *ws __arg_nonnull, u64 bias)
{
	struct note_walk walk = {.ws = ws, .bias = bias};

	bpf_loop(NOTES, read_note, &walk, 0);
	return walk.found ? 1 : 0;
}

#endif
