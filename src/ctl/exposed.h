#ifndef CTL_EXPOSED_H
#define CTL_EXPOSED_H

#include "config/config.h"

/* What the settings, and those of nginx in that file, leave open to an attack,
 * for gatepost check. Tells say of each finding: a problem, or else a note; text
 * lives in the arena. */
typedef void exposed_fn(void *arg, int is_problem, const char *text);
void exposed_look(const struct config *c, const char *nginx, struct arena *a,
    exposed_fn *say, void *arg);

#define EXPOSED_NGINX "/etc/nginx/nginx.conf"

#endif
