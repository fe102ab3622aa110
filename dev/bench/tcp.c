// SPDX-License-Identifier: GPL-2.0-only
/*
 * kbench: TCP, the servers that a user would write, and the clients of all.
 *
 * Client and server share the one CPU of the guest. All instructions of both and
 * of the kernel are counted.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kbench.h"

/* RFC 864: lines of 72 out of 95 characters, each line begins one later */
#define CHARGEN_LINE	74
#define CHARGEN_PERIOD	(95 * CHARGEN_LINE)

#define OURS_PORT	60000
#define BULK		(16 * MIB)
/*
 * After this the congestion window and the buffers do not grow any more. A sink
 * has a connection for each sample.
 */
#define WARM_UP		(256 * MIB)
#define SINK_WARM_UP	(64 * MIB)
/*
 * Two tasks on one CPU can alternate in more than one pattern, which a
 * connection keeps: take more samples of more connections.
 */
#define BULK_REPS	5

/* @kind of a case: the server in the low bits, the client's calls above */
enum {
	S_EPOLL, S_BLOCKING, S_SPLICE,
	S_RECV, S_TRUNC,
	S_SEND, S_SENDFILE, S_VMSPLICE,
	S_OURS,
	S_MASK = 0xff,
	C_PLAIN = 0,
	C_SENDFILE = 0x100,
	C_TRUNC = 0x200,
};

static char block[BLOCK + CHARGEN_PERIOD];
static volatile unsigned long long *served;	/* bytes that a sink took */
static struct sockaddr_in server = { .sin_family = AF_INET };
static int conn = -1;
static int pattern_fd = -1;

static void fill_chargen(void)
{
	size_t i, line;

	for (i = 0; i < sizeof(block); i++) {
		line = i / CHARGEN_LINE;
		switch (i % CHARGEN_LINE) {
		case 72:
			block[i] = '\r';
			break;
		case 73:
			block[i] = '\n';
			break;
		default:
			block[i] = ' ' + (line + i % CHARGEN_LINE) % 95;
		}
	}
}

/* The pattern as a file in memory: one period more than a block */
static void make_pattern_file(void)
{
	pattern_fd = open("/tmp/pattern", O_RDWR | O_CREAT | O_TRUNC, 0600);
	kb_need(pattern_fd >= 0 &&
		write(pattern_fd, block, sizeof(block)) == sizeof(block),
		"no pattern file: %s", strerror(errno));
}

/* The servers */

static int listener(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(server);
	int fd, one = 1;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	kb_need(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)) &&
		!listen(fd, 4096) &&
		!getsockname(fd, (struct sockaddr *)&server, &len),
		"no listener: %s", strerror(errno));
	return fd;
}

struct peer {
	int fd;
	size_t from, to;	/* the part of @pending that is not sent */
	char *pending;
};

/* Send the rest; true if nothing is left */
static bool flush(struct peer *p)
{
	ssize_t n;

	while (p->from < p->to) {
		n = send(p->fd, p->pending + p->from, p->to - p->from, 0);
		if (n < 0)
			return false;
		p->from += n;
	}
	return true;
}

/* Echo until a call would block; false when the connection is over */
static bool echo_edge(struct peer *p, uint32_t events)
{
	static char buf[BLOCK];
	ssize_t n, sent;

	if (!flush(p))
		return errno == EAGAIN;
	for (;;) {
		n = recv(p->fd, buf, sizeof(buf), 0);
		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		sent = send(p->fd, buf, n, 0);
		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent < n) {
			sent = sent < 0 ? 0 : sent;
			if (!p->pending)
				p->pending = malloc(BLOCK);
			memcpy(p->pending, buf + sent, n - sent);
			p->from = 0;
			p->to = n - sent;
			if (!flush(p))
				return errno == EAGAIN;
		}
		/* A short read has drained the socket, except before the end */
		if ((size_t)n < sizeof(buf) && !(events & EPOLLRDHUP))
			return true;
	}
}

