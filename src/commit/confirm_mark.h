#ifndef COMMIT_CONFIRM_MARK_H
#define COMMIT_CONFIRM_MARK_H

#include "config/config.h"
#include "store/store.h"

/* Where the key "confirm" of a platform became 'before': an event by hand that
 * says from when on its sales wait for being read back. In a transaction of its
 * own; nothing where nothing changed. */
int confirm_mark(
    struct store *s, const struct config *c, int64_t now, struct err *e);

#endif
