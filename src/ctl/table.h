#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include "base/buf.h"

/* Aligned text: rows are collected, then printed with columns as wide as
 * their widest cell. Cells are made visible, so that what a buyer typed
 * cannot move the cursor. */
struct table;

enum { TABLE_COLUMNS_MAX = 16, TABLE_CELL_MAX = 44 };

struct table *
table_new(struct arena *a, const char *const *heads, size_t columns);
void table_cell(struct table *t, struct str s); /* STR_NONE prints "-" */
void table_cell_number(struct table *t, int64_t v); /* INT64_MIN: "-" */
void table_cell_time(struct table *t, int64_t at); /* INT64_MIN: "-" */
void table_print(const struct table *t, struct buf *out);

#endif
