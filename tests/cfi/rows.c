/*
 * The unwinder's own headers, compiled as ordinary C: finds the row that holds at
 * an address of an image in memory, for comparing with another implementation.
 */
#include "host.h"
#include "cursor.h"
#include "eh_frame.h"
#include "cfi.h"

/* Returns an enum cfi_result; the row is copied where it was found. */
int somno_find_row(const u8 *image, u64 at, u64 len, u64 header, u64 pc, struct row *row,
		   u32 *signal_frame)
{
	static _Thread_local struct workspace ws;
	int result;

	host_memory = (struct host_memory){.at = at, .len = len, .bytes = image};
	ws.cursor.window_len = 0;
	ws.steps_left = UNWIND_STEPS;
	ws.obstacle = OBSTACLE_NONE;
	result = find_row(&ws, pc, header);
	*row = ws.cfi.row;
	*signal_frame = ws.cfi.signal_frame;
	return result;
}
