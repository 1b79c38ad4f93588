#include "cgi/ask/herald.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/time.h"

enum {
	WAIT_MS = 200, /* so long may a stop take */
	ALIVE_MS = 10000, /* a dead connection would tell nothing */
	AGAIN_MS = 1000,
};

struct herald {
	const char *url;
	struct publish *publish;
	pthread_t thread;
	atomic_int stop;
	int failing; /* said so already */
};

/* Until the connection fails, or it is time to stop. */
static int
listen_on(struct herald *h, struct store *s, struct err *e)
{
	int64_t checked = time_ticks();
	if (store_listen(s, e) != 0)
		return -1;
	h->failing = 0;
	/* what was committed meanwhile */
	publish_wake(h->publish);
	while (!atomic_load(&h->stop)) {
		int heard;
		if (store_heard(s, WAIT_MS, &heard, e) != 0)
			return -1;
		if (heard)
			publish_wake(h->publish);
		if (time_ticks() - checked < ALIVE_MS)
			continue;
		checked = time_ticks();
		if (store_alive(s, e) != 0)
			return -1;
	}
	return 0;
}

static void
pause_for(const struct herald *h, int ms)
{
	struct timespec t = { .tv_nsec = WAIT_MS * 1000000L };
	for (; ms > 0 && !atomic_load(&h->stop); ms -= WAIT_MS)
		nanosleep(&t, NULL);
}

static void *
herald_main(void *arg)
{
	struct herald *h = arg;
	while (!atomic_load(&h->stop)) {
		struct err e = { .code = ERR_NONE };
		struct store *s = NULL;
		int rc = store_open(h->url, STORE_READ, &s, &e);
		if (rc == 0) {
			store_patience(s, AGAIN_MS);
			rc = listen_on(h, s, &e);
		}
		store_close(s);
		if (rc == 0)
			break;
		if (!h->failing)
			log_line(LOG_WARNING,
			    "listen_url: %s; looking twice a second", e.text);
		h->failing = 1;
		pause_for(h, AGAIN_MS);
	}
	return NULL;
}

int
herald_start(const struct config *config, struct publish *pub,
    struct herald **out, struct err *e)
{
	*out = NULL;
	if (config->listen_url == NULL)
		return 0;
	struct herald *h = memory_new(sizeof(*h));
	h->url = config->listen_url;
	h->publish = pub;
	if (pthread_create(&h->thread, NULL, herald_main, h) != 0) {
		free(h);
		return err_set(e, ERR_SYSTEM, "no thread for listen_url");
	}
	*out = h;
	return 0;
}

void
herald_stop(struct herald *h)
{
	if (h == NULL)
		return;
	atomic_store(&h->stop, 1);
	pthread_join(h->thread, NULL);
	free(h);
}
