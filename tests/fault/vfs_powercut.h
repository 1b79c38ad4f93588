#ifndef FAULT_VFS_POWERCUT_H
#define FAULT_VFS_POWERCUT_H

#include "vfs.h"

/*
 * A disk whose power can be cut at any call, afterwards: a run is recorded as a
 * list of calls; a picture is what may stand on the disk if the power went
 * before call number k. What was synced is there. What was not is dropped, kept
 * or torn, sector by sector and in any order; a file made, or deleted, is there
 * or not until its folder is synced.
 */
struct powercut;

enum {
	POWERCUT_SECTOR = 512, /* bytes written all or not at all */
	POWERCUT_CALLS_MAX = 100000,
	POWERCUT_FILES_MAX = 256, /* made in one run; a name counts each time */
};

/* Begins with an empty folder. NULL when out of memory. */
struct powercut *powercut_new(void);
void powercut_free(struct powercut *p);

/* Goes into struct vfs_hands.after, with the powercut as arg. */
void powercut_note(void *p, const struct vfs_call *call);

/* Calls so far. */
int powercut_calls(const struct powercut *p);
const struct vfs_call *powercut_call(const struct powercut *p, int k);

enum powercut_luck {
	POWERCUT_DROP, /* all that was not synced */
	POWERCUT_KEEP, /* nothing is lost */
	POWERCUT_PREFIX, /* in order up to some sector, then nothing */
	POWERCUT_ANY, /* each sector by itself */
	POWERCUT_JUNK, /* the same; lost sectors of a grown file hold junk */
	POWERCUT__MAX
};

/* Writes the files as they may be before call k, in place of those that are
 * there: names are those of the run, from folder on. 0 or -1. */
int powercut_picture(const struct powercut *p, int k, enum powercut_luck luck,
    uint64_t seed, const char *folder);

#endif
