/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The few kernel types that somno reads, relocated by CO-RE when loading.
 *
 * Not a whole vmlinux.h: that is 130,000 lines of one kernel's build, and what
 * is read here should be seen at a glance. libbpf's headers test __VMLINUX_H__
 * to know that the basic types exist.
 */
#ifndef SOMNO_KERNEL_H
#define SOMNO_KERNEL_H

#define __VMLINUX_H__

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

enum { ENOENT = 2, E2BIG = 7, EBUSY = 16 };

/* include/uapi/linux/bpf.h */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
enum { BPF_F_NO_PREALLOC = 1 };
enum { BPF_F_SKIP_FIELD_MASK = 0xff, BPF_F_USER_STACK = 1 << 8 };
enum { BPF_LOCAL_STORAGE_GET_F_CREATE = 1 };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2, BPF_RB_AVAIL_DATA = 0 };

/* include/linux/sched.h */
#define PF_EXITING 0x00000004
#define PF_IO_WORKER 0x00000010
#define PF_FORKNOEXEC 0x00000040
#define PF_USER_WORKER 0x00004000
#define PF_KTHREAD 0x00200000

#define TASK_INTERRUPTIBLE 0x0001
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_DEAD 0x0080
#define TASK_NOLOAD 0x0400

/*
 * The context of a perf_event program (bpf_perf_event_data): no CO-RE here, the
 * verifier translates these offsets itself. `ip` is the 17th register.
 */
struct bpf_perf_event_data {
	unsigned long before_ip[16];
	unsigned long ip;
	unsigned long after_ip[4];
	u64 sample_period;
	u64 addr;
};

/* The kernel finds the field in a map's value by this name. */
struct bpf_task_work {
	__u64 __opaque;
} __attribute__((aligned(8)));

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* complete: libbpf takes a struct that is only declared for another type than the kernel's */
struct bpf_map {
	u32 id;
};

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di, orig_ax;
	unsigned long ip, cs, flags, sp;
};

typedef struct {
	void *vdso;
} mm_context_t;

struct file;

struct seqcount {
	unsigned int sequence;
};
typedef struct seqcount seqcount_t;

struct mm_struct {
	mm_context_t context;
	/* counted up when the address space is locked for a change, and again after it */
	seqcount_t mm_lock_seq;
	struct file *exe_file;
	/* where sp was when the program began */
	unsigned long start_stack;
	unsigned long env_start;
	unsigned long env_end;
	/* shorter on older kernels, and longer where there are more entries */
	unsigned long saved_auxv[48];
};

typedef struct {
	u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

struct qstr {
	u32 len;
	const unsigned char *name;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
};

struct mnt_namespace;

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct super_block {
	u32 s_dev;
};

struct inode {
	struct super_block *i_sb;
	unsigned long i_ino;
	s64 i_size;
	s64 i_mtime_sec;
	u32 i_mtime_nsec;
};

struct file {
	struct inode *f_inode;
	struct path f_path;
};

struct vm_userfaultfd_ctx {
	void *ctx;
};

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	unsigned long vm_pgoff;
	unsigned long vm_flags;
	struct file *vm_file;
	/* not NULL once a page of it was written to and so became private */
	void *anon_vma;
	struct vm_userfaultfd_ctx vm_userfaultfd_ctx;
};

struct thread_info {
	u32 cpu;
};

struct pid_namespace;

/* A number in a pid namespace. */
struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	/* one for each namespace, from the first on */
	struct upid numbers[1];
};

struct kernfs_node {
	u64 id;
};

struct cgroup;
struct cgroup_root;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct cgroup_subsys_state *subsys[1];
};

/* What the kernel keeps of a task that does not run. */
struct thread_struct {
	unsigned long sp;
};

/* What is at that stack pointer. */
struct inactive_task_frame {
	unsigned long ret_addr;
};

/* What the kernel keeps of a task that came by a uprobe. */
struct uprobe_task {
	void *active_uprobe;
	/* where the copy of the instruction is, and where the instruction was */
	unsigned long xol_vaddr;
	unsigned long vaddr;
};

