#include "vfs_powercut.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct powercut {
	struct vfs_call calls[POWERCUT_CALLS_MAX];
	int n;
};

/* A file of the run; a name that is deleted and made again is another one. */
struct node {
	const char *name;
	unsigned char *bytes;
	int64_t n, size;
	int made, deleted; /* calls */
	int entry_made, entry_deleted; /* the folder was synced since */
	int synced; /* call: all before it is on the disk; 0: nothing */
};

struct picture {
	const struct powercut *p;
	int k;
	enum powercut_luck luck;
	uint64_t random;
	struct node nodes[POWERCUT_FILES_MAX];
	int n;
};

struct powercut *
powercut_new(void)
{
	return calloc(1, sizeof(struct powercut));
}

void
powercut_free(struct powercut *p)
{
	if (p == NULL)
		return;
	for (int i = 0; i < p->n; i++)
		free((void *)(uintptr_t)p->calls[i].bytes);
	free(p);
}

void
powercut_note(void *arg, const struct vfs_call *call)
{
	struct powercut *p = arg;
	if (p->n == POWERCUT_CALLS_MAX)
		abort();
	struct vfs_call *copy = &p->calls[p->n];
	*copy = *call;
	if (call->bytes != NULL) {
		void *bytes = malloc((size_t)call->n);
		if (bytes == NULL)
			abort();
		memcpy(bytes, call->bytes, (size_t)call->n);
		copy->bytes = bytes;
	}
	p->n++;
}

int
powercut_calls(const struct powercut *p)
{
	return p->n;
}

const struct vfs_call *
powercut_call(const struct powercut *p, int k)
{
	return &p->calls[k];
}

/* splitmix64, https://prng.di.unimi.it/splitmix64.c */
static uint64_t
draw(struct picture *pic)
{
	uint64_t z = pic->random += 0x9E3779B97F4A7C15;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
	return z ^ (z >> 31);
}

static int
is_lucky(struct picture *pic)
{
	if (pic->luck == POWERCUT_DROP || pic->luck == POWERCUT_KEEP)
		return pic->luck == POWERCUT_KEEP;
	return (int)(draw(pic) & 1);
}

/* ---- what is there ------------------------------------------------------- */

static struct node *
living(struct picture *pic, const char *name)
{
	for (int i = pic->n - 1; i >= 0; i--)
		if (strcmp(pic->nodes[i].name, name) == 0 &&
		    !pic->nodes[i].deleted)
			return &pic->nodes[i];
	return NULL;
}

static void
follow(struct picture *pic, int i)
{
	const struct vfs_call *call = &pic->p->calls[i];
	struct node *node = living(pic, call->name);
	switch (call->op) {
	case VFS_OPEN:
		if (node != NULL)
			break;
		if (pic->n == POWERCUT_FILES_MAX)
			abort();
		pic->nodes[pic->n++] =
		    (struct node){ .name = call->name, .made = i + 1 };
		break;
	case VFS_SYNC:
		if (node != NULL)
			node->synced = i;
		break;
	case VFS_DELETE:
		if (node != NULL)
			node->deleted = i + 1;
		break;
	case VFS_FOLDER:
		/* all files of a run are in one folder */
		for (int k = 0; k < pic->n; k++) {
			pic->nodes[k].entry_made = 1;
			pic->nodes[k].entry_deleted =
			    pic->nodes[k].deleted != 0;
		}
		break;
	default:
		break;
	}
}

static void
grow(struct picture *pic, struct node *f, int64_t n)
{
	if (n > f->size) {
		f->bytes = realloc(f->bytes, (size_t)n * 2);
		if (f->bytes == NULL)
			abort();
		f->size = n * 2;
	}
	for (; f->n < n; f->n++)
		f->bytes[f->n] =
		    pic->luck == POWERCUT_JUNK ? (unsigned char)draw(pic) : 0;
}

/* 0: the power went within it, where sectors are lost in order. */
static int
write_some(
    struct picture *pic, struct node *f, const struct vfs_call *call, int safe)
{
	for (int64_t done = 0; done < call->n;) {
		int64_t at = call->at + done;
		int64_t n = POWERCUT_SECTOR - at % POWERCUT_SECTOR;
		if (n > call->n - done)
			n = call->n - done;
		if (!safe && pic->luck == POWERCUT_PREFIX &&
		    draw(pic) % 64 == 0)
			return 0;
		if (safe || pic->luck == POWERCUT_PREFIX || is_lucky(pic)) {
			grow(pic, f, at + n);
			memcpy(f->bytes + at,
			    (const unsigned char *)call->bytes + done,
			    (size_t)n);
		}
		done += n;
	}
	return 1;
}

static void
fill(struct picture *pic, struct node *f)
{
	int end = f->deleted ? f->deleted - 1 : pic->k;
	for (int i = f->made - 1; i < end; i++) {
		const struct vfs_call *call = &pic->p->calls[i];
		int safe = i < f->synced;
		if (strcmp(call->name, f->name) != 0)
			continue;
		if (call->op == VFS_WRITE && !write_some(pic, f, call, safe))
			return;
		if (call->op != VFS_TRUNCATE)
			continue;
		if (!safe && pic->luck != POWERCUT_PREFIX && !is_lucky(pic))
			continue;
		grow(pic, f, call->n);
		f->n = call->n;
	}
}

/* Is the name in the folder? */
static int
is_there(struct picture *pic, const struct node *f)
{
	int made =
	    f->entry_made || pic->luck == POWERCUT_PREFIX || is_lucky(pic);
	int deleted = f->deleted != 0 && (f->entry_deleted || is_lucky(pic));
	return made && !deleted;
}

static int
save(const struct node *f)
{
	FILE *out = fopen(f->name, "wb");
	if (out == NULL)
		return -1;
	size_t n = f->n == 0 ? 0 : fwrite(f->bytes, 1, (size_t)f->n, out);
	return fclose(out) == 0 && n == (size_t)f->n ? 0 : -1;
}

static int
clear(const char *folder)
{
	char path[4096];
	DIR *d = opendir(folder);
	if (d == NULL)
		return -1;
	for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.')
			unlink(path);
	}
	return closedir(d);
}

int
powercut_picture(const struct powercut *p, int k, enum powercut_luck luck,
    uint64_t seed, const char *folder)
{
	struct picture pic = { .p = p, .k = k, .luck = luck };
	pic.random = seed * 1000003 + (uint64_t)k * POWERCUT__MAX + luck;
	int rc = clear(folder);
	for (int i = 0; i < k; i++)
		follow(&pic, i);
	for (int i = 0; i < pic.n; i++) {
		fill(&pic, &pic.nodes[i]);
		if (is_there(&pic, &pic.nodes[i]) && save(&pic.nodes[i]) != 0)
			rc = -1;
		free(pic.nodes[i].bytes);
	}
	return rc;
}