static void serve_epoll(int lfd)
{
	struct epoll_event ev = { .events = EPOLLIN }, events[64];
	struct peer *p;
	int ep, i, n;

	ep = epoll_create1(0);
	epoll_ctl(ep, EPOLL_CTL_ADD, lfd, &ev);
	for (;;) {
		n = epoll_wait(ep, events, ARRAY_SIZE(events), -1);
		for (i = 0; i < n; i++) {
			p = events[i].data.ptr;
			if (p) {
				if (!echo_edge(p, events[i].events)) {
					close(p->fd);
					free(p->pending);
					free(p);
				}
				continue;
			}
			p = calloc(1, sizeof(*p));
			p->fd = accept4(lfd, NULL, NULL, SOCK_NONBLOCK);
			if (p->fd < 0) {
				free(p);
				continue;
			}
			ev.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
			ev.data.ptr = p;
			epoll_ctl(ep, EPOLL_CTL_ADD, p->fd, &ev);
		}
	}
}

static void echo_blocking(int fd)
{
	static char buf[BLOCK];
	ssize_t n, done, m;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		for (done = 0; done < n; done += m) {
			m = send(fd, buf + done, n - done, 0);
			if (m < 0)
				return;
		}
	}
}

static void echo_splice(int fd, const int *pipes)
{
	ssize_t n, m;

	for (;;) {
		n = splice(fd, NULL, pipes[1], NULL, MIB, SPLICE_F_MOVE);
		if (n <= 0)
			return;
		for (; n; n -= m) {
			m = splice(pipes[0], NULL, fd, NULL, n, SPLICE_F_MOVE);
			if (m <= 0)
				return;
		}
	}
}

static void sink(int fd, int flags)
{
	static char buf[BLOCK];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), flags)) > 0)
		*served += n;
}

static void source_send(int fd)
{
	size_t at = 0;
	ssize_t n;

	while ((n = send(fd, block + at, BLOCK, 0)) > 0)
		at = (at + n) % CHARGEN_PERIOD;
}

static void source_sendfile(int fd)
{
	size_t at = 0;
	off_t off;
	ssize_t n;

	do {
		off = at;
		n = sendfile(fd, pattern_fd, &off, BLOCK);
		at = (at + n) % CHARGEN_PERIOD;
	} while (n > 0);
}

static void source_vmsplice(int fd, const int *pipes)
{
	struct iovec iov;
	size_t at = 0;
	ssize_t n, m;

	for (;;) {
		iov.iov_base = block + at;
		iov.iov_len = BLOCK;
		n = vmsplice(pipes[1], &iov, 1, 0);
		if (n <= 0)
			return;
		at = (at + n) % CHARGEN_PERIOD;
		for (; n; n -= m) {
			m = splice(pipes[0], NULL, fd, NULL, n, SPLICE_F_MOVE);
			if (m <= 0)
				return;
		}
	}
}

static void serve(int kind, int lfd)
{
	int pipes[2];
	int fd;

	if (kind == S_EPOLL)
		serve_epoll(lfd);
	for (;;) {
		fd = accept(lfd, NULL, NULL);
		if (fd < 0)
			continue;
		/* A pipe for each: a reset can leave bytes in it */
		if ((kind == S_SPLICE || kind == S_VMSPLICE) && !pipe(pipes))
			fcntl(pipes[1], F_SETPIPE_SZ, MIB);
		switch (kind) {
		case S_BLOCKING:
			echo_blocking(fd);
			break;
		case S_SPLICE:
			echo_splice(fd, pipes);
			break;
		case S_RECV:
			sink(fd, 0);
			break;
		case S_TRUNC:
			sink(fd, MSG_TRUNC);
			break;
		case S_SEND:
			source_send(fd);
			break;
		case S_SENDFILE:
			source_sendfile(fd);
			break;
		case S_VMSPLICE:
			source_vmsplice(fd, pipes);
			break;
		}
		if (kind == S_SPLICE || kind == S_VMSPLICE) {
			close(pipes[0]);
			close(pipes[1]);
		}
		close(fd);
	}
}

