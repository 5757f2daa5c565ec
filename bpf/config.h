/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Configuration, set once before loading and read-only to the programs. */
#ifndef SOMNO_CONFIG_H
#define SOMNO_CONFIG_H

struct somno_config {
	/* never let a read sleep */
	bool no_fault;
	/* files may be read by the task that has them mapped */
	bool file_reads;
	/* leave kernel frames out */
	bool no_kernel;
	/* everything is a target, not only tasks in `followed` */
	bool follow_all;
	/* children of followed tasks are followed */
	bool inherit;
	/* only tasks of this user, when by_uid */
	bool by_uid;
	/* only the CPUs in `cpus`, when by_cpu */
	bool by_cpu;
	/* only tasks in `cgroup` and below, when by_cgroup */
	bool by_cgroup;
	/* there are several events on the CPU */
	bool several_events;
	/* there are uprobes */
	bool uprobes;
	/* intervals off the CPU are samples too */
	bool off_cpu;
	/* and who ended them is noted */
	bool wakers;
	/* variables of the environment are asked for */
	bool environment;
	/* and only of this user's processes, when own_environment */
	bool own_environment;
	/* which of the session's events intervals off the CPU are */
	u8 off_cpu_event;
	u32 uid;
	u32 environment_uid;
	u64 cgroup;
	/* shorter intervals are only summed */
	u64 off_cpu_min_ns;
	/*
	 * of tracepoints and uprobes, one sample after so many hits; 0: after at least that
	 * long, in nanoseconds
	 */
	u64 point_periods[SOMNO_EVENTS];
	u64 point_gaps_ns[SOMNO_EVENTS];
	/* what a sample on the CPU weighs */
	u64 sample_weight;
	/* user frames kept, leaf first */
	u32 max_depth;
	/* bytes that wait in a ring before its reader is woken */
	u32 kernel_wake_bytes;
	u32 user_wake_bytes;
	/*
	 * Addresses of __per_cpu_offset and, within a CPU's area, __preempt_count;
	 * 0: whether a sample is taken in an NMI is not looked at
	 */
	u64 per_cpu_offset;
	u64 preempt_count;
	u64 cpus[SOMNO_MAX_CPUS / 64];
	/* each ended by a zero byte */
	char variables[SOMNO_VARIABLES][SOMNO_VARIABLE_LEN];
};

const volatile struct somno_config somno_config = {};

/* somno's own process, which is never sampled; as the first pid namespace has it. */
u32 own_pid;

/* What tells somno's own mount namespace from others: an address, not followed. */
u64 own_mount_namespace;

/*
 * What tells, for a process, the environment of one program from that of the next: when it
 * started, in nanoseconds, counted on by each exec.
 */
static __always_inline u64 environment_of(struct task_struct *task)
{
	if (!somno_config.environment)
		return 0;
	return BPF_CORE_READ(task, group_leader, start_boottime) +
	       BPF_CORE_READ(task, self_exec_id);
}

static __always_inline u64 mount_namespace(struct task_struct *task)
{
	return (u64)BPF_CORE_READ(task, nsproxy, mnt_ns);
}

/* Whether the task may be looked at at all: it is not somno, nor in another cgroup, nor another
 * user's than wanted. */
static __always_inline bool is_wanted(struct task_struct *task)
{
	if (task->tgid == own_pid)
		return false;
	if (somno_config.by_cgroup && !is_in_cgroup(task, somno_config.cgroup))
		return false;
	return !somno_config.by_uid || read_only(task)->cred->uid.val == somno_config.uid;
}

#endif
