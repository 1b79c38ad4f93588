#ifndef CONFIG_CONFIG_KEYS_H
#define CONFIG_CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

/*
 * The table of all keys of gatepost.conf: their types, bounds and defaults.
 * The parser (config_tree.h) knows by it which key stands where;
 * config_fill() of config_reader.h reads values by it.
 */
enum config_type { /* what is filled in */
	CONFIG_TEXT, /* struct str; empty: STR_NONE */
	CONFIG_REAL_TEXT, /* the same; a manual's placeholder is refused */
	CONFIG_WORD, /* an int: least for the first of words, and so on */
	CONFIG_INT, /* an int, least to most */
	CONFIG_BOOL, /* an int */
	CONFIG_TIME, /* an int64_t of seconds, least to most */
	CONFIG_SECRETS, /* struct config_list, of least bytes or more; fewer
			   than most are warned of */
	CONFIG_SECRET, /* struct str; empty: STR_NONE */
	CONFIG_LIST, /* never filled in */
	CONFIG_SECTION, /* there is one, without a name */
	CONFIG_TITLED, /* there are several, each of another name */
	CONFIG_REPEATED, /* several, and a name may come again */
};

struct config_key {
	const char *name; /* NULL: the end of a table */
	enum config_type type;
	size_t at; /* 1 + the offset in the struct; 0: never filled in */
	int64_t least, most;
	const char *preset; /* where the file has none; NULL: it stays */
	const char *words; /* "closed open" */
	const char *advice; /* ends the message of a wrong time or word */
	const struct config_key *keys; /* of a section */
};

/* What the section of a platform fills in. */
struct config_platform_values {
	struct config_platform platform;
	int64_t grace;
	int accept_test;
	int confirm;
};

/* The keys outside of all sections, with a section for each platform. It lives
 * in the arena. NULL: no memory. */
const struct config_key *config_keys(struct arena *a);

const struct config_key *config_key_find(
    const struct config_key *keys, const char *name); /* NULL: none */

/* The key at most limit letters away, or NULL. */
const char *config_key_nearest(
    const struct config_key *keys, const char *name, size_t limit);

/* The name of the first section that knows this key, or NULL. */
const char *config_key_home(const struct config_key *keys, const char *name);

/* Letters to add, drop or change between two short names (Levenshtein). */
size_t config_distance(const char *a, const char *b);

#endif
