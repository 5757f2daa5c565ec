// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * somno's kernel side. An interrupt takes the sample (sample.h) and schedules a
 * callback, which reads the user stack where the task may sleep (deferred.h).
 */
#include "kernel.h"
#include <bpf/bpf_tracing.h>
#include "abi.h"
#include "cgroup.h"
#include "config.h"
#include "ids.h"
#include "stats.h"
#include "emit.h"
#include "slot.h"
#include "state.h"
#include "workspace.h"
#include "outside.h"
#include "user_memory.h"
#include "module.h"
#include "mapping.h"
#include "cursor.h"
#include "eh_frame.h"
#include "eh_scan.h"
#include "build_id.h"
#include "elf.h"
#include "tables.h"
#include "cfi.h"
#include "dwarf_expr.h"
#include "shape.h"
#include "stack.h"
#include "row.h"
#include "rule.h"
#include "rule_cache.h"
#include "frame_pointer.h"
#include "cfi_step.h"
#include "no_cfi.h"
#include "rescue.h"
#include "wanted.h"
#include "out_of_line.h"
#include "unwind.h"
#include "capture.h"
#include "dynamic.h"
#include "sections.h"
#include "symbol_search.h"
#include "symbols.h"
#include "overload.h"
#include "environment.h"
#include "deferred.h"
#include "sample.h"
#include "task.h"
#include "offcpu.h"
#include "dump.h"
#include "pending.h"
#include "point.h"

/* Capable of being GPL-compatible is what the kernel asks of tracing programs. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Only ever on the BPF stack: named here so that the skeleton has its type too. */
const struct somno_notice *notice_type __attribute__((unused));

SEC("perf_event")
int on_sample_in_interrupt(struct bpf_perf_event_data *ctx)
{
	take_sample(ctx, event_of(ctx), IN_INTERRUPT);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	follow_child(parent, child);
	track_child(child);
	if (is_followed(child))
		notify(SOMNO_FORK, child, parent, child->comm);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	if (is_followed(task))
		notify(SOMNO_EXECED, task, NULL, task->comm);
	return 0;
}

SEC("tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *task, const char *comm)
{
	if (is_followed(task))
		notify(SOMNO_RENAMED, task, NULL, comm);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	if (is_followed(task))
		notify(SOMNO_EXIT, task, NULL, task->comm);
	return 0;
}

/* What follows needs a kernel that can defer, and is loaded only there. */

SEC("perf_event")
int on_sample(struct bpf_perf_event_data *ctx)
{
	take_sample(ctx, event_of(ctx), DEFERRED);
	return 0;
}

/*
 * One program for both tracepoints, so that the unwinder is verified once for
 * them: sched_process_exit, and sched_prepare_exec (since 6.10), which comes
 * before the point of no return.
 */
SEC("raw_tp")
int on_leaving(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (is_followed(task) && !is_launcher(task))
		serve_before_leaving(task);
	return 0;
}

/* What follows is loaded where intervals off the CPU are wanted. */

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch_out, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int state)
{
	begin_interval(prev, preempt, state);
	return 0;
}

/* Since 6.14; when the next task has just taken over, and the run queue is not locked any more. */
SEC("tp_btf/sched_exit_tp")
int BPF_PROG(on_switched_in, bool is_switch)
{
	if (is_switch)
		end_interval(ctx);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	note_waker(ctx, task);
	return 0;
}

SEC("iter/task")
int on_each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	if (off_cpu_sampling)
		open_interval(task);
	else
		close_interval(task);
	return 0;
}

/* Loaded where it is asked for. */
SEC("iter/task")
int on_dumped_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task)
		dump_task(task);
	return 0;
}

/* What follows is loaded where places are sampled; the cookie is the event. */

SEC("tp")
int on_tracepoint(void *ctx)
{
	take_tracepoint(ctx, bpf_get_attach_cookie(ctx));
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork_before_exec, struct task_struct *parent, struct task_struct *child)
{
	look_at_child(child);
	return 0;
}

SEC("uprobe")
int on_uprobe(void *ctx)
{
	take_uprobe(bpf_get_attach_cookie(ctx));
	return 0;
}

/* Somno runs it itself, once, before anything else. */
SEC("syscall")
int learn_who_samples(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	own_pid = task->tgid;
	own_mount_namespace = mount_namespace(task);
	learn_own_pid_namespace(task);
	return 0;
}

SEC("syscall")
int arm_slots_from(struct somno_arm *range)
{
	return arm_slots(range->first);
}

#ifdef SOMNO_OUTSIDE
/* The only program that is loaded of the other object. */
SEC("iter.s/task")
int on_pending_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task)
		serve_pending(task);
	return 0;
}
#endif
