/*
 * Fuzzes the capture of symbols: an input is a file, and its first segments are mapped as its
 * program headers have it. Whatever it holds, a capture ends within its steps, asks for no more at
 * once than there is room for, and passes on every byte of two tables within their bounds, in
 * order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "host.h"

#include "capture.h"
#include "dynamic.h"
#include "sections.h"
#include "symbol_search.h"

static struct workspace ws;

struct input {
	const u8 *bytes;
	u64 size;
	/* added to addresses where the file is mapped */
	u64 bias;
};

/* What a capture came to. All that is not set is 0, so that two can be compared as bytes. */
struct trace {
	u64 symbols_size;
	u64 strings_size;
	u64 sent;
	u64 hash;
	u32 steps;
	bool told;
};

static void read_layout(const struct input *input)
{
	const struct elf_header *file = (const void *)input->bytes;

	if (input->size < sizeof(*file))
		return;
	for (u32 i = 0; i < 16 && i < file->program_header_count; i++) {
		u64 at = file->program_headers + i * sizeof(struct program_header);
		struct program_header header;

		if (at > input->size || input->size - at < sizeof(header))
			return;
		memcpy(&header, input->bytes + at, sizeof(header));
		if (header.type == 2) {
			ws.layout.dynamic = header.vaddr;
			ws.layout.dynamic_size = header.file_size;
		}
		if (header.type == 1 && ws.layout.count < SEGMENTS)
			ws.layout.segments[ws.layout.count++] =
				(struct segment){header.offset, header.file_size, header.vaddr, 0};
	}
}

/* As many bytes as are there, as a mapping that ends has them. */
static u32 read_bytes(const struct input *input, u64 at, u32 len)
{
	if (at >= input->size)
		return 0;
	len = clamp(len, input->size - at);
	memcpy(ws.symbols.piece.bytes, input->bytes + at, len);
	return len;
}

static u32 read_memory(const struct input *input, u64 vaddr, u32 len)
{
	for (u32 i = 0; i < ws.layout.count; i++) {
		const struct segment *segment = &ws.layout.segments[i];
		u64 inside = vaddr - segment->vaddr;

		if (inside < segment->size)
			return read_bytes(input, segment->offset + inside,
					  clamp(len, segment->size - inside));
	}
	return 0;
}

/* One step, as step_capture takes it. */
static void step(const struct input *input, struct trace *trace)
{
	struct symbol_capture *capture = &ws.capture;
	u32 len, got;

	check(capture->phase < CAPTURE_DONE);
	if (capture->phase == CAPTURE_TELL) {
		check(!trace->told);
		trace->told = true;
		trace->symbols_size = capture->symbols_size;
		trace->strings_size = capture->strings_size;
		check(trace->symbols_size && trace->symbols_size <= SYMBOL_TABLE_BYTES);
		check(trace->strings_size && trace->strings_size <= SYMBOL_TABLE_BYTES);
		pass_piece(&ws, 0);
		return;
	}
	len = wanted_len(capture);
	check(len <= SOMNO_SYMBOL_PIECE);
	check(capture->phase == CAPTURE_BYTES ? len > 0 : len <= PARSED_BYTES);
	if (capture->of_file) {
		got = capture->at + len <= input->size && len ? read_bytes(input, capture->at, len)
							      : 0;
	} else {
		got = read_memory(input, capture->at, len);
	}
	if (!got) {
		bool goes_on = capture->phase == CAPTURE_BYTES || capture->of_file;

		if (capture->phase == CAPTURE_BYTES)
			trace->sent += len;
		take_nothing(&ws, len);
		if (!goes_on)
			capture->phase = CAPTURE_DONE;
		return;
	}
	if (capture->phase != CAPTURE_BYTES) {
		take_answer(&ws, got);
		return;
	}
	check(trace->told);
	check(capture->passed == trace->sent);
	check(is_in_symbols(capture)
		      ? capture->passed + got <= trace->symbols_size
		      : capture->passed + got <= trace->symbols_size + trace->strings_size);
	for (u32 i = 0; i < got; i++)
		trace->hash = trace->hash * 31 + ws.symbols.piece.bytes[i];
	trace->sent += got;
	pass_piece(&ws, got);
}

static void run(const struct input *input, bool reads_file, u8 left, struct trace *trace)
{
	memset(&ws, left, sizeof(ws));
	memset(&ws.layout, 0, sizeof(ws.layout));
	memset(trace, 0, sizeof(*trace));
	ws.capture_bias = input->bias;
	read_layout(input);
	begin_capture(&ws, 2, reads_file);
	while (ws.capture.phase != CAPTURE_DONE && trace->steps < CAPTURE_STEPS) {
		step(input, trace);
		trace->steps++;
	}
	if (trace->told && trace->steps < CAPTURE_STEPS)
		check(trace->sent == trace->symbols_size + trace->strings_size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input input = {.size = size};
	struct trace trace, again;
	u8 *bytes = malloc(size + 1);

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	input.bytes = bytes;
	for (int way = 0; way < 4; way++) {
		input.bias = way & 2 ? 0x7ffff7fc0000 : 0;
		run(&input, way & 1, 0, &trace);
		run(&input, way & 1, 1, &again);
		check(!memcmp(&trace, &again, sizeof(trace)));
	}
	free(bytes);
	return 0;
}
