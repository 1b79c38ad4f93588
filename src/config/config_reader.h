#ifndef CONFIG_CONFIG_READER_H
#define CONFIG_CONFIG_READER_H

#include "config/config.h"
#include "config/config_scan.h"

/* What is known while a file is read, and what its readers share. */
struct config_reader {
	struct config *config;
	struct arena *arena; /* the config's */
	const char *file;
	const char *folder; /* of the file, absolute */
	struct config_scan scan;
	int secret_line; /* where the file itself holds one; 0: nowhere */
	struct err *e;
};

enum { CONFIG_WARNINGS_MAX = 32 };

/* The line of the key's nth value, the key's own when there are fewer, that
 * of its section without the key. */
int config_line(const struct config_reader *r, const char *section, size_t nth,
    const char *key, size_t value);

/* path as seen from the config's folder, absolute. NULL: no memory. */
const char *config_path(struct config_reader *r, const char *path);

/* Past CONFIG_WARNINGS_MAX, or without memory, it is dropped. */
void config_warn(struct config_reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same, of config.problems: for what lies outside of the file, and can
 * change under a running program. */
void config_problem(struct config_reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Warns where the program a key names cannot be run by who reads this. */
void config_warn_program(
    struct config_reader *r, int line, const char *key, const char *path);

int config_no_memory(const struct config_reader *r); /* -1 */

/* The whole of a regular file of at most max bytes, and its mode. 0, or -1
 * with the reason alone. */
int config_slurp(struct arena *a, const char *path, size_t max,
    struct str *text, unsigned *mode, struct err *e);

#endif
