#include "setup/database.h"

#include "base/time.h"
#include "commit/project.h"
#include "commit/rebuild.h"

int
database_make(
    const struct config *c, struct arena *a, struct store **out, struct err *e)
{
	struct rebuild_result r = { 0 };
	int made = 0, needed = 0;
	if (store_open(c->database, STORE_CREATE, out, e) != 0 ||
	    store_migrate(*out, &made, e) != 0 ||
	    project_tiers(*out, c, e) != 0 ||
	    rebuild_needed(*out, c, &needed, e) != 0)
		return -1;
	return needed ? rebuild_step(*out, c, time_now(), a, &r, e) : 0;
}
