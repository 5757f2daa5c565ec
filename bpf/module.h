/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Modules: which file a mapping shows, and telling user space at the first sight of one. */
#ifndef SOMNO_MODULE_H
#define SOMNO_MODULE_H

#define MODULES_MAX 32768
#define PATH_COMPONENTS 128
/* More than there are modules: an id that user space could not be told of is not used again. */
#define MODULE_IDS (1 << 22)

/* Key: which file. Value: its id, which user space was told of. Never deleted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MODULES_MAX);
	__type(key, struct somno_identity);
	__type(value, u32);
} modules SEC(".maps");

u32 last_module_id = SOMNO_MODULE_FIRST - 1;
bool modules_are_full;

/* By module id. Written by user space: it has opened the file, and needs nothing of it. */
u8 module_opened[MODULES_MAX] SEC(".bss.opened");

enum module_symbols {
	SYMBOLS_UNASKED,
	SYMBOLS_WANTED,
	/* captured, or there is nothing to capture */
	SYMBOLS_DONE,
};

/* By module id: an enum module_symbols. */
u8 module_symbols[MODULES_MAX] SEC(".bss.symbols");
/* Whether any module's symbols were ever wanted: most of the time all else is not looked at. */
bool symbols_wanted;

static __always_inline void want_symbols(u32 id)
{
	if (id >= MODULES_MAX || module_symbols[id] != SYMBOLS_UNASKED)
		return;
	module_symbols[id] = SYMBOLS_WANTED;
	symbols_wanted = true;
}

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
	struct module_room *room;
};

/* Appends one name or climbs over one mount point. Pointers are untrusted: all reads are checked.
 */
static int walk_path(u32 iteration, struct path_walk *walk)
{
	struct module_room *room = walk->room;
	struct dentry *dentry = (void *)room->dentry;
	struct mount *mount = (void *)room->mount;
	struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
	u64 mnt = room->mount + bpf_core_field_offset(struct mount, mnt);
	struct mount *above;
	long n;

	room->finished =
		(room->dentry == room->root_dentry && mnt == room->root_mnt) || parent == dentry;
	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) && !room->finished) {
		above = BPF_CORE_READ(mount, mnt_parent);
		room->finished = above == mount;
		room->dentry = (u64)BPF_CORE_READ(mount, mnt_mountpoint);
		room->mount = (u64)above;
		return room->finished ? 1 : 0;
	}
	if (room->finished || room->len >= SOMNO_PATH_LEN)
		return 1;
	n = bpf_probe_read_kernel_str(&room->record.path[room->len & (SOMNO_PATH_LEN - 1)], 256,
				      BPF_CORE_READ(dentry, d_name.name));
	if (n <= 0)
		return 1;
	room->len += n;
	room->dentry = (u64)parent;
	return 0;
}

/*
 * The path as the task sees it: up to its own root, through mounts. Call it only
 * where the file is valid. Global, so that the verifier looks at it once; kernel
 * pointers are plain numbers to it, and read as such.
 */
__noinline int describe_path(struct module_room *room __arg_nonnull)
{
	struct path_walk walk = {.room = room};
	struct dentry *leaf;

	leaf = (void *)room->dentry;
	room->len = 0;
	room->finished = false;
	bpf_loop(PATH_COMPONENTS, walk_path, &walk, 0);
	room->record.path_len = clamp(room->len, SOMNO_PATH_LEN);
	room->record.flags = room->finished ? 0 : SOMNO_MODULE_PATH_CUT;
	if (!BPF_CORE_READ(leaf, d_hash.pprev))
		room->record.flags |= SOMNO_MODULE_DELETED;
	return 0;
}

/* Gives a file its id and tells user space. 0 when there is no room for it. */
static __always_inline u32 discover_module(struct workspace *ws, struct task_struct *task,
					   struct vm_area_struct *vma, struct file *file,
					   struct somno_identity *identity)
{
	struct somno_module *record = &ws->module.record;
	u32 id, *known;
	long err;

	if (modules_are_full || last_module_id >= MODULE_IDS) {
		ws->space_untold = true;
		count(modules_full);
		return 0;
	}
	id = __sync_fetch_and_add(&last_module_id, 1) + 1;
	record->record = SOMNO_MODULE;
	record->id = id;
	record->identity = *identity;
	record->map_start = vma->vm_start;
	record->map_end = vma->vm_end;
	record->pid = pid_of(task);
	ws->module.dentry = (u64)file->f_path.dentry;
	ws->module.mount = (u64)file->f_path.mnt - bpf_core_field_offset(struct mount, mnt);
	ws->module.root_dentry = (u64)BPF_CORE_READ(task, fs, root.dentry);
	ws->module.root_mnt = (u64)BPF_CORE_READ(task, fs, root.mnt);
	ws->discovered = true;
	describe_path(&ws->module);
	if (emit_to_user_ring(record, sizeof(*record) + clamp(record->path_len, SOMNO_PATH_LEN))) {
		count(module_ring_full);
		ws->space_untold = true;
		return id;
	}
	/* only now, so that nobody meets an id that user space was not told of */
	err = bpf_map_update_elem(&modules, identity, &id, BPF_NOEXIST);
	if (err) {
		known = bpf_map_lookup_elem(&modules, identity);
		/* another CPU was first: what was told is used by nobody */
		if (known)
			return *known;
		/* otherwise it was only not to be had at this moment */
		if (err == -E2BIG)
			modules_are_full = true;
	} else if (record->flags & SOMNO_MODULE_DELETED ||
		   mount_namespace(task) != own_mount_namespace) {
		want_symbols(id);
	}
	return id;
}

/* The id of the module that a mapping shows; 0 when it was not met yet. */
static __always_inline u32 known_module_of(struct task_struct *task, struct vm_area_struct *vma)
{
	struct file *file = read_only(vma)->vm_file;
	struct somno_identity identity;
	u32 *known;

	if (!file)
		return vma->vm_start == (u64)read_only(task)->mm->context.vdso ? SOMNO_MODULE_VDSO
									       : 0;
	read_identity(&identity, file);
	known = bpf_map_lookup_elem(&modules, &identity);
	return known ? *known : 0;
}

static __always_inline u32 module_of(struct workspace *ws, struct task_struct *task,
				     struct vm_area_struct *vma)
{
	struct file *file = read_only(vma)->vm_file;
	u32 known = known_module_of(task, vma);
	struct somno_identity identity;

	if (known || !file)
		return known;
	read_identity(&identity, file);
	return discover_module(ws, task, vma, file, &identity);
}

#endif
