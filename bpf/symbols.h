/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Captures symbols of files that user space may be unable to open later: those that have
 * no name any more, or one in another mount namespace, and what it has not opened when a
 * process leaves. After the user half is sent, so that no sample waits for it; bounded for
 * each sample, and resumed with the next one that has the file mapped.
 */
#ifndef SOMNO_SYMBOLS_H
#define SOMNO_SYMBOLS_H

#define CAPTURES 64
/* Places where a module's capture may be. */
#define CAPTURE_WAYS 4
#define CAPTURE_STRIDE 13
/* What one sample may read: some 30 us; and before an exit or exec: 300 us. */
#define SAMPLE_BYTES (64 << 10)
#define LEAVING_BYTES (512 << 10)
#define SAMPLE_STEPS 64
#define LEAVING_STEPS 256
/* Reads that may come to nothing before a capture is given up. */
#define CAPTURE_FAILURES 64

/* After this time a capture that nobody went on with gives way to that of another module. */
#define CAPTURE_IDLE_NS 1000000000ULL

/*
 * Key: a place of few that a module's id leads to. Value: how far its capture is. When
 * another module takes the place, this one's begins anew. Never deleted.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CAPTURES);
	__type(key, u32);
	__type(value, struct symbol_capture);
} symbol_captures SEC(".maps");

struct capture_loop {
	struct workspace *ws;
};

/* The next mapping, from a place on, of a module whose symbols are needed; the number of all
 * mappings when there is none. */
__noinline u32 next_without_symbols(struct workspace *ws __arg_nonnull, u32 from, u32 is_leaving)
{
	u32 i;

	/* an iterator, as the verifier walks through a loop as often as it may turn */
	bpf_for (i, from, MAPPINGS_KEPT) {
		struct mapping *mapping = mapping_at(ws, i);
		u32 module = mapping->module;

		if (!mapping->executable || module < SOMNO_MODULE_FIRST || module >= MODULES_MAX ||
		    module_opened[module])
			continue;
		if (module_symbols[module] == SYMBOLS_WANTED ||
		    (is_leaving && module_symbols[module] == SYMBOLS_UNASKED))
			return i;
	}
	return MAPPINGS_KEPT;
}

/* What to add to the addresses of a file, whose layout is ws->layout, in a mapping of its code. */
__noinline u64 bias_of(struct workspace *ws __arg_nonnull, u32 index)
{
	struct mapping *mapping = mapping_at(ws, index);
	struct module_layout *layout = &ws->layout;

	for (u32 i = 0; i < SEGMENTS; i++) {
		struct segment *segment = &layout->segments[i];
		u64 first = segment->offset & ~(PAGE_SIZE - 1ULL);

		if (i < layout->count && segment->flags & PF_X &&
		    mapping->file_offset - first < segment->offset - first + segment->size)
			return mapping->start - mapping->file_offset + segment->offset -
			       segment->vaddr;
	}
	return 0;
}

/* Whether a capture may give way to another: it is over, has sent nothing, or nobody goes on. */
static __always_inline bool gives_way(struct symbol_capture *capture)
{
	return capture->phase < CAPTURE_BYTES || capture->phase == CAPTURE_DONE ||
	       bpf_ktime_get_ns() - capture->touched_ns > CAPTURE_IDLE_NS;
}

/* The place of a module's capture, or one that it may take; CAPTURES when there is none. */
__noinline u32 find_place(u32 module)
{
	u32 found = CAPTURES;

	for (u32 way = 0; way < CAPTURE_WAYS; way++) {
		u32 place = (module + way * CAPTURE_STRIDE) & (CAPTURES - 1);
		struct symbol_capture *capture = bpf_map_lookup_elem(&symbol_captures, &place);

		if (!capture)
			break;
		if (capture->module == module)
			return place;
		if (found == CAPTURES && !capture->taken && gives_way(capture))
			found = place;
	}
	return found;
}

