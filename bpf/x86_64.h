/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What is particular to x86-64, as far as it concerns stacks. Another architecture has
 * another file with the same names.
 * Source: System V ABI, AMD64 supplement, 3.2 and 3.6.2.
 */
#ifndef SOMNO_X86_64_H
#define SOMNO_X86_64_H

/* Registers by their DWARF numbers; the last stands for the return address. */
#define DWARF_REGISTERS 17
#define DWARF_BP 6
#define DWARF_SP 7
#define DWARF_RA 16
/* Those that a call leaves as they were: rbx, rbp, r12 to r15. */
#define PRESERVED_REGISTERS (1 << 3 | 1 << DWARF_BP | 0xf << 12)
/* They and the return address: what frames save. */
#define SAVED_REGISTERS 7
static const u8 saved_register[SAVED_REGISTERS] = {DWARF_RA, 6, 3, 12, 13, 14, 15};

/* Bytes that a program's first instructions may take of the stack: to align it; all in all. */
#define START_STACK_ALIGN 16
#define START_FRAME 64
/* The code segment of programs of 32 bits. */
#define USER32_CS 0x23
/* System calls. */
#define NR_CLONE 56
#define NR_CLONE3 435

/* Instructions around an address, some before it and some from it on. */
#define CODE_BEFORE 32
#define CODE_FROM 8
struct code {
	/* room for as much again, for the verifier */
	u8 bytes[2 * (CODE_BEFORE + CODE_FROM)];
};

/*
 * Whether the instruction before the address is a call: `e8` and an offset, or
 * `ff /2` with a register, or with memory by one to six bytes of address.
 */
__noinline int is_behind_call(struct code *code __arg_nonnull)
{
	const u8 *end;

	end = code->bytes + CODE_BEFORE;
	if (end[-5] == 0xe8)
		return 1;
	for (int at = -7; at <= -2; at++) {
		u32 modrm = end[at + 1], mode = modrm >> 6;
		int len = 2;

		if (end[at] != 0xff || (modrm >> 3 & 7) != 2)
			continue;
		if (mode != 3 && (modrm & 7) == 4)
			len++;
		if (mode == 1)
			len++;
		if (mode == 2 || (mode == 0 && (modrm & 7) == 5))
			len += 4;
		if (at + len == 0)
			return 1;
	}
	return 0;
}

/* Whether the call before an address is a direct one, of a function that begins shortly before pc.
 */
static __always_inline bool calls_into(struct code *code, u64 address, u64 pc)
{
	const u8 *call = code->bytes + CODE_BEFORE - 5;
	s32 by = call[1] | call[2] << 8 | call[3] << 16 | (u32)call[4] << 24;

	return call[0] == 0xe8 && pc - (address + by) < 4096;
}

/* Where a function without CFI has its return address: `depth` bytes above sp. */
struct prologue {
	u32 depth;
	/* the word on top is the caller's rbp */
	bool pushed_bp;
};

/*
 * Recognises an entry of a procedure linkage table, for which some linkers write no
 * CFI: `jmp *GOT`, or `push $n; jmp` to the first entry, which is `push GOT; jmp *GOT`.
 */
static __always_inline bool find_in_plt(const u8 *pc, u32 *depth)
{
	bool pushes_number = pc[0] == 0x68;
	bool pushes_word = pc[0] == 0xff && pc[1] == 0x35;
	bool jumps_through = pc[0] == 0xff && pc[1] == 0x25;
	bool jumps_to_first = pc[0] == 0xe9 && pc[-5] == 0x68;

	if (jumps_through && pc[-6] == 0xff && pc[-5] == 0x35)
		*depth = 2 * sizeof(u64);
	else if (jumps_to_first || pushes_word)
		*depth = sizeof(u64);
	else
		*depth = 0;
	return pushes_number || pushes_word || jumps_through || jumps_to_first;
}

/* mov %rsp,%rbp in either encoding */
static __always_inline bool moves_sp_to_bp(const u8 *at)
{
	return at[0] == 0x48 &&
	       ((at[1] == 0x89 && at[2] == 0xe5) || (at[1] == 0x8b && at[2] == 0xec));
}

static __always_inline bool takes_a_word(const u8 *at)
{
	return at[0] == 0x48 && at[1] == 0x83 && at[2] == 0xec && at[3] == 8;
}

/*
 * Recognises by a leaf's code how far it is with its frame: at its entry and at `ret`
 * the return address is on top, after `push %rbp` one word below; 0 when it does not show.
 */
__noinline int find_prologue(struct code *code __arg_nonnull, struct prologue *found __arg_nonnull)
{
	const u8 *pc;
	bool at_entry, at_return, at_release;

	pc = code->bytes + CODE_BEFORE;
	found->pushed_bp = pc[-1] == 0x55 && moves_sp_to_bp(pc);
	found->depth = 0;
	/* push %rbp; mov %rsp,%rbp: endbr64: sub $8,%rsp */
	at_entry = (pc[0] == 0x55 && moves_sp_to_bp(pc + 1)) ||
		   (pc[0] == 0xf3 && pc[1] == 0x0f && pc[2] == 0x1e && pc[3] == 0xfa) ||
		   takes_a_word(pc);
	at_return = pc[0] == 0xc3 || pc[0] == 0xc2;
	if (at_entry || at_return || find_in_plt(pc, &found->depth))
		return 1;
	/* add $8,%rsp; ret */
	at_release = pc[0] == 0x48 && pc[1] == 0x83 && pc[2] == 0xc4 && pc[3] == 8 && pc[4] == 0xc3;
	if (!found->pushed_bp && !at_release)
		return 0;
	found->depth = sizeof(u64);
	return 1;
}

/*
 * Recognises a function that began shortly before with `sub $8,%rsp` and nothing
 * else, as .init does in every program: its return address is above that word.
 */
__noinline int find_word_taken(struct code *code __arg_nonnull)
{
	const u8 *bytes = code->bytes;
	int taken = 0;

	for (u32 at = 0; at < CODE_BEFORE - 3; at++) {
		if (bytes[at] == 0xc3)
			taken = 0;
		if (takes_a_word(bytes + at))
			taken = 1;
	}
	return taken;
}

#endif
