#ifndef CONFIG_CONFIG_TREE_H
#define CONFIG_CONFIG_TREE_H

#include "config/config_reader.h"

/* What libConfuse has parsed, checked key by key and copied into r->config.
 * 0, or -1 with ERR_CONFIG "file:line: …". */
int config_tree_read(struct config_reader *r, cfg_t *cfg);

#endif
