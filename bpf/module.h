/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Modules: which file a mapping shows, and telling user space at the first sight of one. */
#ifndef SOMNO_MODULE_H
#define SOMNO_MODULE_H

#define MODULES_MAX 32768
#define PATH_COMPONENTS 128

/*
 * Key: which file. Value: its id. Deleted only when user space could not be
 * told, so that the next sight tries again.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MODULES_MAX);
	__type(key, struct somno_identity);
	__type(value, u32);
} modules SEC(".maps");

u32 last_module_id = SOMNO_MODULE_FIRST - 1;

static __always_inline void read_identity(struct somno_identity *identity, struct file *file)
{
	struct inode *inode = file->f_inode;

	identity->inode = inode->i_ino;
	identity->size = inode->i_size;
	identity->mtime_ns = inode->i_mtime_sec * 1000000000ULL + inode->i_mtime_nsec;
	identity->device = inode->i_sb->s_dev;
	identity->reserved = 0;
}

struct path_walk {
	struct workspace *ws;
	struct dentry *dentry;
	struct mount *mount;
	struct path root;
	u32 len;
	bool finished;
};

/* Appends one name or climbs over one mount point. Pointers are untrusted: all reads are checked.
 */
static int walk_path(u32 iteration, struct path_walk *walk)
{
	struct dentry *dentry = walk->dentry;
	struct mount *mount = walk->mount;
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	struct vfsmount *here = (void *)mount + bpf_core_field_offset(struct mount, mnt);
	const unsigned char *name;
	long n;

	if (dentry == walk->root.dentry && here == walk->root.mnt) {
		walk->finished = true;
		return 1;
	}
	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root)) {
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (above == mount) {
			walk->finished = true;
			return 1;
		}
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = above;
		return 0;
	}
	if (parent == dentry) {
		walk->finished = true;
		return 1;
	}
	if (walk->len >= SOMNO_PATH_LEN)
		return 1;
	name = BPF_CORE_READ(dentry, d_name.name);
	n = bpf_probe_read_kernel_str(&walk->ws->module.path[walk->len & (SOMNO_PATH_LEN - 1)], 256,
				      name);
	if (n <= 0)
		return 1;
	walk->len += n;
	walk->dentry = parent;
	return 0;
}

/* The path as the task sees it: up to its own root, through mounts. Only where the file is valid.
 */
static __always_inline void describe_path(struct workspace *ws, struct task_struct *task,
					  struct file *file)
{
	struct vfsmount *mnt = file->f_path.mnt;
	struct dentry *leaf = file->f_path.dentry;
	struct path_walk walk = {
		.ws = ws,
		.dentry = leaf,
		.mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt),
	};

	walk.root.mnt = BPF_CORE_READ(task, fs, root.mnt);
	walk.root.dentry = BPF_CORE_READ(task, fs, root.dentry);
	bpf_loop(PATH_COMPONENTS, walk_path, &walk, 0);
	ws->module.path_len = walk.len < SOMNO_PATH_LEN ? walk.len : SOMNO_PATH_LEN;
	ws->module.flags = walk.finished ? 0 : SOMNO_MODULE_PATH_CUT;
	if (!BPF_CORE_READ(leaf, d_hash.pprev))
		ws->module.flags |= SOMNO_MODULE_DELETED;
}

/* Gives a file its id and tells user space. 0 when there is no room for it. */
static __always_inline u32 discover_module(struct workspace *ws, struct task_struct *task,
					   struct vm_area_struct *vma, struct file *file,
					   struct somno_identity *identity)
{
	u32 id = __sync_fetch_and_add(&last_module_id, 1) + 1;
	u32 *known;

	if (bpf_map_update_elem(&modules, identity, &id, BPF_NOEXIST)) {
		/* either another CPU was first or the table is full */
		known = bpf_map_lookup_elem(&modules, identity);
		if (known)
			return *known;
		count(modules_full);
		return 0;
	}
	ws->module.record = SOMNO_MODULE;
	ws->module.id = id;
	ws->module.identity = *identity;
	ws->module.map_start = vma->vm_start;
	ws->module.map_end = vma->vm_end;
	ws->module.map_offset = vma->vm_pgoff << 12;
	ws->module.pid = task->tgid;
	describe_path(ws, task, file);
	if (emit_now(&ws->module,
		     sizeof(ws->module) + clamp(ws->module.path_len, SOMNO_PATH_LEN))) {
		count(module_ring_full);
		bpf_map_delete_elem(&modules, identity);
	}
	return id;
}

static __always_inline u32 module_of(struct workspace *ws, struct task_struct *task,
				     struct vm_area_struct *vma)
{
	struct file *file = vma->vm_file;
	struct somno_identity identity;
	u32 *known;

	if (!file)
		return vma->vm_start == (u64)task->mm->context.vdso ? SOMNO_MODULE_VDSO : 0;
	read_identity(&identity, file);
	known = bpf_map_lookup_elem(&modules, &identity);
	if (known)
		return *known;
	return discover_module(ws, task, vma, file, &identity);
}

#endif
