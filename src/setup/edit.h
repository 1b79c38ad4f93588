#ifndef SETUP_EDIT_H
#define SETUP_EDIT_H

#include <sys/stat.h>

#include "base/crypto.h"
#include "base/err.h"

/*
 * Edits single lines of a gatepost.conf that somebody has written: comments
 * and all other lines stay. Nothing is on disk before edit_save.
 */
struct edit {
	struct arena *arena;
	const char *path; /* links followed */
	struct str text; /* as edited */
	struct str saved; /* as it is on disk */
	struct stat st; /* of the file that was read */
	uint8_t digest[CRYPTO_SHA256]; /* of what is on disk */
	int is_changed;
	int has_backup; /* of what was there before the first edit_save */
	char *backup; /* its path */
};

enum edit_how {
	EDIT_TEXT, /* key = 'value' */
	EDIT_LIST, /* key = { 'value' }: in front of those that stand there */
};

enum { EDIT_BYTES_MAX = 1 << 20 };

/* Reads the file; all lives in the arena. */
int edit_open(struct edit *d, struct arena *a, const char *path, struct err *e);

/* Sets a key of that section, which has no title; NULL: outside of all. An
 * entry is changed in place, a commented one is taken out of its comment, else
 * a line is added. 0, also where all is so already; -1: the file is no
 * gatepost.conf. */
int edit_set(struct edit *d, const char *section, const char *key,
    struct str value, enum edit_how how, struct err *e);

/* Is there an entry? *value: the text, or the first of a list; STR_NONE. */
int edit_get(struct edit *d, const char *section, const char *key,
    struct str *value, struct err *e);

/* Adds lines at the end, each ended by '\n'. */
void edit_append(struct edit *d, struct str lines);

/*
 * Writes the file anew beside it, has config_load read that, keeps the old one
 * as FILE.bak (0600) the first time, and puts the new one in its place with the
 * owner, group and mode of the old. -1: nothing is changed, and the edits are
 * forgotten; ERR_CONFLICT: somebody else has changed the file since it was read.
 */
int edit_save(struct edit *d, struct err *e);

/* A new file with that text, which must not be there yet. */
int edit_write_new(const char *path, struct str text, mode_t mode, uid_t uid,
    gid_t gid, struct err *e);
/* The same in place of one that may be there: all of it, or nothing. */
int edit_write(const char *path, struct str text, mode_t mode, uid_t uid,
    gid_t gid, struct err *e);

#endif
