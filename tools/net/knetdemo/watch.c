// SPDX-License-Identifier: GPL-2.0-only
/*
 * knetdemo watch: show connections as they are opened.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "knetdemo.h"

/* Lines of the file, which read() may return in parts */
struct lines {
	int fd;
	unsigned long long lost;
	size_t len;
	char text[16384];
};

/*
 * Print the lines since the last call. Returns false when there are no more, or
 * after a signal.
 */
static bool print_new(struct lines *l)
{
	unsigned long long lost;
	char *line = l->text, *end;
	ssize_t n;

	n = read(l->fd, l->text + l->len, sizeof(l->text) - 1 - l->len);
	if (n < 0 && errno != EINTR)
		die(EXIT_DEVICE, PROC "connections: %s", strerror(errno));
	if (n <= 0)
		return false;
	l->len += n;
	l->text[l->len] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (*line != '#') {
			put_line(line);
			continue;
		}
		/* The kernel only prints such a line after further losses */
		if (sscanf(line, "# attempts %*u read %*u lost %llu",
			   &lost) != 1)
			continue;
		printf("# %llu not seen: the ring was too small\n",
		       lost - l->lost);
		l->lost = lost;
	}
	l->len -= line - l->text;
	memmove(l->text, line, l->len);
	return true;
}

/* The first line has the names of the columns */
static void print_columns(struct lines *l)
{
	ssize_t n = read(l->fd, l->text, sizeof(l->text) - 1);

	if (n < 0)
		die(EXIT_DEVICE, PROC "connections: %s", strerror(errno));
	l->text[n] = '\0';
	put_line(l->text);
}

int watch(void)
{
	struct lines l = { .fd = open(PROC "connections",
				      O_RDONLY | O_CLOEXEC) };
	struct pollfd pfd = { .fd = l.fd, .events = POLLIN };

	if (l.fd < 0)
		die(EXIT_DEVICE, PROC "connections: %s", strerror(errno));
	catch_signals();
	if (read_number(SYSCTL, "monitor") == 0)
		say("the monitor is off: sysctl net.knetdemo.monitor=1");
	print_columns(&l);
	/* Skip the connections that are there already */
	if (lseek(l.fd, 0, SEEK_HOLE) < 0)
		die(EXIT_DEVICE, PROC "connections: %s", strerror(errno));
	flush_output();
	while (!caught) {
		while (print_new(&l) && !caught)
			;
		flush_output();
		poll(&pfd, 1, -1);
	}
	return EXIT_SIGNAL;
}
