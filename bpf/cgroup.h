/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Which cgroup a task is in: in the hierarchy that perf has, which is that of version 2, or
 * one of its own where somebody mounted that.
 */
#ifndef SOMNO_CGROUP_H
#define SOMNO_CGROUP_H

/* Cgroups may be nested deeper where nobody set cgroup.max.depth; nobody does. */
#define CGROUP_LEVELS 32

/* The task's cgroup, or NULL. */
static __always_inline struct cgroup *cgroup_of(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup *unified = BPF_CORE_READ(set, dfl_cgrp), *cgroup;
	struct cgroup_subsys_state *state, **states;

	/* without perf in the kernel's cgroups all that is left is version 2 */
	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, perf_event_cgrp_id))
		return unified;
	states = (void *)set + bpf_core_field_offset(struct css_set, subsys);
	states += bpf_core_enum_value(enum cgroup_subsys_id, perf_event_cgrp_id);
	bpf_probe_read_kernel(&state, sizeof(state), states);
	cgroup = BPF_CORE_READ(state, cgroup);
	/* in version 2, until somebody turns any controller on, that of perf is the root's alone */
	return BPF_CORE_READ(cgroup, root) == BPF_CORE_READ(unified, root) ? unified : cgroup;
}

/* Whether the task is in that cgroup or one below it. */
__noinline int is_in_cgroup(struct task_struct *task __arg_trusted, u64 id)
{
	struct cgroup *cgroup = cgroup_of(task);

	for (u32 level = 0; level < CGROUP_LEVELS && cgroup; level++) {
		if (BPF_CORE_READ(cgroup, kn, id) == id)
			return 1;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return 0;
}

#endif