/* Start the server: a process, or knetdemo by its sysctls */
static void start(int kind, const char *service)
{
	int lfd;

	kind &= S_MASK;
	fill_chargen();
	make_pattern_file();
	served = kb_shared(sizeof(*served));
	if (kind == S_OURS) {
		kb_set(KNOB("tcp"), "0");
		kb_set(KNOB("tcp_addr"), "127.0.0.1");
		kb_set(KNOB("tcp_port"), "%d", OURS_PORT);
		kb_set(KNOB("tcp_service"), "%s", service);
		kb_set(KNOB("tcp_backlog"), "4096");
		kb_set(KNOB("tcp_max_conns"), "65536");
		kb_set(KNOB("tcp_max_conns_per_source"), "0");
		kb_set(KNOB("tcp_idle_ms"), "0");
		kb_set(KNOB("tcp"), "1");
		server.sin_port = htons(OURS_PORT);
		server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return;
	}
	lfd = listener();
	if (!fork()) {
		serve(kind, lfd);
		_exit(0);
	}
	close(lfd);
}

/* The clients */

static int dial(void)
{
	struct timeval limit = { .tv_sec = 20 };
	int fd, one = 1;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	kb_need(fd >= 0, "socket: %s", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	kb_need(!connect(fd, (struct sockaddr *)&server, sizeof(server)),
		"connect: %s", strerror(errno));
	return fd;
}

static void send_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	for (; len; buf += n, len -= n) {
		n = send(fd, buf, len, 0);
		kb_need(n > 0, "send: %s", strerror(errno));
	}
}

static void recv_all(int fd, char *buf, size_t len)
{
	ssize_t n;

	for (; len; buf += n, len -= n) {
		n = recv(fd, buf, len, 0);
		kb_need(n > 0, "the server answered nothing: %s",
			n ? strerror(errno) : "end of file");
	}
}

static size_t echo_size;
static char sent[BLOCK], got[BLOCK];

static void echo(unsigned long n)
{
	while (n--) {
		send_all(conn, sent, echo_size);
		recv_all(conn, got, echo_size);
	}
}

/* Compare echoes of bytes that differ from the previous ones */
static void prove_echo(void)
{
	unsigned int i;

	for (i = 0; i < 20; i++) {
		kb_fill(sent, echo_size, i);
		echo(1);
		kb_need(!memcmp(sent, got, echo_size), "wrong echo");
	}
}

static void run_echo(const struct kb_case *c)
{
	unsigned long n = c->size >= BLOCK ? 100 : 300;

	start(c->kind, "echo");
	conn = dial();
	echo_size = c->size;
	prove_echo();
	echo(n / 2);
	kb_measure(echo, n, n);
	prove_echo();
}

static int go[2];

static void stream(unsigned long bytes)
{
	size_t len;

	kb_need(write(go[1], &bytes, sizeof(bytes)) == sizeof(bytes), "pipe");
	for (; bytes; bytes -= len) {
		len = bytes < BLOCK ? bytes : BLOCK;
		recv_all(conn, got, len);
	}
}

static void run_stream(const struct kb_case *c)
{
	unsigned long bytes, n;

	start(c->kind, "echo");
	conn = dial();
	echo_size = BLOCK;
	prove_echo();
	kb_need(!pipe(go), "pipe");
	if (!fork()) {
		while (read(go[0], &bytes, sizeof(bytes)) == sizeof(bytes))
			for (; bytes; bytes -= n) {
				n = bytes < BLOCK ? bytes : BLOCK;
				send_all(conn, sent, n);
			}
		_exit(0);
	}
	stream(8 * MIB);
	kb_need(!memcmp(sent, got, BLOCK), "wrong echo");
	kb_measure(stream, BULK, BULK / MIB);
	kb_need(!memcmp(sent, got, BLOCK), "wrong echo");
}

static void feed(const struct kb_case *c, size_t bytes)
{
	size_t len;
	ssize_t n;
	off_t off;

	for (; bytes; bytes -= n) {
		len = bytes < BLOCK ? bytes : BLOCK;
		off = 0;
		n = c->kind & C_SENDFILE ?
			sendfile(conn, pattern_fd, &off, len) :
			send(conn, block, len, 0);
		kb_need(n > 0, "send: %s", strerror(errno));
	}
}

/* Bytes that the sink has read so far */
static unsigned long long sunk(const struct kb_case *c)
{
	long long n;

	if ((c->kind & S_MASK) != S_OURS)
		return *served;
	n = kb_stat("tcp_bytes_in");
	kb_need(n >= 0, "no tcp_bytes_in");
	return n;
}

