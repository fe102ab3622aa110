// SPDX-License-Identifier: GPL-2.0-only
/* Exercise 4: connections are accepted in a thread, shown and closed */
#include "lab.h"

#define PORT	60000
#define TEXT	"connection established to "

static const char *accepts(void)
{
	unsigned int local, seen;
	const char *line;
	char buffer[16];
	int fd, ret;

	fd = tcp_connect("127.0.0.1", PORT, &local);
	if (fd < 0)
		return hint("connect() to 127.0.0.1:%u: %s", PORT,
			    strerror(-fd));
	line = log_line(TEXT, LIMIT_MS);
	if (!line) {
		ret = read_all(fd, buffer, sizeof(buffer), 0);
		close(fd);
		return ret == -ETIMEDOUT ?
		       hint("no line \"" TEXT "...\" in the kernel log: has the thread called kernel_accept()?") :
		       hint("the connection was closed, and there is no line \"" TEXT "...\" in the kernel log");
	}
	close(fd);
	if (sscanf(strstr(line, TEXT), TEXT "127.0.0.1:%u", &seen) != 1)
		return hint("the line should end with the peer's address and port, as in \"" TEXT "127.0.0.1:%u\"",
			    local);
	if (seen == local)
		return NULL;
	if (seen == swapped(local))
		return hint("the log shows port %u, which is %u with its bytes swapped: ntohs(), or %%pISpc",
			    seen, local);
	if (seen == PORT || seen == swapped(PORT))
		return hint("the log shows the module's own port %u: the peer's is what kernel_getpeername() tells",
			    PORT);
	return hint("the log shows port %u, the client's is %u", seen, local);
}

static const char *closes(void)
{
	char buffer[16];
	int fd, ret;

	fd = tcp_connect("127.0.0.1", PORT, NULL);
	if (fd < 0)
		return hint("connect() to 127.0.0.1:%u: %s", PORT,
			    strerror(-fd));
	ret = read_all(fd, buffer, sizeof(buffer), LIMIT_MS);
	close(fd);
	if (ret == -ETIMEDOUT)
		return hint("the client does not see the end of the connection: sock_release() what kernel_accept() made");
	if (ret < 0)
		return hint("the client receives: %s", strerror(-ret));
	return NULL;
}

static const char *one_after_the_other(void)
{
	int fds[3], i, count;
	long end;

	for (i = 0; i < 3; i++) {
		fds[i] = tcp_connect("127.0.0.1", PORT, NULL);
		if (fds[i] < 0)
			return hint("connect() number %d: %s", i + 1,
				    strerror(-fds[i]));
	}
	end = now_ms() + LIMIT_MS;
	for (count = 0; count < 3 && now_ms() < end; sleep_ms(10))
		count += log_count(TEXT);
	for (i = 0; i < 3; i++)
		close(fds[i]);
	if (count != 3)
		return hint("of 3 connections the log shows %d: the thread accepts in a loop", count);
	return NULL;
}

/* How long the processors were in the kernel, in 1/100 s, and not idle */
static long system_time(void)
{
	FILE *file = fopen("/proc/stat", "r");
	long ticks = 0;

	if (!file || fscanf(file, "cpu %*d %*d %ld", &ticks) != 1)
		ticks = 0;
	if (file)
		fclose(file);
	return ticks;
}

static const char *no_spin(void)
{
	long begin = now_ms(), ticks = system_time();

	sleep_ms(500);
	ticks = system_time() - ticks;
	if (ticks * 10 > (now_ms() - begin) / 2)
		return hint("the thread uses the processor all the time while nobody connects: kernel_accept() with flags 0 sleeps; after an error sleep as well");
	return NULL;
}

/* Unloaded while clients wait in the queue and the thread in accept() */
static const char *again(void)
{
	const char *why;
	int fd;

	why = load("");
	if (why)
		return why;
	fd = tcp_connect("127.0.0.1", PORT, NULL);
	why = unload();
	if (fd >= 0)
		close(fd);
	return why ?: sockets_left();
}

static const struct point points[] = {
	{ "a connection is shown with its peer", accepts },
	{ "and closed", closes },
	{ "more connections, one after the other", one_after_the_other },
	{ "the thread sleeps while nobody connects", no_spin },
	{ "rmmod returns", point_unload, true },
	{ "no thread is left", point_no_thread, true },
	{ "no socket is left", point_nothing_left },
	{ "loaded again, unloaded right after a connection", again },
	{}
};

const struct exercise accept_exercise = {
	.name = "4-accept",
	.points = points,
};
