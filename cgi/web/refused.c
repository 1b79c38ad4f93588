#include "cgi/web/refused.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"

enum {
	KINDS_MAX = 64, /* of words; routes and answers are few */
	TEXT_MAX = 200,
	SHARE_MS = 1000,
};

static struct kind {
	enum log_level level;
	char text[TEXT_MAX];
	int64_t at; /* ticks of its last line */
	int64_t more; /* not told of yet */
} kinds[KINDS_MAX];
static size_t n_kinds;
/* what finds no place: somebody goes through all words there are */
static struct kind others = { .level = LOG_WARNING,
	.text = "requests in other words refused" };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
say_more(struct kind *k, int64_t ticks)
{
	if (k->more == 0)
		return;
	log_line(k->level, "%s: %lld more", k->text, (long long)k->more);
	k->more = 0;
	k->at = ticks;
}

/* With the lock held. A new one takes the place of that which was longest
 * silent, unless that one was heard just now. */
static struct kind *
find(enum log_level level, const char *text, int64_t ticks)
{
	struct kind *oldest = &kinds[0];
	for (size_t i = 0; i < n_kinds; i++) {
		if (strncmp(kinds[i].text, text, TEXT_MAX - 1) == 0)
			return &kinds[i];
		if (kinds[i].at < oldest->at)
			oldest = &kinds[i];
	}
	if (n_kinds == KINDS_MAX && ticks - oldest->at < SHARE_MS)
		return &others;
	struct kind *k = n_kinds < KINDS_MAX ? &kinds[n_kinds++] : oldest;
	say_more(k, ticks);
	*k = (struct kind){ .level = level, .at = ticks - SHARE_MS };
	snprintf(k->text, sizeof(k->text), "%s", text);
	return k;
}

void
refused_log(enum log_level level, const char *text)
{
	int64_t ticks = time_ticks();
	pthread_mutex_lock(&lock);
	struct kind *k = find(level, text, ticks);
	if (k->more > 0 || ticks - k->at < SHARE_MS) {
		k->more++;
	} else {
		log_line(level, "%s", k == &others ? others.text : text);
		k->at = ticks;
	}
	pthread_mutex_unlock(&lock);
}

void
refused_flush(int is_end)
{
	int64_t ticks = time_ticks();
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_kinds; i++)
		if (is_end || ticks - kinds[i].at >= SHARE_MS)
			say_more(&kinds[i], ticks);
	if (is_end || ticks - others.at >= SHARE_MS)
		say_more(&others, ticks);
	pthread_mutex_unlock(&lock);
}
