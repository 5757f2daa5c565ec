/*
 * Fuzzes what is read of a module before its tables are: an input is some mappings of an address
 * space and what is in them. Whatever that is, the search for a module's layout, its build id and
 * its unwind information, and the steps without them, end within their bounds, depend on nothing
 * that an earlier unwind left behind, and come to nothing that is not there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "host.h"

#include "cursor.h"
#include "eh_frame.h"
#include "cfi.h"

#define MAPPINGS 4
#define AUXILIARY 48
#define FRAMES 8

/* What an input begins with; what follows is the content of the mappings, one after another. */
struct scenario {
	struct place {
		/* of 4096 bytes; pages that no mapping has are between this one and the last */
		u8 gap, pages;
		u8 file_page;
		/* bits 0 and 1: the module; 2: executable; 3: shared; 4: changed */
		u8 kind;
	} places[MAPPINGS];
	/* offsets in the content */
	u16 pc, stack, bp;
	/* of the program's own headers */
	u16 headers, header_count;
	/* bit 0: module 2 is the program; 1: pc is a return address; 2: the thread just began;
	 * 3: the headers are elsewhere */
	u16 flags;
};

/* What the kernel has, as far as it is asked. */
struct file {
	int is_program;
};
struct mm_struct {
	struct file *exe_file;
	u64 saved_auxv[AUXILIARY];
};
struct task_struct {
	struct mm_struct *mm;
};

static struct file program;
static struct mm_struct address_space;
static struct task_struct task = {.mm = &address_space};
static struct mapping mapped[MAPPINGS];
static u32 modules_sent;

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) __typeof__(value) *name
#define MODULES_MAX 1
#define BPF_MAP_TYPE_HASH 1
#define BPF_F_NO_PREALLOC 1
#define BPF_NOEXIST 1
#define read_only(pointer) (pointer)
#define barrier_var(variable) ((void)(variable))
#define count(counter) ((void)0)

static int modules;

static struct task_struct *take_target(struct workspace *ws)
{
	(void)ws;
	return &task;
}

static void give_back(struct task_struct *given)
{
	(void)given;
}

static void read_identity(struct somno_identity *identity, struct file *file)
{
	memset(identity, 0, sizeof(*identity));
	identity->inode = file->is_program;
}

static long bpf_core_read(void *to, u32 size, const void *from)
{
	memcpy(to, from, size);
	return 0;
}

/* No layout is known; the program is module 2, or none is. */
static void *bpf_map_lookup_elem(void *map, const void *key)
{
	static u32 id = SOMNO_MODULE_FIRST;

	return map == &modules && ((const struct somno_identity *)key)->inode ? &id : NULL;
}

static void keep_layout(const struct module_layout *layout);

static long bpf_map_update_elem(void *map, const void *key, const void *value, u64 flags)
{
	(void)map, (void)key, (void)flags;
	keep_layout(value);
	return 0;
}

static long emit_to_user_ring(const void *record, u64 size)
{
	const struct somno_build_id *sent = record;

	check(size == sizeof(*sent) && sent->len <= SOMNO_BUILD_ID_LEN);
	modules_sent++;
	return 0;
}

/* As mapping.h has it, of mappings that do not change. */
enum mapping_result {
	MAPPING_FOUND,
	MAPPING_NONE,
	MAPPING_BUSY,
};

static struct mapping *mapping_at(struct workspace *ws, u32 index)
{
	return &ws->space.mappings[index & (MAPPINGS_KEPT - 1)];
}

static int find_mapping(struct workspace *ws, u64 address, u32 *index)
{
	for (u32 i = 0; i < MAPPINGS; i++) {
		if (address < mapped[i].start || address >= mapped[i].end)
			continue;
		ws->space.mappings[i] = mapped[i];
		ws->space.last = *index = i;
		return MAPPING_FOUND;
	}
	return MAPPING_NONE;
}

static int ask_anew(struct workspace *ws, u64 address)
{
	u32 index;

	if (find_mapping(ws, address, &index) != MAPPING_FOUND)
		return MAPPING_NONE;
	ws->asked = mapped[index];
	return MAPPING_FOUND;
}

#include "build_id.h"
#include "eh_scan.h"
#include "elf.h"
#include "tables.h"
#include "frame_pointer.h"
#include "no_cfi.h"

#define SCAN_READS (2 * SEGMENTS * (u64)(SCAN_BYTES / (SCAN_WINDOW - 8) + 3))
#define LAYOUT_READS (1 + PROGRAM_HEADERS + SCAN_READS + 2 * NOTES)
#define STEP_READS 16

/* What came of it. All that is not set is 0, so that two can be compared as bytes. */
struct trace {
	int tables;
	u64 base, pc;
	u32 kept;
	struct somno_build_id build_id;
	u32 steps[FRAMES];
	u64 frames[FRAMES];
};

static struct workspace ws;
static struct trace *current;

static void check_layout(const struct module_layout *layout)
{
	check(layout->count && layout->count <= SEGMENTS);
	check(ws.note_segments <= NOTE_SEGMENTS);
}

static void keep_layout(const struct module_layout *layout)
{
	check_layout(layout);
	current->kept++;
}