static void run_sink(const struct kb_case *c)
{
	unsigned long long before;
	unsigned int i, waited;
	ssize_t n;

	start(c->kind, "discard");
	kb_reps *= BULK_REPS;
	for (i = 0; i < kb_reps; i++) {
		before = sunk(c);
		conn = dial();
		feed(c, SINK_WARM_UP);
		/* Bytes that are still in the socket must not be measured */
		for (waited = 0; sunk(c) - before < SINK_WARM_UP; waited++) {
			kb_need(waited < 10000, "the sink takes nothing");
			kb_nap(1);
		}
		kb_begin();
		feed(c, BULK);
		shutdown(conn, SHUT_WR);
		n = recv(conn, got, 1, 0);
		kb_sample(kb_end() / (BULK / MIB));
		kb_need(n == 0, "no end after the end: %s",
			n < 0 ? strerror(errno) : "data");
		close(conn);
		kb_need(sunk(c) - before == SINK_WARM_UP + BULK,
			"%llu of %lu bytes taken", sunk(c) - before,
			SINK_WARM_UP + BULK);
	}
}

static int recv_flags;

static void take(unsigned long bytes)
{
	size_t len;
	ssize_t n;

	while (bytes) {
		len = bytes < BLOCK ? bytes : BLOCK;
		n = recv(conn, got, len, recv_flags);
		kb_need(n > 0, "the source dried up: %s",
			n ? strerror(errno) : "end of file");
		bytes -= n;
	}
}

/* Check a MiB of lines, each of which begins one character later */
static void prove_chargen(void)
{
	static char text[MIB];
	size_t i, line;
	int want;

	recv_all(conn, text, sizeof(text));
	for (i = 0; i < sizeof(text); i++) {
		line = i / CHARGEN_LINE;
		switch (i % CHARGEN_LINE) {
		case 72:
			want = '\r';
			break;
		case 73:
			want = '\n';
			break;
		default:
			want = ' ' + (text[0] - ' ' + line + i % CHARGEN_LINE) % 95;
		}
		kb_need(text[i] == want, "wrong pattern at byte %zu", i);
	}
}

static void run_source(const struct kb_case *c)
{
	unsigned int i;

	start(c->kind, "chargen");
	for (i = 0; i < BULK_REPS; i++) {
		conn = dial();
		prove_chargen();
		recv_flags = c->kind & C_TRUNC ? MSG_TRUNC : 0;
		take(WARM_UP);
		kb_measure(take, BULK, BULK / MIB);
		close(conn);
	}
}

/* iperf3 on both sides; the bytes that it received are the proof */
static void run_iperf3(const struct kb_case *c)
{
	unsigned long long bytes;
	static char text[65536];
	char command[128], *at;
	unsigned int i;
	double cost;

	kb_need(!access("/usr/bin/iperf3", X_OK), "no iperf3 in the guest");
	snprintf(command, sizeof(command),
		 "iperf3 -c 127.0.0.1 -n %lu -J %s > /tmp/iperf3.json 2>&1",
		 c->size, c->kind & C_TRUNC ? "-R" : "");
	for (i = 0; i < 3; i++) {
		if (system("iperf3 -s -1 -D > /dev/null 2>&1"))
			kb_cannot("iperf3 -s failed");
		kb_nap(500);
		kb_begin();
		if (system(command))
			kb_cannot("iperf3 -c failed");
		cost = kb_end();
		kb_read("/tmp/iperf3.json", text, sizeof(text));
		at = strstr(text, "\"sum_received\"");
		at = at ? strstr(at, "\"bytes\":") : NULL;
		kb_need(at, "no byte count from iperf3");
		bytes = strtoull(at + 8, NULL, 10);
		/* The last bytes may arrive after the receiver's clock stopped */
		kb_need(bytes >= c->size / 100 * 95,
			"iperf3 moved %llu of %zu bytes", bytes, c->size);
		kb_sample(cost / ((double)bytes / MIB));
		kb_nap(500);
	}
}

static void open_close(unsigned long n)
{
	struct timeval limit = { .tv_sec = 5 };
	ssize_t n_read;
	int fd;

	while (n--) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		kb_need(!connect(fd, (struct sockaddr *)&server, sizeof(server)),
			"connect: %s", strerror(errno));
		/*
		 * The server is through with it before the next one comes:
		 * else it takes batches, as large as the scheduler likes
		 */
		shutdown(fd, SHUT_WR);
		n_read = recv(fd, got, 1, 0);
		kb_need(n_read == 0, "no end after the end: %s",
			n_read < 0 ? strerror(errno) : "data");
		close(fd);
	}
}

