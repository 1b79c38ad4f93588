#include "setup/ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

volatile int ask_broken;

static void
note_signal(int number)
{
	ask_broken = number;
}

void
ask_catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction act = { .sa_handler = note_signal };
	sigemptyset(&act.sa_mask);
	/* no SA_RESTART: a read ends */
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &act, NULL);
}

int
ask_is_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static int
broken_off(struct err *e)
{
	return err_set(e, ERR_BUSY, "broken off");
}

/* Waits before it reads: a signal that came just before is seen then. */
static int
next_byte(char *c)
{
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
	while (!ask_broken) {
		if (poll(&in, 1, 200) > 0)
			return read(STDIN_FILENO, c, 1) == 1 ? 0 : -1;
	}
	return -1;
}

/* A longer line is cut. */
static int
read_line(char line[ASK_LINE_MAX], struct err *e)
{
	size_t n = 0;
	char c = '\0';
	while (next_byte(&c) == 0) {
		if (c == '\n') {
			line[n] = '\0';
			return 0;
		}
		if (n < ASK_LINE_MAX - 1)
			line[n++] = c;
	}
	memset(line, 0, ASK_LINE_MAX);
	return broken_off(e);
}

/* The same without echo. A stopped program would leave the shell without. */
static int
read_secret(char line[ASK_LINE_MAX], struct err *e)
{
	struct termios old, quiet;
	void (*stop)(int) = signal(SIGTSTP, SIG_IGN);
	int is_terminal = tcgetattr(STDIN_FILENO, &old) == 0;
	if (is_terminal) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		/* what was typed ahead was echoed: it is thrown away */
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	int rc = read_line(line, e);
	if (is_terminal) {
		tcsetattr(STDIN_FILENO, TCSADRAIN, &old);
		fputs("\n", stdout);
	}
	signal(SIGTSTP, stop);
	return rc;
}

int
ask_text(struct arena *a, const struct question *q, struct str *answer,
    struct err *e)
{
	char line[ASK_LINE_MAX];
	if (q->about != NULL)
		printf("\n%s", q->about);
	printf("%s%s", q->what, q->is_secret ? ", not shown as you type" : "");
	if (q->preset != NULL)
		printf(" [%s]", q->preset);
	fputs(": ", stdout);
	fflush(stdout);
	if ((q->is_secret ? read_secret(line, e) : read_line(line, e)) != 0)
		return -1;
	*answer = str_copy(a, str_trim(str_from(line)));
	memset(line, 0, sizeof(line));
	if (answer->n == 0)
		*answer = q->is_secret ? STR_NONE : str_from(q->preset);
	return 0;
}

int
ask_yes(struct arena *a, const char *what, int preset, int *yes, struct err *e)
{
	const struct question q = { .what = what,
		.preset = preset ? "yes" : "no" };
	for (;;) {
		struct str answer;
		if (ask_text(a, &q, &answer, e) != 0)
			return -1;
		if (str_eq_fold(answer, STR("yes")) ||
		    str_eq_fold(answer, STR("y")))
			return *yes = 1, 0;
		if (str_eq_fold(answer, STR("no")) ||
		    str_eq_fold(answer, STR("n")))
			return *yes = 0, 0;
		fputs("Please type yes or no.\n", stdout);
	}
}

int
ask_wait(int ms, struct err *e)
{
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
	char line[ASK_LINE_MAX];
	int n = ask_broken ? -1 : poll(&in, 1, ms);
	if (ask_broken || (n > 0 && read_line(line, e) != 0))
		return broken_off(e);
	return n > 0;
}