struct task_struct {
	struct thread_info thread_info;
	struct thread_struct thread;
	unsigned int flags;
	unsigned int __state;
	/* of another size since 7.0 or later; only what has no sign may be so */
	unsigned int on_cpu;
	/* how often it left the CPU by itself, and otherwise */
	unsigned long nvcsw;
	unsigned long nivcsw;
	u32 pid;
	u32 tgid;
	u64 start_boottime;
	u64 self_exec_id;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *cred;
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct uprobe_task *utask;
	struct pid *thread_pid;
	struct css_set *cgroups;
	struct perf_event_context *perf_event_ctxp;
	char comm[16];
};

struct perf_event_attr {
	u64 sig_data;
};

struct perf_event {
	struct perf_event_attr attr;
};

/* What is behind bpf_perf_event_data. */
struct bpf_perf_event_data_kern {
	struct perf_event *event;
};

/* What an iterator of tasks is given. */
struct bpf_iter__task {
	struct task_struct *task;
};

/* Its values depend on the kernel's configuration. */
enum cgroup_subsys_id {
	perf_event_cgrp_id = 1,
};

#pragma clang attribute pop

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* At most `limit`, in a way that the compiler leaves for the verifier to see. */
static __always_inline u64 clamp(u64 value, u64 limit)
{
	barrier_var(value);
	return value > limit ? limit : value;
}

typedef int (*bpf_task_work_callback_t)(struct bpf_map *map, void *key, void *value);

/*
 * 6.18 and 6.19 have the first, 7.0 the second as well, 7.3 only the second.
 * libbpf compares prototypes, so they are the kernel's to the letter.
 */
extern int bpf_task_work_schedule_resume_impl(struct task_struct *task, struct bpf_task_work *tw,
					      void *map__map, bpf_task_work_callback_t callback,
					      void *aux__prog) __ksym __weak;
extern int bpf_task_work_schedule_resume(struct task_struct *task, struct bpf_task_work *tw,
					 void *map__map,
					 bpf_task_work_callback_t callback) __ksym __weak;

extern void *bpf_cast_to_kern_ctx(void *obj) __ksym;

struct bpf_iter_num {
	u64 __opaque[1];
} __attribute__((aligned(8)));

struct bpf_iter_task_vma {
	__u64 __opaque[1];
} __attribute__((aligned(8)));
extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it, struct task_struct *task,
				 __u64 addr) __ksym;
extern struct vm_area_struct *bpf_iter_task_vma_next(struct bpf_iter_task_vma *it) __ksym;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) __ksym;

/* Since 6.19. */
struct bpf_dynptr {
	__u64 __opaque[2];
} __attribute__((aligned(8)));
extern int bpf_dynptr_from_file(struct file *file, __u32 flags,
				struct bpf_dynptr *ptr__uninit) __ksym __weak;
extern int bpf_dynptr_file_discard(struct bpf_dynptr *dynptr) __ksym __weak;

extern int bpf_copy_from_user_task_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign,
				       struct task_struct *tsk, u64 flags) __ksym __weak;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym __weak;

/* Since 6.14. */
extern void bpf_local_irq_save(unsigned long *flags__irq_flag) __ksym __weak;
extern void bpf_local_irq_restore(unsigned long *flags__irq_flag) __ksym __weak;

/*
 * The same pointer, but the verifier trusts nothing that is read by it. For each pointer that is
 * read by a trusted one it goes through all of the kernel's types three times, looking for a name
 * that says whether that one is trusted too: a third of what loading took.
 */
#define read_only(pointer) bpf_core_cast(pointer, typeof(*(pointer)))

/*
 * include/linux/preempt.h: bits 20 to 23 up to 6.19. In 7.3 it is bit 28, which was
 * unused, and the old ones are the upper half of a nesting count.
 */
#define NMI_MASK 0x10f00000

#endif
