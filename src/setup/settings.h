#ifndef SETUP_SETTINGS_H
#define SETUP_SETTINGS_H

#include "setup/setup_own.h"

/* A new configuration with fresh secrets, of mode 0600, or with a group's id
 * for it, of root and 0640. ERR_CONFLICT: it is there already. */
int settings_make(const char *path, const char *database,
    const char *public_url, const struct user *reader, struct err *e);

/* Finds the configuration, or makes one; nobody else sets up meanwhile. */
int settings_open(struct setup *s, struct err *e);

/* Writes a changed configuration, and reads it. */
int settings_save(struct setup *s, struct err *e);

/* The answers: public_url; the owner's address; what platforms need. Each is
 * written as soon as it is known. */
int settings_public_url(struct setup *s, struct err *e);
int settings_owner(struct setup *s, struct err *e);
int settings_platforms(struct setup *s, struct err *e);

/* Is it an address that Gatepost can be at? *out is it without a slash at the
 * end. ERR_CONFIG: what is wrong with it. */
int settings_check_url(
    struct arena *a, struct str text, const char **out, struct err *e);

#endif
