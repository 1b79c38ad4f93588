#ifndef CONFIG_CONFIG_SECRET_H
#define CONFIG_CONFIG_SECRET_H

#include "config/config_reader.h"

enum {
	CONFIG_SECRETS_MAX = 16, /* of one kind: a rotation takes two */
	CONFIG_SECRET_BYTES_MAX = 4096,
};

struct config_secret_kind {
	const char *section; /* NULL: outside of all */
	const char *key;
	size_t min; /* bytes; shorter is refused */
	size_t few; /* bytes; shorter is warned of; 0: never */
	size_t nth; /* of the sections of that name */
};

/* The values of a key, then those of key_file, one secret per file. */
int config_secret_read(struct config_reader *r, cfg_t *section,
    const struct config_secret_kind *kind, struct config_list *out);

/* Is it the example of a manual rather than a value: "…", "<token>"? */
int config_is_placeholder(struct str s);

#endif
