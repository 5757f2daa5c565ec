/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Stand-ins with which the unwinder's headers compile as ordinary C, for tests and
 * fuzzing: no kernel, and a target's memory that is a stretch of our own.
 */
#ifndef SOMNO_HOST_H
#define SOMNO_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int32_t s32;
typedef long long s64;

#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __arg_nonnull

static inline u64 clamp(u64 value, u64 limit)
{
	return value > limit ? limit : value;
}

/* The target's memory: `len` bytes that it has at `at`; all else is not there. */
struct host_memory {
	u64 at;
	u64 len;
	const u8 *bytes;
	/* how often it was asked for */
	u64 reads;
};

static _Thread_local struct host_memory host_memory;

static inline bool host_has(u64 address, u64 size)
{
	u64 offset = address - host_memory.at;

	return offset < host_memory.len && size <= host_memory.len - offset;
}

static inline long bpf_probe_read_user(void *to, u32 size, const void *from)
{
	u64 address = (uintptr_t)from;

	host_memory.reads++;
	if (!host_has(address, size))
		return -1;
	memcpy(to, host_memory.bytes + (address - host_memory.at), size);
	return 0;
}

#include "abi.h"
#include "state.h"

static inline long read_target(struct workspace *ws, void *to, u32 size, u64 address)
{
	(void)ws;
	return bpf_probe_read_user(to, size, (void *)(uintptr_t)address);
}

#include "user_memory.h"

static inline long host_loop(u32 count, int (*body)(u32, void *), void *context)
{
	u32 i = 0;

	while (i < count && !body(i, context))
		i++;
	return i;
}

#define bpf_loop(count, body, context, flags)                                                      \
	host_loop(count, (int (*)(u32, void *))(body), context)

#endif