/* Takes the module of a mapping to work on, unless another task has it or it is not known well. */
static __always_inline void take_module(struct workspace *ws, u32 index)
{
	u32 module = mapping_at(ws, index)->module, place = find_place(module);
	struct module_layout *layout = bpf_map_lookup_elem(&module_layouts, &module);
	struct symbol_capture *capture = bpf_map_lookup_elem(&symbol_captures, &place);

	if (!layout || !capture || __sync_val_compare_and_swap(&capture->taken, 0, 1))
		return;
	ws->capture_place = place;
	ws->layout = *layout;
	ws->capture_mapping = mapping_at(ws, index)->start;
	ws->capture_bias = bias_of(ws, index);
	if (is_program(ws, module))
		ws->capture_bias = program_bias(ws, ws->layout.program_headers, ws->capture_bias);
	if (capture->module == module)
		ws->capture = *capture;
	else
		begin_capture(ws, module, somno_config.file_reads);
}

static __always_inline void leave_module(struct workspace *ws)
{
	u32 module = ws->capture.module, place = ws->capture_place;
	struct symbol_capture *capture = bpf_map_lookup_elem(&symbol_captures, &place);

	if (!module || !capture)
		return;
	if (ws->capture.phase == CAPTURE_DONE && module < MODULES_MAX)
		module_symbols[module] = SYMBOLS_DONE;
	ws->capture.taken = 1;
	ws->capture.touched_ns = bpf_ktime_get_ns();
	*capture = ws->capture;
	ws->capture.module = 0;
	barrier();
	capture->taken = 0;
}

/* User halves come first: not when half of the ring is taken. */
static __always_inline bool send_symbols(void *record, u64 size)
{
	if (!is_user_ring_half_full() && !emit_to_user_ring(record, size))
		return true;
	count(symbols_delayed);
	return false;
}

/* Tells user space what will come. */
static __always_inline bool send_tables(struct workspace *ws)
{
	struct somno_symbol_tables *tables = &ws->symbols.tables;
	struct symbol_capture *capture = &ws->capture;

	tables->record = SOMNO_SYMBOL_TABLES;
	tables->id = capture->module;
	tables->symbols_size = capture->symbols_size;
	tables->strings_size = capture->strings_size;
	tables->flags = capture->cut ? SOMNO_SYMBOLS_CUT : 0;
	if (capture->with_local)
		tables->flags |= SOMNO_SYMBOLS_STATIC;
	tables->segment_count = clamp(ws->layout.count, SEGMENTS);
	for (u32 i = 0; i < SEGMENTS; i++) {
		tables->segments[i].offset = ws->layout.segments[i].offset;
		tables->segments[i].size = ws->layout.segments[i].size;
		tables->segments[i].vaddr = ws->layout.segments[i].vaddr;
	}
	if (!send_symbols(tables, sizeof(*tables)))
		return false;
	if (capture->cut)
		count(symbols_cut);
	pass_piece(ws, 0);
	return true;
}

static __always_inline bool send_piece(struct workspace *ws, u32 len)
{
	struct somno_symbol_bytes *piece = &ws->symbols.piece;
	struct symbol_capture *capture = &ws->capture;
	bool in_symbols = is_in_symbols(capture);

	piece->record = SOMNO_SYMBOL_BYTES;
	piece->id = capture->module;
	piece->table = in_symbols ? SOMNO_SYMBOLS : SOMNO_STRINGS;
	piece->offset = in_symbols ? capture->passed : capture->passed - capture->symbols_size;
	piece->len = len;
	if (!send_symbols(piece, sizeof(*piece) + clamp(len, SOMNO_SYMBOL_PIECE)))
		return false;
	count_add(symbol_bytes, len);
	return true;
}

/*
 * Reads so many bytes, as many of them as the mapping has; 0: none. What is kept for all
 * processes must be the file's, before and after. The dynamic section is each process's own:
 * it only says where to look.
 */
static __always_inline u32 read_symbols(struct workspace *ws, u32 len, enum read_mode mode)
{
	struct symbol_capture *capture = &ws->capture;
	void *to = ws->symbols.piece.bytes;
	u64 at = capture->at + ws->capture_bias;
	int content = content_at(ws, at, capture->module);
	bool may_be_changed = capture->phase == CAPTURE_DYNAMIC;
	long err;

	if (content != CONTENT_OF_FILE && !(may_be_changed && content == CONTENT_CHANGED))
		return 0;
	len = clamp(len, ws->asked.end - at);
	len = clamp(len, SOMNO_SYMBOL_PIECE);
	if (mode == MAY_SLEEP && ws->asked.may_sleep && !somno_config.no_fault && begin_sleep()) {
		err = bpf_copy_from_user(to, len, (void *)at);
		end_sleep();
	} else {
		err = bpf_probe_read_user(to, len, (void *)at);
	}
	if (err || (!may_be_changed && content_at(ws, at, capture->module) != CONTENT_OF_FILE))
		return 0;
	return len;
}

