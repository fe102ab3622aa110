// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages, signals and files of /proc, for all commands.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "knetdemo.h"

/*
 * Print text from a server, a process or a URL. Characters that a terminal
 * could interpret as commands are escaped.
 */
void put_clean(const char *s, FILE *to)
{
	size_t left = strlen(s);
	mbstate_t state = {};
	wchar_t wide;
	size_t n;

	for (; left; s += n, left -= n) {
		n = mbrtowc(&wide, s, left, &state);
		if (n > left || !iswprint(wide)) {
			memset(&state, 0, sizeof(state));
			n = 1;
			fprintf(to, "\\%03o", (unsigned char)*s);
		} else {
			fwrite(s, 1, n, to);
		}
	}
}

static void vsay(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		return;
	fputs("knetdemo: ", stderr);
	put_clean(text, stderr);
	fputc('\n', stderr);
	free(text);
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
}

void die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
	exit(status);
}

void note(const char *format, ...)
{
	va_list args;

	if (quiet)
		return;
	va_start(args, format);
	vsay(format, args);
	va_end(args);
}

/* Copy a string, or exit */
char *copy_of(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		die(EXIT_OTHER, "%s", strerror(errno));
	return copy;
}

/* Exit if something that was printed could not be written, now or before */
void flush_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		die(EXIT_OTHER, "the output cannot be written");
}

atomic_int caught;
bool quiet;

/*
 * The signal interrupts a waiting system call. It can also arrive just before
 * that call, so an alarm repeats it until the program has noticed.
 */
static void on_signal(int sig)
{
	if (sig != SIGALRM)
		caught = sig;
	alarm(1);
}

/* Only interrupts the waiting system call; the other thread repeats it */
static void on_poke(int sig)
{
}

/* A signal that is ignored stays so, for nohup */
void catch_signal(int sig, void (*handler)(int), struct sigaction *old)
{
	struct sigaction act = { .sa_handler = handler };

	sigaction(sig, NULL, old);
	if (old->sa_handler != SIG_IGN)
		sigaction(sig, &act, NULL);
}

void catch_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
				       SIGALRM };
	struct sigaction old;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		catch_signal(signals[i], on_signal, &old);
	/* progress.c sends this, so it must not be ignored */
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_poke }, NULL);
}

int open_device(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die(EXIT_DEVICE, "%s: %s%s", DEVICE, strerror(errno),
		    errno == ENOENT ? " (is the module loaded?)" : "");
	return fd;
}

double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

long long read_number(const char *dir, const char *name)
{
	long long n = -1;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", dir, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%lld", &n) != 1)
		n = -1;
	fclose(file);
	return n;
}

FILE *open_proc(const char *name)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), PROC "%s", name);
	file = fopen(path, "re");
	if (!file)
		die(EXIT_DEVICE, "%s: %s", path, strerror(errno));
	return file;
}

/* Print a line of one of our files in /proc */
void put_line(const char *line)
{
	char *copy = copy_of(line + strspn(line, " "));

	copy[strcspn(copy, "\n")] = '\0';
	put_clean(copy, stdout);
	putchar('\n');
	free(copy);
}
