/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the UDP emitter share: two namespaces with a wire between
 * them, receiving sockets in the far one, and the figures of the run.
 */

#ifndef _KNETDEMO_UDP_TEST_H
#define _KNETDEMO_UDP_TEST_H

#include <arpa/inet.h>
#include <dirent.h>
#include <endian.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <linux/knetdemo.h>
#include "knetdemo_test.h"

#ifndef UDP_GRO
#define UDP_GRO		104
#endif

/* Slow kernels get smaller counts and the same assertions */
static inline long udp_scale(long n, long divisor)
{
	return knd_slow(n, n / divisor);
}

static inline int64_t udp_now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static inline void udp_sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* The namespaces: the emitter is in the one that the test is in */
struct udp_wire {
	int tx;
	int rx;
};

/* A socket bound to @addr and @port, with room for everything */
static inline int udp_socket(const char *addr, int port)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, addr, port);
	int room = 64 << 20;
	int fd;

	fd = socket(ss.ss_family, SOCK_DGRAM, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (bind(fd, (void *)&ss, len)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The same in the far namespace */
static inline int udp_socket_far(struct udp_wire *w, const char *addr,
				 int port)
{
	int fd;

	if (setns(w->rx, CLONE_NEWNET))
		return -1;
	fd = udp_socket(addr, port);
	if (setns(w->tx, CLONE_NEWNET))
		return -1;
	return fd;
}

/* A socket here that sends to where @fd is bound */
static inline int udp_socket_near_to(const char *addr, int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int mine;

	mine = udp_socket(addr, 0);
	if (mine < 0)
		return -1;
	if (getsockname(fd, (void *)&ss, &len) ||
	    connect(mine, (void *)&ss, len)) {
		close(mine);
		return -1;
	}
	return mine;
}

/* One datagram, or -ETIMEDOUT */
static inline int udp_recv(int fd, void *buf, size_t size, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int n;

	n = poll(&pfd, 1, timeout_ms);
	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	n = recv(fd, buf, size, MSG_DONTWAIT | MSG_TRUNC);
	return n < 0 ? -errno : n;
}

/* Discard what has arrived; returns the number of datagrams */
static inline int udp_drain(int fd)
{
	char buf[1];
	int n = 0;

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC) >= 0)
		n++;
	return n;
}

/* Send from one socket to another until something arrives */
static inline int udp_probe(int from, int to, const struct sockaddr *addr,
			    socklen_t len)
{
	char buf[8];

	for (int i = 0; i < 1000; i++) {
		sendto(from, "probe", 5, 0, addr, len);
		if (udp_recv(to, buf, sizeof(buf), 10) == 5)
			return 0;
	}
	return -1;
}

/* To the group of all nodes: over IPv6 that takes longest to be ready */
static inline int udp_probe_all_nodes(int from, int to, int ifindex)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(9),
		.sin6_scope_id = ifindex,
	};

	inet_pton(AF_INET6, "ff02::1", &sin6.sin6_addr);
	return udp_probe(from, to, (void *)&sin6, sizeof(sin6));
}

/*
 * 10.9.0.1/24 and fd09::1/64 on tx0 here, .2 and ::2 on rx0 over there. They
 * know each other, so that no datagram waits for a neighbour to be found, and
 * both ends are seen to pass what they are given.
 */
static inline int udp_wire_open(struct udp_wire *w)
{
	int err, near, far, tx0, rx0;
	char cmd[1024];

	if (knd_unshare_net())
		return -1;
	w->rx = open("/proc/self/ns/net", O_RDONLY);
	if (knd_unshare_net())
		return -1;
	w->tx = open("/proc/self/ns/net", O_RDONLY);
	if (w->rx < 0 || w->tx < 0)
		return -1;
	snprintf(cmd, sizeof(cmd),
		 "rx=/proc/%d/fd/%d; a=02:00:00:00:00:0\n"
		 "echo 0 > /proc/sys/net/ipv6/conf/default/router_solicitations\n"
		 "end() { echo addr add 10.9.0.$1/24 brd + dev $3\n"
		 "echo addr add fd09::$1/64 dev $3 nodad; echo link set $3 up\n"
		 "for n in 10.9.0.$2 fd09::$2; do\n"
		 "echo neigh add $n lladdr $a$2 dev $3 nud permanent; done; }\n"
		 "v='type veth peer name rx0 address'\n"
		 "ip -b - <<< \"link add tx0 address ${a}1 $v ${a}2 netns $rx\n"
		 "$(end 1 2 tx0)\" && nsenter --net=$rx ip -b - <<< \"$(end 2 1 rx0)\"",
		 getpid(), w->rx);
	if (knd_run(cmd))
		return -1;
	near = udp_socket("::", 9);
	far = udp_socket_far(w, "::", 9);
	tx0 = if_nametoindex("tx0");
	setns(w->rx, CLONE_NEWNET);
	rx0 = if_nametoindex("rx0");
	setns(w->tx, CLONE_NEWNET);
	err = udp_probe_all_nodes(near, far, tx0) ?:
	      udp_probe_all_nodes(far, near, rx0);
	close(near);
	close(far);
	return err;
}

