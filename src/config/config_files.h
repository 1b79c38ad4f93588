#ifndef CONFIG_CONFIG_FILES_H
#define CONFIG_CONFIG_FILES_H

#include "config/config_reader.h"

enum {
	CONFIG_FILES_MAX = 64, /* sections */
	CONFIG_FILES_TITLE_MAX = 255, /* bytes */
};

/* The files sections, into r->config, whose tiers, database and file are read
 * already. A root that holds what nobody may read is refused: the database,
 * the settings, a secret's file, another section's root but by the same path.
 * 0, or -1 with ERR_CONFIG "file:line: …". */
int config_files_read(struct config_reader *r, cfg_t *root);

#endif