/* Connections that the kernel completed on the side of the listener */
static unsigned long passive_opens(void)
{
	char text[8192], *at;

	kb_read("/proc/net/snmp", text, sizeof(text));
	at = strstr(text, "\nTcp: ");
	kb_need(at, "no Tcp in snmp");
	at = strstr(at + 1, "\nTcp: ");
	kb_need(at, "no Tcp in snmp");
	/* RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens */
	at += 6;
	strtol(at, &at, 10);
	strtol(at, &at, 10);
	strtol(at, &at, 10);
	strtol(at, &at, 10);
	strtol(at, &at, 10);
	return strtoul(at, NULL, 10);
}

static void run_connect(const struct kb_case *c)
{
	unsigned long before, after, n = 300;

	start(c->kind, "accept");
	open_close(100);
	before = passive_opens();
	kb_measure(open_close, n, n);
	after = passive_opens();
	kb_need(after - before == n * kb_reps, "%lu of %lu connections accepted",
		after - before, n * kb_reps);
	if ((c->kind & S_MASK) == S_OURS) {
		kb_nap(100);
		kb_need(kb_stat("tcp_accepted") >= (long long)(n * kb_reps),
			"tcp_accepted is %lld", kb_stat("tcp_accepted"));
	}
}

/* A round trip while @size connections do nothing */
static void run_crowd(const struct kb_case *c)
{
	size_t i;

	start(c->kind, "echo");
	echo_size = 64;
	for (i = 1; i < c->size; i++) {
		conn = dial();
		/* Wait until it is accepted and not only queued */
		if (i % 64 == 0)
			echo(1);
	}
	conn = dial();
	prove_echo();
	echo(100);
	kb_measure(echo, 300, 300);
}

/* A socket without a peer: the client's half of the memory */
static int dial_nobody(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(9),
	};
	int fd, one = 1;

	fd = socket(AF_INET, SOCK_STREAM, 0);
	kb_need(!setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &one, sizeof(one)) &&
		!connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
		"TCP_REPAIR: %s", strerror(errno));
	return fd;
}

enum { M_EPOLL = S_EPOLL, M_OURS = S_OURS, M_CLIENT = 0x80 };

static void run_memory(const struct kb_case *c)
{
	unsigned long before, after;
	size_t i;
	int fd;

	if (c->kind != M_CLIENT) {
		start(c->kind, "echo");
		echo_size = 64;
		conn = dial();
		prove_echo();
	}
	/* Let descriptor tables grow before the measurement */
	fd = fcntl(0, F_DUPFD, c->size + 16);
	kb_need(fd >= 0, "descriptors: %s", strerror(errno));
	close(fd);
	/* Wait for pages that are freed after a grace period */
	kb_nap(2000);
	before = kb_free_kib();
	for (i = 0; i < c->size; i++) {
		if (c->kind == M_CLIENT) {
			dial_nobody();
			continue;
		}
		conn = dial();
		if (i % 64 == 0 || i == c->size - 1)
			echo(1);
	}
	kb_nap(2000);
	after = kb_free_kib();
	kb_sample(((double)before - after) / c->size);
	if (c->kind != M_CLIENT)
		prove_echo();
}

static void run_tasks(const struct kb_case *c)
{
	unsigned int before, after;
	size_t i;

	kb_nap(100);
	before = kb_tasks();
	start(c->kind, "echo");
	echo_size = 64;
	for (i = 0; i < c->size; i++) {
		conn = dial();
		if (i % 64 == 0 || i == c->size - 1)
			echo(1);
	}
	prove_echo();
	after = kb_tasks();
	kb_sample((int)(after - before));
}

#define RT	"instr/round trip"
#define PER_MIB	"instr/MiB"
#define ECHO(name, size) \
	{ "tcp", name, "epoll", RT, run_echo, S_EPOLL, size }, \
	{ "tcp", name, "blocking recv/send", RT, run_echo, S_BLOCKING, size }, \
	{ "tcp", name, "user splice", RT, run_echo, S_SPLICE, size }, \
	{ "tcp", name, "knetdemo", RT, run_echo, S_OURS, size }
