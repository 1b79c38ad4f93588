#ifndef CONFIG_CONFIG_TREE_H
#define CONFIG_CONFIG_TREE_H

#include "base/err.h"
#include "config/config_keys.h"

/*
 * gatepost.conf as a tree: sections, their keys and values, each with its line.
 * Its shape is checked by the table of keys: nothing unknown, nothing twice,
 * numbers and booleans where they belong.
 */
enum {
	CONFIG_KEYS_MAX = 2048, /* lines "key = …" */
	CONFIG_VALUES_MAX = 8192, /* strings, in all lists together */
	CONFIG_SECTIONS_MAX = 512,
};

struct config_value {
	struct str text; /* ended by a NUL */
	int line;
	int literal; /* the file itself tells it: no ${NAME} in it */
};

/* key = value, or key = { values } */
struct config_entry {
	struct config_entry *next; /* in the file's order */
	const struct config_key *key;
	int line;
	const struct config_value *values;
	size_t n; /* 0: an empty list */
};

struct config_section {
	struct config_section *next; /* in the file's order */
	const struct config_section *parent; /* NULL: outside of all */
	const char *name; /* NULL: outside of all */
	const struct config_key *keys; /* that may stand in it */
	struct str title; /* ended by a NUL; STR_NONE: none */
	int line; /* 0: not in the file */
	struct config_entry *entries;
	struct config_section *sections;
};

/* What is outside of all sections. All lives in the arena. A section that can
 * have no title is in the tree also where it is not in the file. NULL with
 * ERR_CONFIG "file:line: what is wrong; what to do", or ERR_MEMORY. An error
 * names keys and titles, never a value. */
const struct config_section *config_tree_parse(
    struct arena *a, const char *file, struct str text, struct err *e);

/* NULL: the file has no such line there. */
const struct config_entry *
config_tree_find(const struct config_section *s, const char *key);

/* The first section of that name, from s on; NULL: none. */
const struct config_section *
config_tree_next(const struct config_section *s, const char *name);

size_t config_tree_count(const struct config_section *s, const char *name);

/* 1, 0, or -1: neither. */
int config_bool(struct str word);

#endif
