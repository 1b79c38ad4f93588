#ifndef FOLD_COLUMN_H
#define FOLD_COLUMN_H

#include "base/arena.h"
#include "base/str.h"

/* Text fit for a column: U+FFFD for NUL and for ill-formed bytes. The answer
 * is s itself, or lives in the arena; p NULL stays NULL. */
struct str project_column(struct arena *a, struct str s);

#endif