static inline void udp_wire_close(struct udp_wire *w)
{
	close(w->rx);
	close(w->tx);
}

/* A line of /proc/net/knetdemo/udp; "" where there is none of that name */
static inline const char *udp_text(const char *name)
{
	static char text[4096];
	char *line, *save;
	size_t len = strlen(name);

	if (knd_read(KND_PROC, "udp", text, sizeof(text)) < 0)
		return "";
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, name, len) && line[len] == ' ')
			return line + len + 1;
	return "";
}

static inline long long udp_number(const char *name)
{
	const char *text = udp_text(name);

	return *text ? atoll(text) : -1;
}

static inline long long udp_wait_number(const char *name, long long want,
					int timeout_ms)
{
	int64_t end = udp_now_ns(CLOCK_MONOTONIC) + timeout_ms * 1000000LL;
	long long value;

	do {
		value = udp_number(name);
		if (value >= want)
			break;
		udp_sleep_ms(1);
	} while (udp_now_ns(CLOCK_MONOTONIC) < end);
	return value;
}

/* Wait for a counted run to be over: 0, or -ETIMEDOUT */
static inline int udp_wait_over(int timeout_ms)
{
	int64_t end = udp_now_ns(CLOCK_MONOTONIC) + timeout_ms * 1000000LL;

	while (strcmp(knd_get("udp"), "0")) {
		if (udp_now_ns(CLOCK_MONOTONIC) > end)
			return -ETIMEDOUT;
		udp_sleep_ms(1);
	}
	return 0;
}

/* Wait until a finished run no longer waits for ICMP errors */
static inline int udp_wait_reports(int timeout_ms)
{
	int64_t end = udp_now_ns(CLOCK_MONOTONIC) + timeout_ms * 1000000LL;

	while (udp_number("waiting")) {
		if (udp_now_ns(CLOCK_MONOTONIC) > end)
			return -ETIMEDOUT;
		udp_sleep_ms(1);
	}
	return 0;
}

/* Number of the emitter's threads, in all namespaces */
static inline int udp_emitters(void)
{
	char path[300], comm[32];
	struct dirent *d;
	int n = 0;
	DIR *dir;
	FILE *f;

	dir = opendir("/proc");
	if (!dir)
		return -1;
	while ((d = readdir(dir))) {
		if (d->d_name[0] < '0' || d->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(comm, sizeof(comm), f) &&
		    !strncmp(comm, "knd-udp/", 8))
			n++;
		fclose(f);
	}
	closedir(dir);
	return n;
}

/* The port of a line such as "10.9.0.1:4242" or "[fd09::1]:4242" */
static inline int udp_port(const char *name)
{
	const char *colon = strrchr(udp_text(name), ':');

	return colon ? atoi(colon + 1) : -1;
}

/*
 * Calls of the socket layer that a run makes once its thread was told to stop,
 * without any clock: events of the emitter and of kthread_stop_put(), before
 * which the thread is told, in the order of a counter.
 */
#define UDP_STOP	KND_TRACING "instances/knd_stop/"
#define UDP_STOP_ON							\
	"echo p:knd_stop/called kthread_stop_put >> " KND_TRACING	\
	"kprobe_events && mkdir " UDP_STOP " && cd " UDP_STOP " && "	\
	"echo 64 > buffer_size_kb && echo counter > trace_clock && "	\
	"echo 1 > events/knd_stop/enable && "				\
	"echo 1 > events/knetdemo/knetdemo_udp_send/enable"

static inline void udp_stop_trace_off(void)
{
	knd_write(UDP_STOP, "events/enable", "0");
	rmdir(UDP_STOP);
	knd_write(KND_TRACING, "kprobe_events", "-:knd_stop/called");
}

static inline int udp_stop_trace_on(void)
{
	udp_stop_trace_off();
	return knd_run(UDP_STOP_ON);
}

/* Number of calls after the thread was told, or -1 where that is not seen */
static inline int udp_calls_after_stop(void)
{
	int calls = -1;
	char line[512];
	FILE *f;

	f = fopen(UDP_STOP "trace", "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (strstr(line, " called: "))
			calls = 0;
		else if (calls >= 0 && strstr(line, " knetdemo_udp_send: "))
			calls++;
	}
	if (f)
		fclose(f);
	return calls;
}

#endif /* _KNETDEMO_UDP_TEST_H */
