/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where a program's dynamic symbols are in memory, and how many.
 *
 * Sources: System V ABI, chapter 5, "Dynamic Section" and "Hash Table"; for the GNU hash
 * table binutils' elflink.c: a header of four words, a Bloom filter, the buckets, and of
 * each a chain of hashes whose last one is odd. Chains are in the order of symbols.
 */
#ifndef SOMNO_DYNAMIC_H
#define SOMNO_DYNAMIC_H

#define DT_NULL 0
#define DT_HASH 4
#define DT_STRTAB 5
#define DT_SYMTAB 6
#define DT_STRSZ 10
#define DT_GNU_HASH 0x6ffffef5

#define DYNAMIC_BYTES 4096
/* Of a chain, what is looked at all in all. */
#define CHAIN_BYTES (1 << 16)

/* Bytes from an address of the file's on to the end of its segment; 0: it is in none. */
__noinline u64 segment_rest(struct workspace *ws __arg_nonnull, u64 vaddr)
{
	struct module_layout *layout = &ws->layout;

	for (u32 i = 0; i < SEGMENTS; i++) {
		struct segment *segment = &layout->segments[i];

		if (i < layout->count && vaddr - segment->vaddr < segment->size)
			return segment->vaddr + segment->size - vaddr;
	}
	return 0;
}

/* A pointer as the file has it; ld.so moves those of the dynamic section to where it is mapped. */
static __always_inline u64 unmoved(struct workspace *ws, u64 pointer)
{
	u64 address = pointer - ws->capture_bias;

	return segment_rest(ws, address) ? address : pointer;
}

static __always_inline void begin_dynamic(struct workspace *ws)
{
	struct module_layout *layout = &ws->layout;

	ws->capture.of_file = false;
	ask(ws, CAPTURE_DYNAMIC, layout->dynamic, clamp(layout->dynamic_size, DYNAMIC_BYTES));
	if (!layout->dynamic)
		ws->capture.phase = CAPTURE_DONE;
}

__noinline int found_tables(struct workspace *ws __arg_nonnull, u64 symbols_size)
{
	struct symbol_capture *capture = &ws->capture;

	capture->symbols_size =
		bound_table(capture, symbols_size, segment_rest(ws, capture->symbols));
	capture->strings_size =
		bound_table(capture, capture->strings_size, segment_rest(ws, capture->strings));
	tell(capture);
	return 0;
}

/* No entry of the dynamic section says how many symbols there are. */
static __always_inline void count_symbols(struct workspace *ws)
{
	struct symbol_capture *capture = &ws->capture;

	if (!capture->symbols || !capture->strings)
		capture->phase = CAPTURE_DONE;
	else if (capture->hash)
		ask(ws, CAPTURE_HASH, capture->hash, 2 * sizeof(u32));
	else if (capture->gnu_hash)
		ask(ws, CAPTURE_GNU_HASH, capture->gnu_hash, 4 * sizeof(u32));
	else if (capture->strings > capture->symbols)
		/* linkers place them so, but need not */
		found_tables(ws, capture->strings - capture->symbols);
	else
		capture->phase = CAPTURE_DONE;
}

/* One entry of the dynamic section: a tag and a value. */
static int take_entry(u32 index, struct answer *answer)
{
	struct workspace *ws = answer->ws;
	struct symbol_capture *capture = &ws->capture;
	u64 *entry = (u64 *)ws->symbols.piece.bytes + 2 * (index & (PARSED_BYTES / 16 - 1));
	u64 value = entry[1];

	if (16 * (index + 1) > ws->answer_len)
		return 1;
	capture->at += 16;
	switch (entry[0]) {
	case DT_NULL:
		capture->at = capture->end;
		return 1;
	case DT_HASH:
		capture->hash = unmoved(ws, value);
		break;
	case DT_GNU_HASH:
		capture->gnu_hash = unmoved(ws, value);
		break;
	case DT_SYMTAB:
		capture->symbols = unmoved(ws, value);
		break;
	case DT_STRTAB:
		capture->strings = unmoved(ws, value);
		break;
	case DT_STRSZ:
		capture->strings_size = value;
		break;
	}
	return 0;
}

static __always_inline void take_dynamic(struct workspace *ws)
{
	struct answer answer = {.ws = ws};

	bpf_loop(PARSED_BYTES / 16, take_entry, &answer, 0);
	if (ws->capture.at >= ws->capture.end || ws->answer_len < 16)
		count_symbols(ws);
}

/* The last buckets first: linkers fill them in the order of symbols. */
static __always_inline void ask_buckets(struct workspace *ws, u64 end)
{
	u64 size = clamp(end - ws->capture.buckets, PARSED_BYTES);

	ask(ws, CAPTURE_BUCKETS, end - size, size);
}

static __always_inline void take_gnu_hash(struct workspace *ws)
{
	struct symbol_capture *capture = &ws->capture;
	u32 *words = (u32 *)ws->symbols.piece.bytes;
	u64 buckets = words[0], bloom = words[2];

	capture->first_chained = words[1];
	capture->buckets = capture->gnu_hash + 4 * sizeof(u32) + bloom * sizeof(u64);
	capture->chains = capture->buckets + buckets * sizeof(u32);
	if (ws->answer_len < 4 * sizeof(u32))
		capture->phase = CAPTURE_DONE;
	else if (!buckets)
		found_tables(ws, capture->first_chained * SYMBOL_SIZE);
	else
		ask_buckets(ws, capture->chains);
}

static int take_bucket(u32 index, struct answer *answer)
{
	struct workspace *ws = answer->ws;
	u32 *words = (u32 *)ws->symbols.piece.bytes;
	u32 word = words[index & (PARSED_BYTES / 4 - 1)];

	if (4 * (index + 1) > ws->answer_len)
		return 1;
	if (word)
		ws->capture.last_chained = word;
	return 0;
}

static __always_inline void take_buckets(struct workspace *ws)
{
	struct symbol_capture *capture = &ws->capture;
	struct answer answer = {.ws = ws};

	bpf_loop(PARSED_BYTES / 4, take_bucket, &answer, 0);
	if (!capture->last_chained && capture->at > capture->buckets)
		ask_buckets(ws, capture->at);
	else if (capture->last_chained < capture->first_chained)
		/* nothing is chained */
		found_tables(ws, capture->first_chained * SYMBOL_SIZE);
	else
		ask(ws, CAPTURE_CHAIN,
		    capture->chains +
			    (capture->last_chained - capture->first_chained) * sizeof(u32),
		    CHAIN_BYTES);
}

/* The word of one symbol: it is the last one where it is odd. */
static int take_link(u32 index, struct answer *answer)
{
	struct workspace *ws = answer->ws;
	u32 *words = (u32 *)ws->symbols.piece.bytes;
	u32 word = words[index & (PARSED_BYTES / 4 - 1)];

	if (4 * (index + 1) > ws->answer_len)
		return 1;
	ws->capture.last_chained++;
	ws->capture.at += 4;
	if (!(word & 1))
		return 0;
	ws->capture.at = ws->capture.end;
	return 1;
}

static __always_inline void take_chain(struct workspace *ws)
{
	struct answer answer = {.ws = ws};

	bpf_loop(PARSED_BYTES / 4, take_link, &answer, 0);
	if (ws->capture.at >= ws->capture.end || ws->answer_len < 4)
		found_tables(ws, ws->capture.last_chained * SYMBOL_SIZE);
}

#endif
