#include "fold/column.h"

struct str
project_column(struct arena *a, struct str s)
{
	return s.p == NULL ? s : str_clean_utf8(a, s, 1);
}
