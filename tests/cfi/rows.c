/*
 * The unwinder's own headers, compiled as ordinary C: finds the row that holds at
 * an address of an image in memory, for comparing with another implementation.
 */
#include "host.h"
#include "cursor.h"
#include "eh_frame.h"
#include "cfi.h"

struct found {
	/* enum cfi_result; what follows is only said of CFI_FOUND */
	s32 result;
	u32 signal_frame;
	/* of the FDE: what follows its CIE pointer */
	u64 rest;
	u64 end;
	struct row row;
};

void somno_find_row(const u8 *image, u64 at, u64 len, u64 header, u64 pc, struct found *found)
{
	static _Thread_local struct workspace ws;

	host_memory = (struct host_memory){.at = at, .len = len, .bytes = image};
	ws.cursor.window_len = 0;
	ws.steps_left = UNWIND_STEPS;
	ws.obstacle = OBSTACLE_NONE;
	ws.cfi.pc = pc;
	ws.cfi.base = header;
	ws.cfi.has_header = true;
	found->result = find_row(&ws);
	found->signal_frame = ws.cfi.signal_frame;
	found->rest = ws.cfi.fde_rest;
	found->end = ws.cfi.fde_code_end;
	found->row = ws.cfi.row;
}
