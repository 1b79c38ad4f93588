#ifndef CORE_CONFIG_SECRET_H
#define CORE_CONFIG_SECRET_H

#include <confuse.h>

#include "core/config.h"
#include "core/config_scan.h"

/* What config.c and config_secret.c know while a file is read. */
struct config_reader {
	struct config *config;
	struct arena *arena; /* the config's */
	const char *file;
	const char *folder; /* of the file, absolute */
	struct config_scan scan;
	int secret_line; /* where the file itself holds one; 0: nowhere */
	struct err *e;
};

enum {
	CONFIG_SECRETS_MAX = 16, /* of one kind: a rotation takes two */
	CONFIG_SECRET_BYTES_MAX = 4096,
	CONFIG_WARNINGS_MAX = 32,
};

struct config_secret_kind {
	const char *section; /* NULL: outside of all */
	const char *key;
	size_t min; /* bytes; shorter is refused */
	size_t few; /* bytes; shorter is warned of; 0: never */
};

/* The values of a key, then those of key_file, one secret per file. */
int config_secret_read(struct config_reader *r, cfg_t *section,
    const struct config_secret_kind *kind, struct config_list *out);

/* Is it the example of a manual rather than a value: "…", "<token>"? */
int config_is_placeholder(struct str s);

/* The line of the key's nth value, the key's own when there are fewer. */
int config_line(const struct config_reader *r, const char *section, size_t nth,
    const char *key, size_t value);

/* path as seen from the config's folder, absolute. NULL: no memory. */
const char *config_path(struct config_reader *r, const char *path);

void config_warn(struct config_reader *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The whole of a regular file of at most max bytes, and its mode. 0, or -1
 * with the reason. */
int config_slurp(struct arena *a, const char *path, size_t max,
    struct str *text, unsigned *mode, struct err *e);

#endif
