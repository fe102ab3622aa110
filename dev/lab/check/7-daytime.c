// SPDX-License-Identifier: GPL-2.0-only
/* Exercises 7 and 8: whoever connects to port 13 receives the time */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "lab.h"

#define PORT	13
#define BURST	50

/* Connect and compare what comes; for a child: 0, -errno or a code below */
enum answer { GOOD, NO_END, BAD_TEXT, OLD_TIME };

static char text[128];

static int ask(const char *address)
{
	time_t before = time(NULL), after, said;
	struct tm tm = {};
	int fd, len, n = 0;

	fd = tcp_connect(address, PORT, NULL);
	if (fd < 0)
		return fd;
	text[0] = 0;
	len = read_all(fd, text, sizeof(text) - 1, LIMIT_MS);
	close(fd);
	if (len == -ETIMEDOUT && text[0])
		return NO_END;
	if (len <= 0)
		return len ?: BAD_TEXT;
	after = time(NULL);
	text[len] = 0;
	if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d UTC\r%n", &tm.tm_year,
		   &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min,
		   &tm.tm_sec, &n) != 6 || !n ||
	    strcmp(text + strlen(text) - 2, "\r\n"))
		return BAD_TEXT;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	said = timegm(&tm);
	return said < before - 2 || said > after + 2 ? OLD_TIME : GOOD;
}

static const char *explain(int ret, const char *address)
{
	switch (ret) {
	case GOOD:
		return NULL;
	case NO_END:
		return hint("the time comes, and the stream does not end: sock_release() what kernel_accept() made");
	case BAD_TEXT:
		for (char *c = text; *c; c++)
			if (*c == '\r' || *c == '\n')
				*c = '$';
		return hint("what comes is \"%s\", and should be \"2026-11-29 13:00:00 UTC\" with \"\\r\\n\" at its end",
			    text);
	case OLD_TIME:
		return hint("the time is wrong: %.19s. ktime_get_real_seconds() is the time of the clock, ktime_get_seconds() that since the boot",
			    text);
	case -ECONNREFUSED:
		return hint("connect() to %s port %u: %s: does a socket listen there?",
			    address, PORT, strerror(-ret));
	case -ETIMEDOUT:
		return hint("%s port %u takes the connection, and nothing comes: is the callback set before kernel_listen(), does it queue the work, does the work accept?",
			    address, PORT);
	case -EINTR:
		return died("the client");
	default:
		return hint("a connection to %s port %u: %s", address, PORT,
			    strerror(-ret));
	}
}

static const char *answers(void)
{
	return explain(ask("127.0.0.1"), "127.0.0.1");
}

static void write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "labcheck: %s: %s\n", path, strerror(errno));
	close(fd);
}

/*
 * Many connections before the work item can run once: it runs on the processor
 * that this program keeps, until it waits.
 */
static const char *burst(void)
{
	static const char mask[] =
		"/sys/devices/virtual/workqueue/cpumask";
	struct sched_param high = { .sched_priority = 50 }, normal = {};
	int fds[BURST], i, ret, bad = 0, first = 0;
	cpu_set_t one, all;

	write_file(mask, "1");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_getaffinity(0, sizeof(all), &all);
	sched_setaffinity(0, sizeof(one), &one);
	sched_setscheduler(0, SCHED_FIFO, &high);
	for (i = 0; i < BURST; i++)
		fds[i] = tcp_connect("127.0.0.1", PORT, NULL);
	sched_setscheduler(0, SCHED_OTHER, &normal);
	sched_setaffinity(0, sizeof(all), &all);
	write_file(mask, "3");
	for (i = 0; i < BURST; i++) {
		/* Once one was not answered, the others have had their time */
		ret = fds[i] < 0 ? fds[i] :
		      read_all(fds[i], text, sizeof(text), bad ? 0 : LIMIT_MS);
		if (ret <= 0) {
			bad++;
			first = first ?: ret;
		}
		close(fds[i]);
	}
	if (!bad)
		return NULL;
	return hint("of %d connections that come at the same time %d have no answer (%s). A work item that is queued already is not queued again: accept until there is nothing more",
		    BURST, bad, strerror(-first));
}

static int client(void *address)
{
	return ask(address);
}

static const char *after_unload(void)
{
	int ret = in_child(client, "127.0.0.1", LIMIT_MS, NULL, 0);

	if (ret == -ECONNREFUSED)
		return NULL;
	if (ret == -EINTR)
		return hint("the kernel called the callback after its code was unloaded: the exit function restores it and releases the listener");
	return hint("after rmmod a connection to port %u is not refused: the listener is still there", PORT);
}

