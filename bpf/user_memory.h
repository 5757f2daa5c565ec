/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Reads of the current task's memory never fault (from outside: outside.h): where one does not
 * succeed, it notes what stood in its way. The frame loop gives up the step, has the obstacle
 * removed where it may sleep, and takes the step again (rescue.h). So only one
 * place sleeps, and all else is the same for programs that may not.
 */
#ifndef SOMNO_USER_MEMORY_H
#define SOMNO_USER_MEMORY_H

static __always_inline long read_user(struct workspace *ws, void *to, u32 size, u64 address)
{
	long err = read_target(ws, to, size, address);

	if (err) {
		ws->obstacle = OBSTACLE_MEMORY;
		ws->obstacle_at = address;
		ws->obstacle_len = size;
	}
	return err;
}

#endif