static void find_tables(struct trace *trace, u64 pc)
{
	u32 index;

	host_memory.reads = 0;
	if (find_mapping(&ws, pc, &index) != MAPPING_FOUND)
		return;
	/* what has no module has no tables */
	if (!mapping_at(&ws, index)->module)
		return;
	modules_sent = 0;
	trace->tables = locate_tables(&ws, index, pc);
	check(trace->tables >= TABLES_NONE && trace->tables <= TABLES_ABSENT);
	check(host_memory.reads <= LAYOUT_READS);
	check(modules_sent <= 1);
	check(ws.cursor.window_len <= CURSOR_WINDOW);
	if (modules_sent)
		trace->build_id = ws.build_id;
	if (trace->tables != TABLES_FOUND && trace->tables != TABLES_OWN)
		return;
	check(ws.cfi.base >= ws.tables_start && ws.cfi.base < ws.tables_end);
	check(ws.asked.module == mapped[index].module);
	check(trace->tables == TABLES_OWN || !ws.asked.changed);
	trace->base = ws.cfi.base;
	trace->pc = ws.cfi.pc;
}

static void step_up(struct trace *trace)
{
	for (u32 i = 0; i < FRAMES; i++) {
		u64 sp = ws.regs.r[DWARF_SP];
		u32 index;
		int step;

		ws.obstacle = OBSTACLE_NONE;
		host_memory.reads = 0;
		step = step_without_cfi(&ws);
		check(host_memory.reads <= STEP_READS);
		trace->steps[i] = step + 1;
		if (step != STEP_UP) {
			check(step == STEP_END || step == STEP_NO_FRAME_POINTER ||
			      step == STEP_BROKEN_CHAIN || step == STEP_UNREADABLE);
			return;
		}
		/* up, to a place that code can be at */
		check(ws.regs.r[DWARF_SP] > sp);
		check(ws.is_return_address);
		check(find_mapping(&ws, ws.regs.r[DWARF_RA] - 1, &index) == MAPPING_FOUND);
		check(mapped[index].executable);
		ws.is_first_frame = false;
		trace->frames[i] = ws.regs.r[DWARF_RA];
	}
}

/* Runs a scenario in a workspace that held `left` in every byte. */
static void run(struct trace *trace, const struct scenario *scenario, u64 content, u8 left)
{
	memset(trace, 0, sizeof(*trace));
	current = trace;
	memset(&ws, left, sizeof(ws));
	/* as unwind() has it */
	memset(&ws.space, 0, sizeof(ws.space));
	memset(&ws.build_id, 0, sizeof(ws.build_id));
	ws.obstacle = OBSTACLE_NONE;
	ws.stack_len = 0;
	ws.cursor.window_len = 0;
	ws.scan_at = 0;
	ws.records = 0;
	ws.steps_left = UNWIND_STEPS;
	ws.start_stack = content + scenario->stack + 1024;
	ws.is_return_address = scenario->flags >> 1 & 1;
	ws.is_first_frame = scenario->flags >> 2 & 1;
	ws.regs.known = (1 << DWARF_REGISTERS) - 1;
	for (u32 i = 0; i < DWARF_REGISTERS; i++)
		ws.regs.r[i] = 0;
	ws.regs.r[DWARF_SP] = content + scenario->stack;
	ws.regs.r[DWARF_BP] = scenario->bp ? content + scenario->bp : 0;
	ws.regs.r[DWARF_RA] = content + scenario->pc;
	find_tables(trace, ws.regs.r[DWARF_RA] - ws.is_return_address);
	step_up(trace);
}

static void map(const struct scenario *scenario, u64 at, u64 len)
{
	u64 next = at;

	for (u32 i = 0; i < MAPPINGS; i++) {
		const struct place *place = &scenario->places[i];
		struct mapping *mapping = &mapped[i];

		memset(mapping, 0, sizeof(*mapping));
		mapping->start = next + place->gap % 4 * PAGE_SIZE;
		mapping->end = mapping->start + place->pages % 8 * PAGE_SIZE;
		mapping->file_offset = place->file_page % 8 * PAGE_SIZE;
		if (place->kind & 3 && !(place->kind >> 3 & 1))
			mapping->module = SOMNO_MODULE_FIRST - 1 + (place->kind & 3);
		mapping->executable = place->kind >> 2 & 1;
		mapping->changed = place->kind >> 4 & 1;
		next = mapping->end;
	}
	program.is_program = scenario->flags & 1;
	address_space.exe_file = &program;
	memset(address_space.saved_auxv, 0, sizeof(address_space.saved_auxv));
	address_space.saved_auxv[0] = AT_PHDR;
	address_space.saved_auxv[1] =
		scenario->flags & 8 ? ~0ULL - scenario->headers : at + scenario->headers;
	address_space.saved_auxv[2] = AT_PHNUM;
	address_space.saved_auxv[3] = scenario->header_count;
	(void)len;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct trace trace, again;
	const u64 at = 0x7ffff7fc0000;
	struct scenario scenario;
	u64 len;
	u8 *bytes;

	if (size < sizeof(scenario))
		return 0;
	memcpy(&scenario, data, sizeof(scenario));
	data += sizeof(scenario);
	size -= sizeof(scenario);
	len = (size + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1);
	bytes = calloc(1, len + 1);
	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	host_memory = (struct host_memory){.at = at, .len = len, .bytes = bytes};
	map(&scenario, at, len);
	run(&trace, &scenario, at, 0);
	run(&again, &scenario, at, 1);
	check(!memcmp(&trace, &again, sizeof(trace)));
	free(bytes);
	return 0;
}
