#ifndef CONFIG_CONFIG_NAMES_H
#define CONFIG_CONFIG_NAMES_H

#include "config/config.h"

/* What the settings and those who act by them both name. */

/* The names placeholders may have, ended by NULL; the facts of every effect
 * have them all, in this order. */
extern const char *const effect_names[];
/* The two last ones are no facts of a payload: they are made as an effect goes
 * out, for an action that may have them. */
#define EFFECT_DOWNLOAD "download"
#define EFFECT_LINK "link"

/* The target of sign-in links in the outbox, of kind mail. */
#define SIGNIN_TARGET "signin"

/* The section a path below /files belongs to: the longest title that fits;
 * NULL: none. */
const struct config_files *
link_section(const struct config *c, struct str path);

/* The decode options a platform gets from the configuration. */
struct decode_opts
project_opts(const struct config *c, const struct platform *p);

#endif
