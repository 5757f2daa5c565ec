/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Workspaces: the memory of one unwind while its callback runs. The callback
 * sleeps and is preempted, so per-CPU memory would be shared by two of them.
 */
#ifndef SOMNO_WORKSPACE_H
#define SOMNO_WORKSPACE_H

#define WORKSPACES 256
#define WORKSPACE_PROBES 16
#define MAPPINGS_KEPT 4

/* A part of the address space and the file behind it. */
struct mapping {
	u64 start;
	u64 end;
	u64 file_offset;
	/* SOMNO_MODULE_*; 0: anonymous memory */
	u32 module;
	bool executable;
};

/* The registers of the frame that is looked at. */
struct registers {
	u64 ip;
	u64 sp;
	u64 bp;
};

struct workspace {
	struct registers regs;
	/* ip is where a call returns to, so the call is just before it */
	bool is_return_address;
	u32 slept;
	u32 next_mapping;
	struct mapping mappings[MAPPINGS_KEPT];
	union {
		struct somno_user_half half;
		u64 half_words[sizeof(struct somno_user_half) / 8 + SOMNO_MAX_DEPTH];
	};
	union {
		struct somno_module module;
		/* a component may start at the last byte of the path's room */
		u8 module_bytes[sizeof(struct somno_module) + SOMNO_PATH_LEN + 256];
	};
};

/* Key: workspace number. Never deleted. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WORKSPACES);
	__type(key, u32);
	__type(value, struct workspace);
} workspaces SEC(".maps");

u32 workspace_taken[WORKSPACES] SEC(".bss.workspaces");

#define NO_WORKSPACE WORKSPACES

static __always_inline u32 claim_workspace(void)
{
	u32 first = bpf_get_smp_processor_id() * WORKSPACE_PROBES;

	for (u32 probe = 0; probe < WORKSPACE_PROBES; probe++) {
		u32 index = (first + probe) & (WORKSPACES - 1);

		if (!workspace_taken[index] &&
		    !__sync_val_compare_and_swap(&workspace_taken[index], 0, 1))
			return index;
	}
	return NO_WORKSPACE;
}

static __always_inline void release_workspace(u32 index)
{
	workspace_taken[index & (WORKSPACES - 1)] = 0;
}

#endif
