#ifndef STORE_DB_SQLITE_SWAP_H
#define STORE_DB_SQLITE_SWAP_H

#include "base/err.h"

/*
 * Puts the database file `fresh` in the place of the one at `where`; that one,
 * with its log, is renamed to `kept`, all in one folder. *had says whether
 * there was one. Nothing of it may be open in this process, and fresh must
 * have no log. Deliveries by plain CGI wait meanwhile.
 *
 * ERR_BUSY: another process has the database open; then nothing is changed.
 * ERR_SYSTEM: a file cannot be renamed; what was renamed is put back.
 */
int db_swap(const char *where, const char *fresh, const char *kept, int *had,
    struct err *e);

#endif