/* Clients that come all the time, in a process of their own */
static pid_t clients(const char *address, const char *ns)
{
	pid_t pid = fork();
	char path[64];
	int fd;

	if (pid)
		return pid;
	if (ns) {
		snprintf(path, sizeof(path), "/run/netns/%s", ns);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || setns(fd, CLONE_NEWNET))
			_exit(1);
		close(fd);
	}
	for (;;) {
		fd = tcp_connect(address, PORT, NULL);
		if (fd < 0) {
			sleep_ms(1);
			continue;
		}
		/* Half of them leave before the answer */
		if (fd % 2)
			recv(fd, text, sizeof(text), MSG_DONTWAIT);
		close(fd);
	}
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static const char *busy(void)
{
	pid_t one = clients("127.0.0.1", NULL), two = clients("127.0.0.1", NULL);
	const char *why;
	int i;

	for (i = 0, why = NULL; i < 4 && !why; i++) {
		if (!loaded())
			why = load("");
		sleep_ms(100);
		if (!why)
			why = unload();
	}
	stop(one);
	stop(two);
	return why;
}

static const struct point daytime_points[] = {
	{ "a client receives the time", answers, true },
	{ "so do many that come at the same time", burst },
	{ "rmmod returns while clients come", busy, true },
	{ "a connection after rmmod is refused", after_unload, true },
	{ "no socket is left", point_nothing_left },
	{}
};

const struct exercise daytime_exercise = {
	.name = "7-daytime",
	.points = daytime_points,
};

/* Exercise 8 */

struct visit {
	const char *ns;
	const char *address;
};

static int do_visit(void *arg)
{
	struct visit *visit = arg;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", visit->ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		return -errno;
	close(fd);
	return ask(visit->address);
}

static const char *visit(const char *ns, const char *address)
{
	struct visit v = { .ns = ns, .address = address };
	int ret = in_child(do_visit, &v, 2 * LIMIT_MS, NULL, 0);
	const char *why = ret == BAD_TEXT || ret == OLD_TIME ?
			  hint("the answer is not the time") :
			  explain(ret, address);

	return why ? hint("in the namespace \"%s\": %s", ns, strdup(why)) : NULL;
}

static const char *add_ns(const char *ns)
{
	if (command("ip netns add %s && ip -n %s link set lo up", ns, ns))
		return hint("a namespace cannot be made: an init operation that fails prevents it");
	return NULL;
}

static const char *make_namespaces(void)
{
	command("ip netns del before; ip netns del later; ip netns del busy");
	return add_ns("before");
}

static const char *on_ipv6(void)
{
	int ret = ask("::1");

	if (ret == -ECONNREFUSED)
		return hint("::1 port %u refuses, 127.0.0.1 does not: an IPv6 socket bound to :: takes both, an IPv4 socket only one",
			    PORT);
	return explain(ret, "::1");
}

static const char *in_one_before(void)
{
	return visit("before", "127.0.0.1") ?: visit("before", "::1");
}

static const char *in_one_later(void)
{
	return add_ns("later") ?: visit("later", "127.0.0.1") ?:
	       visit("later", "::1");
}

/* With a number in this namespace: it is there as long as the other lives */
static const char *ends(void)
{
	long end = now_ms() + LIMIT_MS;

	if (command("ip netns set later 7") || command("ip netns del later"))
		return hint("ip netns del fails");
	while (now_ms() < end) {
		if (command("ip netns list-id nsid 7 | grep -q nsid"))
			return NULL;
		sleep_ms(20);
	}
	return hint("a namespace that was deleted is still there: who holds a reference on it? A listener must not (no sk_net_refcnt_upgrade(), no get_net()), and the exit operation must come to its end");
}

static const char *busy_everywhere(void)
{
	const char *why = add_ns("busy");
	pid_t one, two, three;
	int i;

	if (why)
		return why;
	one = clients("127.0.0.1", NULL);
	two = clients("::1", "before");
	three = clients("127.0.0.1", "busy");
	for (i = 0; i < 3 && !why; i++) {
		if (!loaded())
			why = load("");
		sleep_ms(100);
		if (i == 1)
			command("ip netns del busy");
		if (!why)
			why = unload();
		if (i == 1)
			stop(three);
	}
	if (i < 2)
		stop(three);
	stop(two);
	stop(one);
	return why;
}

static void delete_namespaces(void)
{
	command("ip netns del before; ip netns del later; ip netns del busy");
}

static const struct point netns_points[] = {
	{ "a client receives the time", answers, true },
	{ "over IPv6 too", on_ipv6 },
	{ "in a namespace that was there before", in_one_before },
	{ "in a namespace that is made later", in_one_later },
	{ "a namespace can end", ends },
	{ "rmmod returns while clients come everywhere", busy_everywhere, true },
	{ "a connection after rmmod is refused", after_unload, true },
	{ "no socket is left", point_nothing_left },
	{}
};

const struct exercise netns_exercise = {
	.name = "8-netns",
	.in_use = "In each namespace the socket is made in \"net\", not in init_net, which would have the same port twice",
	.prepare = make_namespaces,
	.points = netns_points,
	.finish = delete_namespaces,
};
