#ifndef CONFIG_CONFIG_READER_H
#define CONFIG_CONFIG_READER_H

#include "config/config_tree.h"

/* What is known while a file is read, and what its readers share. A key is one
 * of the section r->in. All that can fail return 0, or -1 with ERR_CONFIG
 * "file:line: …" or ERR_MEMORY. */
struct config_reader {
	struct config *config;
	struct arena *arena; /* the config's */
	const char *file;
	const char *folder; /* of the file, absolute */
	const struct config_section *root;
	const struct config_section *in; /* what is read now */
	int secret_line; /* where the file itself holds one; 0: nowhere */
	struct err *e;
};

/* ---- the readers, one after the other, into r->config --------------------- */

int config_top_read(struct config_reader *r); /* calls all others */
/* cookie_domain, allow_origin, signin, buy. The platforms have been read. */
int config_web_read(struct config_reader *r);
/* A root that holds what nobody may read is refused: the database, the settings,
 * a secret's file, another section's root but by the same path. */
int config_files_read(struct config_reader *r);
/* on, mail, alert_mail. Tiers and files have been read. */
int config_on_read(struct config_reader *r);

/* A section inside an on. */
int config_action_read(
    struct config_reader *r, enum action_kind kind, struct action *out);
/* What new leaves out it takes from old, the action of that name further up,
 * or NULL; what has to be there then is. */
int config_action_adopt(
    struct config_reader *r, const struct action *old, struct action *new);
/* The key url. names: placeholders that its path may have; NULL: none. */
int config_url_read(
    struct config_reader *r, const char *const *names, const char **out);
/* names: placeholders that a text of it may have. */
int config_http_read(
    struct config_reader *r, const char *const *names, struct action *out);

/* ---- values --------------------------------------------------------------- */

/* Reads what the table says into the struct that its offsets are of. What has
 * neither value nor default stays as it is. */
int config_fill(struct config_reader *r, void *out);
/* The same of one key. */
int config_fill_key(struct config_reader *r, const char *key, void *out);

/* The values of a key of type CONFIG_SECRETS, then those of key_file, one
 * secret per file. */
int config_secret_read(struct config_reader *r, const struct config_key *key,
    struct config_list *out);

/* The first section of that name that stands outside of all; NULL: none. */
const struct config_section *
config_section(const struct config_reader *r, const char *name);

/* The key's value, else its default, else STR_NONE. It is ended by a NUL. */
struct str config_text(const struct config_reader *r, const char *key);

/* All values of a key, or an entry without any. */
const struct config_entry *
config_values(const struct config_reader *r, const char *key);

/* An array of their texts; NULL: no memory. */
struct str *
config_texts(struct config_reader *r, const struct config_entry *list);

/* Is it the example of a manual rather than a value: "…", "<token>"? */
int config_is_placeholder(struct str s);
/* Is it made of A-Z a-z 0-9 and of these, and not empty? */
int config_has_only(struct str s, const char *more);
int config_is_digits(struct str s, const char *more); /* of 0-9 and these */
/* A path from the top of at most max bytes: names with single slashes, none at
 * the end? */
int config_is_path(struct str s, size_t max);

/* ---- what is wrong with them ---------------------------------------------- */

/* The line of the key's nth value, from 0; the key's own when there are fewer;
 * that of the section without the key, 1 without the section. */
int config_line(const struct config_reader *r, const char *key, size_t n);

/* Sets ERR_CONFIG with the line of the first value. Returns -1. */
int config_refuse(struct config_reader *r, const char *key, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* The same: key is 'this', 'that' or 'another', and the advice or NULL. */
int config_refuse_word(struct config_reader *r, const char *key,
    const char *words, const char *advice);
int config_no_memory(const struct config_reader *r); /* -1 */

enum { CONFIG_WARNINGS_MAX = 32 };

/* Adds to config.warnings "file:line: …"; line 0: without both. Past CONFIG_WARNINGS_MAX, or without
 * memory, it is dropped. */
void config_warn(struct config_reader *r, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, of config.problems: for what lies outside of the file, and can
 * change under a running program. */
void config_problem(struct config_reader *r, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Warns where the program a key names cannot be run by who reads this. */
void config_warn_program(
    struct config_reader *r, int line, const char *key, const char *path);

/* ---- files ---------------------------------------------------------------- */

/* path as seen from the config's folder, absolute. NULL: no memory. */
const char *config_path(struct config_reader *r, const char *path);

/* The whole of a regular file of at most max bytes, and its mode. The error
 * holds the reason alone. */
int config_slurp(struct arena *a, const char *path, size_t max,
    struct str *text, unsigned *mode, struct err *e);

#endif