#define SINK(name, client) \
	{ "tcp", name, "recv(64K)", PER_MIB, run_sink, S_RECV | client }, \
	{ "tcp", name, "recv(MSG_TRUNC)", PER_MIB, run_sink, S_TRUNC | client }, \
	{ "tcp", name, "knetdemo", PER_MIB, run_sink, S_OURS | client }
#define SOURCE(name, client) \
	{ "tcp", name, "send(64K)", PER_MIB, run_source, S_SEND | client }, \
	{ "tcp", name, "sendfile", PER_MIB, run_source, S_SENDFILE | client }, \
	{ "tcp", name, "vmsplice", PER_MIB, run_source, S_VMSPLICE | client }, \
	{ "tcp", name, "knetdemo", PER_MIB, run_source, S_OURS | client }
#define CROWD(name, size) \
	{ "tcp", name, "epoll", RT, run_crowd, S_EPOLL, size }, \
	{ "tcp", name, "knetdemo", RT, run_crowd, S_OURS, size }
#define IDLE(n, size) \
	{ "tcp", "memory-" n, "epoll", "KiB/connection", run_memory, M_EPOLL, size }, \
	{ "tcp", "memory-" n, "knetdemo", "KiB/connection", run_memory, M_OURS, size }, \
	{ "tcp", "memory-" n, "client alone", "KiB/connection", run_memory, M_CLIENT, size }, \
	{ "tcp", "tasks-" n, "epoll", "tasks", run_tasks, S_EPOLL, size }, \
	{ "tcp", "tasks-" n, "knetdemo", "tasks", run_tasks, S_OURS, size }

const struct kb_case kb_tcp[] = {
	ECHO("echo-64", 64),
	ECHO("echo-1K", KIB),
	ECHO("echo-16K", 16 * KIB),
	ECHO("echo-64K", 64 * KIB),
	{ "tcp", "echo-stream", "epoll", PER_MIB, run_stream, S_EPOLL },
	{ "tcp", "echo-stream", "blocking recv/send", PER_MIB, run_stream, S_BLOCKING },
	{ "tcp", "echo-stream", "user splice", PER_MIB, run_stream, S_SPLICE },
	{ "tcp", "echo-stream", "knetdemo", PER_MIB, run_stream, S_OURS },
	SINK("discard-send", C_PLAIN),
	{ "tcp", "discard-send", "iperf3", PER_MIB, run_iperf3, 0, 64 * MIB },
	SINK("discard-sendfile", C_SENDFILE),
	SOURCE("chargen-recv", C_PLAIN),
	{ "tcp", "chargen-recv", "iperf3 -R", PER_MIB, run_iperf3, C_TRUNC, 64 * MIB },
	SOURCE("chargen-trunc", C_TRUNC),
	{ "tcp", "connect", "epoll", "instr/connection", run_connect, S_EPOLL },
	{ "tcp", "connect", "blocking accept", "instr/connection", run_connect, S_BLOCKING },
	{ "tcp", "connect", "knetdemo", "instr/connection", run_connect, S_OURS },
	CROWD("crowd-1", 1),
	CROWD("crowd-10", 10),
	CROWD("crowd-100", 100),
	CROWD("crowd-1000", 1000),
	CROWD("crowd-10000", 10000),
	IDLE("1000", 1000),
	IDLE("10000", 10000),
};

const size_t kb_tcp_count = ARRAY_SIZE(kb_tcp);

/*
 * The monitor's two figures: a connection, and a round trip of two packets of a
 * connection. The guest's script has installed a hook before, which KB_WHO
 * names.
 */
static struct kb_case monitor[] = {
	{ "monitor", "connect", "", "instr/connection", run_connect, S_BLOCKING },
	{ "monitor", "round-trip", "", RT, run_echo, S_BLOCKING, 64 },
};

const struct kb_case *kb_monitor(size_t *count)
{
	const char *who = getenv("KB_WHO");
	size_t i;

	*count = ARRAY_SIZE(monitor);
	for (i = 0; i < ARRAY_SIZE(monitor); i++)
		monitor[i].who = who ? who : "no hook";
	return monitor;
}
