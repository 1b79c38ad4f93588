#include "follow/share.h"

void
share_close(struct share *s)
{
	store_close(s->store);
	s->store = NULL;
}

int
share_with(struct share *s, share_fn *fn, void *arg, struct err *e)
{
	int rc = 0;
	pthread_mutex_lock(&s->lock);
	if (s->store == NULL)
		rc = store_open(s->database, s->mode, &s->store, e);
	if (rc == 0) {
		store_patience(s->store, SHARE_PATIENCE_MS);
		rc = fn(s->store, arg, e);
		if (rc != 0 && e->code == ERR_DB)
			share_close(s);
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}
