#ifndef CONFIG_CONFIG_SCAN_H
#define CONFIG_CONFIG_SCAN_H

#include <confuse.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * The shape of gatepost.conf, checked before libConfuse sees it: quotes,
 * braces, known keys, nothing twice. libConfuse 3.3 counts a comment line
 * three times, accepts a missing brace at the end, merges a repeated section,
 * drops an unquoted * and runs on to the next line after a missing quote.
 * Here all of that is an error with its line, and what is handed on holds
 * neither comments nor anything but single-quoted strings.
 */
enum {
	CONFIG_KEYS_MAX = 2048, /* lines "key = …" */
	CONFIG_VALUES_MAX = 8192, /* strings, in all lists together */
	CONFIG_SECTIONS_MAX = 512,
};

struct config_value {
	int line;
	int literal; /* the file itself tells it: no ${NAME} in it */
};

struct config_section {
	const cfg_opt_t *opt;
	const char *name; /* "tier"; "on.http" of an http inside an on */
	const char *title; /* NULL: none */
	const struct config_section *parent; /* NULL: outside of all */
	int line;
	size_t nth; /* of those of that name in the whole file, from 0 */
};

struct config_key {
	const char *section; /* NULL: outside of all */
	size_t nth; /* of the sections of that name, from 0 */
	const char *name;
	int line;
	const struct config_value *values;
	size_t n_values;
};

struct config_scan {
	const char *text; /* for cfg_parse_buf; as many lines as the file */
	struct config_key *keys;
	size_t n_keys;
	struct config_section *sections;
	size_t n_sections;
};

/* opts: what libConfuse will be given. Sections with a title may hold others;
 * a section "on" may repeat its title, which gets "#" and a number in text,
 * since libConfuse would merge the two. All of *out lives in the arena. 0, or -1 with ERR_CONFIG "file:line: …". An error names
 * keys and titles, never a value. */
int config_scan_text(struct arena *a, const char *file, struct str in,
    const cfg_opt_t *opts, struct config_scan *out, struct err *e);

/* The assignment, or NULL when the file has none. */
const struct config_key *config_scan_find(const struct config_scan *s,
    const char *section, size_t nth, const char *name);

/* Letters to add, drop or change between two short names (Levenshtein). */
size_t config_scan_distance(const char *a, const char *b);

/* The line where a section begins, 0 when the file has it not. */
int config_scan_section(
    const struct config_scan *s, const char *section, size_t nth);

#endif
