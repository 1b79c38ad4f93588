#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/arena.h"
#include "setup/ask.h"

/* Questions at a terminal of this test's own: standard input and output are its
 * slave while one is asked, and a child types at its master. */

static int master, slave, out, in;

static void
open_terminal(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	OK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0,
	    "a terminal");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	out = dup(STDOUT_FILENO);
	in = dup(STDIN_FILENO);
}

static void
enter(void)
{
	fflush(stdout);
	dup2(slave, STDIN_FILENO);
	dup2(slave, STDOUT_FILENO);
}

static void
leave(void)
{
	fflush(stdout);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
}

static int
echoes(void)
{
	struct termios t;
	return tcgetattr(slave, &t) == 0 && (t.c_lflag & ECHO) != 0;
}

/* A child that types, without echo once that is off; or a signal. */
static pid_t
types(const char *text, int hidden, int number)
{
	pid_t parent = getpid(), child = fork();
	if (child != 0)
		return child;
	for (int i = 0; hidden && echoes() && i < 1000; i++)
		poll(NULL, 0, 10);
	if (number != 0)
		kill(parent, number);
	else if (write(master, text, strlen(text)) < 0)
		_exit(1);
	_exit(0);
}

/* All that was shown, the echo with it. */
static struct str
shown(struct arena *a)
{
	char *p = arena_alloc(a, 65536);
	size_t n = 0;
	struct pollfd from = { master, POLLIN, 0 };
	while (poll(&from, 1, 50) > 0) {
		ssize_t got = read(master, p + n, 65535 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return (struct str){ p, n };
}

static int
asked(struct arena *a, const struct question *q, const char *text, int number,
    struct str *answer, struct err *e)
{
	*e = (struct err){ .code = ERR_NONE };
	enter();
	pid_t child = types(text, q->is_secret, number);
	int rc = ask_text(a, q, answer, e);
	leave();
	waitpid(child, NULL, 0);
	return rc;
}

static int
holds(struct str s, const char *word)
{
	return memmem(s.p, s.n, word, strlen(word)) != NULL;
}

static void
test_text(struct arena *a)
{
	const struct question q = {
		.what = "Colour", .about = "What for.\n", .preset = "blue"
	};
	const struct question none = { .what = "Colour" };
	struct str answer;
	struct err e;
	test_group("a text");
	OK(asked(a, &q, "  red \n", 0, &answer, &e) == 0, "asked");
	IS(answer, "red", "without blanks around it");
	struct str s = shown(a);
	OK(holds(s, "What for.\r\nColour [blue]: ") && holds(s, "red"),
	    "what is shown");
	OK(asked(a, &q, "\n", 0, &answer, &e) == 0, "Enter");
	IS(answer, "blue", "takes the preset");
	OK(asked(a, &none, "\n", 0, &answer, &e) == 0 && answer.p == NULL,
	    "and nothing where there is none");
	OK(asked(a, &q, "\x04", 0, &answer, &e) != 0 && e.code == ERR_BUSY,
	    "the end of input breaks off");
	shown(a);
}

static void
test_secret(struct arena *a)
{
	const struct question q = {
		.what = "Token", .preset = "none", .is_secret = 1
	};
	struct str answer;
	struct err e;
	test_group("a secret");
	OK(asked(a, &q, "s3cret\n", 0, &answer, &e) == 0, "asked");
	IS(answer, "s3cret", "read");
	OK(!holds(shown(a), "s3cret"), "not shown");
	OK(echoes(), "the echo is on again");
	OK(asked(a, &q, "\n", 0, &answer, &e) == 0 && answer.p == NULL,
	    "Enter: the preset is no secret");
	OK(asked(a, &q, "", SIGINT, &answer, &e) != 0 && e.code == ERR_BUSY &&
		ask_broken == SIGINT,
	    "a signal breaks off");
	OK(echoes(), "the echo is on again");
	ask_broken = 0;
	shown(a);
}

static void
test_yes(struct arena *a)
{
	int yes = 0;
	struct err e = { .code = ERR_NONE };
	test_group("yes or no");
	enter();
	pid_t child = types("perhaps\nNO\n", 0, 0);
	int rc = ask_yes(a, "Go on", 1, &yes, &e);
	leave();
	waitpid(child, NULL, 0);
	OK(rc == 0 && !yes, "no");
	OK(holds(shown(a), "Please type yes or no."), "asked again");
	enter();
	child = types("\n", 0, 0);
	rc = ask_yes(a, "Go on", 1, &yes, &e);
	leave();
	waitpid(child, NULL, 0);
	OK(rc == 0 && yes, "the preset");
	enter();
	int waited = ask_wait(1, &e);
	child = types("\n", 0, 0);
	int typed = ask_wait(10000, &e);
	leave();
	waitpid(child, NULL, 0);
	OK(waited == 0 && typed == 1, "a wait ends with Enter");
}

int
main(void)
{
	struct arena *a = arena_new(16 << 20);
	setvbuf(stdout, NULL, _IOFBF, 65536);
	open_terminal();
	ask_catch_signals();
	test_text(a);
	test_secret(a);
	test_yes(a);
	arena_free(a);
	return test_end();
}
