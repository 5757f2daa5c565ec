/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Workspaces: the memory of one unwind while its callback runs. The callback
 * sleeps and is preempted, so per-CPU memory would be shared by two of them.
 */
#ifndef SOMNO_WORKSPACE_H
#define SOMNO_WORKSPACE_H

#define WORKSPACES 256
/* From a CPU's own first one on: some callbacks sleep for long. */
#define WORKSPACES_APART 16

/* Key: workspace number. Never deleted. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WORKSPACES);
	__type(key, u32);
	__type(value, struct workspace);
} workspaces SEC(".maps");

u32 workspace_taken[WORKSPACES] SEC(".bss.workspaces");

#define NO_WORKSPACE WORKSPACES

struct workspace_claim {
	u32 first;
	u32 taken;
};

static int try_workspace(u32 probe, struct workspace_claim *claim)
{
	u32 index = (claim->first + probe) & (WORKSPACES - 1);

	if (workspace_taken[index] || __sync_val_compare_and_swap(&workspace_taken[index], 0, 1))
		return 0;
	claim->taken = index;
	return 1;
}

static __always_inline u32 claim_workspace(void)
{
	struct workspace_claim claim = {
		.first = bpf_get_smp_processor_id() * WORKSPACES_APART,
		.taken = NO_WORKSPACE,
	};

	bpf_loop(WORKSPACES, try_workspace, &claim, 0);
	return claim.taken;
}

static __always_inline void release_workspace(u32 index)
{
	workspace_taken[index & (WORKSPACES - 1)] = 0;
}

#endif
