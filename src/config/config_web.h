#ifndef CONFIG_CONFIG_WEB_H
#define CONFIG_CONFIG_WEB_H

#include "config/config_reader.h"

/* The keys that are about browsers, checked and copied into r->config:
 * cookie_domain, allow_origin, signin and the sections buy. public_url, the secrets
 * and the platforms have been read. 0, or -1 with ERR_CONFIG "file:line: …". */
int config_web_read(struct config_reader *r, cfg_t *cfg);

#endif