/* Reads so many bytes of the file itself, which may sleep; 0: none. Nothing may read user memory.
 */
static __always_inline u32 read_file(struct workspace *ws, u32 len)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bpf_iter_task_vma iterator;
	struct vm_area_struct *vma;
	struct bpf_dynptr content;
	struct file *file;
	u32 got = 0;

	if (!begin_sleep())
		return 0;
	len = clamp(len, SOMNO_SYMBOL_PIECE);
	bpf_iter_task_vma_new(&iterator, task, ws->capture_mapping);
	vma = bpf_iter_task_vma_next(&iterator);
	if (vma && known_module_of(task, vma) == ws->capture.module) {
		file = vma->vm_file;
		if (file) {
			if (!bpf_dynptr_from_file(file, 0, &content) &&
			    !bpf_dynptr_read(ws->symbols.piece.bytes, len, &content, ws->capture.at,
					     0))
				got = len;
			bpf_dynptr_file_discard(&content);
		}
	}
	bpf_iter_task_vma_destroy(&iterator);
	end_sleep();
	return got;
}

/* One read and what follows from it. False: not now any more. */
static __always_inline bool step_capture(struct workspace *ws, enum read_mode mode)
{
	struct symbol_capture *capture = &ws->capture;
	u32 len, got;

	if (capture->phase == CAPTURE_TELL)
		return send_tables(ws);
	len = wanted_len(capture);
	if (++capture->steps > CAPTURE_STEPS || capture->failures > CAPTURE_FAILURES)
		capture->phase = CAPTURE_DONE;
	if (capture->phase == CAPTURE_DONE || len > ws->capture_budget)
		return false;
	ws->capture_budget -= len;
	if (capture->of_file && bpf_ksym_exists(bpf_dynptr_from_file))
		got = read_file(ws, len);
	else
		got = read_symbols(ws, len, mode);
	if (!got) {
		bool goes_on = capture->phase == CAPTURE_BYTES || capture->of_file;

		capture->failures++;
		take_nothing(ws, len);
		return goes_on;
	}
	if (capture->phase != CAPTURE_BYTES) {
		take_answer(ws, got);
		return true;
	}
	if (!send_piece(ws, got))
		return false;
	pass_piece(ws, got);
	return true;
}

static __always_inline int continue_capture(struct workspace *ws, enum read_mode mode)
{
	u32 index;

	if (ws->capture.module) {
		if (!step_capture(ws, mode))
			leave_module(ws);
		return 0;
	}
	index = next_without_symbols(ws, ws->capture_next, mode == NO_FAULT);
	if (index >= MAPPINGS_KEPT)
		return 1;
	ws->capture_next = index + 1;
	take_module(ws, index);
	return 0;
}

static int continue_capture_sleeping(u32 iteration, struct capture_loop *loop)
{
	return continue_capture(loop->ws, MAY_SLEEP) ? 1 : 0;
}

static int continue_capture_no_fault(u32 iteration, struct capture_loop *loop)
{
	return continue_capture(loop->ws, NO_FAULT) ? 1 : 0;
}

/* Goes on with what is wanted of the files that the task has mapped, as far as was seen. */
static __always_inline void capture_symbols(struct workspace *ws, enum read_mode mode)
{
	struct capture_loop loop = {.ws = ws};

	if (mode == MAY_SLEEP && !symbols_wanted)
		return;
	ws->capture_next = next_without_symbols(ws, 0, mode == NO_FAULT);
	if (ws->capture_next >= MAPPINGS_KEPT)
		return;
	ws->capture.module = 0;
	ws->capture_budget = mode == MAY_SLEEP ? SAMPLE_BYTES : LEAVING_BYTES;
	if (mode == MAY_SLEEP)
		bpf_loop(SAMPLE_STEPS, continue_capture_sleeping, &loop, 0);
	else
		bpf_loop(LEAVING_STEPS, continue_capture_no_fault, &loop, 0);
	leave_module(ws);
}

#endif
