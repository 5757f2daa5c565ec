/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Reads a stretch of the target's memory byte by byte, through a window. A
 * window goes on into the next page only where that can be read, so that what lies
 * behind the stretch does not matter. Errors stick: after one, every
 * read gives 0, and whoever parses looks once at the end.
 */
#ifndef SOMNO_CURSOR_H
#define SOMNO_CURSOR_H

static __always_inline void cursor_set(struct cursor *cursor, u64 at, u64 end)
{
	cursor->at = at;
	cursor->end = end;
	cursor->failed = false;
	cursor->ran_out = false;
}

/* Has the window begin at the cursor. */
__noinline int move_window(struct workspace *ws __arg_nonnull)
{
	struct cursor *cursor = &ws->cursor;
	u64 in_page;

	cursor->window_at = cursor->at;
	cursor->window_len = CURSOR_WINDOW;
	if (!read_user(ws, cursor->window, CURSOR_WINDOW, cursor->at))
		return 0;
	in_page = PAGE_SIZE - (cursor->at & (PAGE_SIZE - 1));
	in_page = clamp(in_page, CURSOR_WINDOW);
	cursor->window_len = in_page;
	if (!read_user(ws, cursor->window, in_page, cursor->at)) {
		/* that of the next page is one only if something is wanted from there */
		ws->obstacle = OBSTACLE_NONE;
		return 0;
	}
	cursor->window_len = 0;
	cursor->failed = true;
	return 0;
}

/*
 * Has the window hold the next `need` bytes, wherever the memory goes on. The only
 * part that reads memory: what takes values from the window after it is pure.
 */
static __always_inline void fill_window(struct workspace *ws, u32 need)
{
	struct cursor *cursor = &ws->cursor;
	u64 offset = cursor->at - cursor->window_at;

	if (offset >= cursor->window_len || offset + need > cursor->window_len)
		move_window(ws);
}

/* Takes from the budget of the unwind; false when it is spent. */
static __always_inline bool spend(struct workspace *ws, u32 steps)
{
	if (ws->steps_left < steps) {
		ws->steps_left = 0;
		return false;
	}
	ws->steps_left -= steps;
	return true;
}

/* Tells a value that lies beyond what could be read from one that is bad. */
static __always_inline void note_short_window(struct workspace *ws)
{
	struct cursor *cursor = &ws->cursor;

	if (!cursor->ran_out || ws->obstacle)
		return;
	ws->obstacle = OBSTACLE_MEMORY;
	ws->obstacle_at = cursor->window_at + cursor->window_len;
	ws->obstacle_len = 1;
}

/*
 * What takes values from the window is in global functions, here and in the next
 * headers: the verifier looks at each once, not anew at every call on every path.
 */

static __always_inline u64 take_one(struct cursor *cursor)
{
	u64 offset = cursor->at - cursor->window_at;

	if (cursor->at >= cursor->end || offset >= cursor->window_len) {
		cursor->failed = true;
		cursor->ran_out = cursor->at < cursor->end;
		return 0;
	}
	cursor->at++;
	return cursor->window[offset & (CURSOR_WINDOW - 1)];
}

/* Little-endian, 1 to 8 bytes. */
__noinline u64 take_bytes(struct cursor *cursor __arg_nonnull, u32 count)
{
	u64 offset = cursor->at - cursor->window_at;
	u64 value = 0;

	if (cursor->failed || cursor->at + count > cursor->end ||
	    offset + count > cursor->window_len || offset > CURSOR_WINDOW) {
		cursor->ran_out = !cursor->failed && cursor->at + count <= cursor->end;
		cursor->failed = true;
		return 0;
	}
	__builtin_memcpy(&value, &cursor->window[offset & (CURSOR_WINDOW - 1)], sizeof(value));
	cursor->at += count;
	return count < sizeof(value) ? value & ((1ULL << (8 * count)) - 1) : value;
}

/* LEB128: seven bits a byte, the top bit says that more follow. Bits beyond 64 are dropped. */
__noinline u64 take_long_leb(struct cursor *cursor __arg_nonnull, u32 is_signed)
{
	u64 value = 0;

	for (u32 shift = 0; shift < 70; shift += 7) {
		u64 byte = take_one(cursor);

		if (shift < 64)
			value |= (byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (is_signed && byte & 0x40 && shift + 7 < 64)
			value |= ~0ULL << (shift + 7);
		return cursor->failed ? 0 : value;
	}
	cursor->failed = true;
	return 0;
}

/* Nearly all of them are one byte long. */
static __always_inline u64 take_leb(struct cursor *cursor, bool is_signed)
{
	u64 offset = cursor->at - cursor->window_at;
	u64 byte = cursor->window[offset & (CURSOR_WINDOW - 1)];

	if (cursor->at >= cursor->end || offset >= cursor->window_len || byte & 0x80)
		return take_long_leb(cursor, is_signed);
	cursor->at++;
	return is_signed && byte & 0x40 ? byte | ~0x7fULL : byte;
}

/* A register's number. Those beyond 32 bits are none that exist, as the highest is none. */
static __always_inline u32 take_register(struct cursor *cursor)
{
	return clamp(take_leb(cursor, false), ~0U);
}

/* Steps over bytes of the stretch. */
static __always_inline void skip_bytes(struct cursor *cursor, u64 count)
{
	if (count > cursor->end - cursor->at)
		cursor->failed = true;
	else
		cursor->at += count;
}

/*
 * DW_EH_PE: the low four bits say how a pointer is written, the next three what
 * it is relative to. Source: Linux Standard Base, Core, 10.5.1.
 */
#define EH_PE_OMIT 0xff
#define EH_PE_PCREL 0x10
#define EH_PE_DATAREL 0x30

/* The value alone, sign-extended where it is signed. */
__noinline u64 take_pointer_value(struct cursor *cursor __arg_nonnull, u32 encoding)
{
	switch (encoding & 0x0f) {
	case 0x00: /* absptr */
	case 0x04: /* udata8 */
	case 0x0c: /* sdata8 */
		return take_bytes(cursor, 8);
	case 0x01:
		return take_leb(cursor, false);
	case 0x02:
		return take_bytes(cursor, 2);
	case 0x03:
		return take_bytes(cursor, 4);
	case 0x09:
		return take_leb(cursor, true);
	case 0x0a:
		return (s64)(short)take_bytes(cursor, 2);
	case 0x0b:
		return (s64)(s32)take_bytes(cursor, 4);
	default:
		cursor->failed = true;
		return 0;
	}
}

/*
 * A pointer in the target. `data_base` is what those in .eh_frame_hdr are relative
 * to, its own beginning; 0 in .eh_frame, where it would be a table that is not known.
 */
__noinline u64 take_pointer(struct cursor *cursor __arg_nonnull, u32 encoding, u64 data_base)
{
	u64 at, value;

	at = cursor->at;
	value = take_pointer_value(cursor, encoding);
	switch (encoding & 0x70) {
	case 0:
		return value;
	case EH_PE_PCREL:
		return value + at;
	case EH_PE_DATAREL:
		if (data_base)
			return value + data_base;
	}
	cursor->failed = true;
	return 0;
}

#endif
