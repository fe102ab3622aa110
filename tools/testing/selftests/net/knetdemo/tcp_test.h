/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients for the tests of the TCP service of net/knetdemo
 *
 * Functions return a result or 0, and -errno for errors.
 */

#ifndef _KNETDEMO_TCP_TEST_H
#define _KNETDEMO_TCP_TEST_H

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>

#include "knetdemo_test.h"

#define PORT	60000
/* Outside of ip_local_port_range, so that no client has this port */
#define MOVED_PORT	20000
#define LINE	74
#define PERIOD	(95 * LINE)

static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* A connected socket that waits 20 s at most, or -errno */
static inline int dial_from(const char *source, const char *text, int port)
{
	struct timeval limit = { .tv_sec = 20 };
	struct sockaddr_storage ss;
	socklen_t len;
	int err, fd;

	len = knd_addr(&ss, text, port);
	fd = socket(ss.ss_family, SOCK_STREAM, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (source) {
		struct sockaddr_storage from;
		socklen_t from_len = knd_addr(&from, source, 0);

		if (bind(fd, (struct sockaddr *)&from, from_len))
			goto fail;
	}
	if (connect(fd, (struct sockaddr *)&ss, len))
		goto fail;
	return fd;

fail:
	err = -errno;
	close(fd);
	return err;
}

static inline int dial(const char *text, int port)
{
	return dial_from(NULL, text, port);
}

static inline int listen_on(const char *text, int port)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, text, port);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&ss, len) || listen(fd, 1))
		return -errno;
	return fd;
}

/* Send all bytes: 0 or -errno */
static inline int send_all(int fd, const void *buf, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = send(fd, (const char *)buf + done, len - done,
			 MSG_NOSIGNAL);
		if (n < 0)
			return -errno;
		done += n;
	}
	return 0;
}

/* Bytes received before the end of the stream, at most len; or -errno */
static inline ssize_t recv_all(int fd, void *buf, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = recv(fd, (char *)buf + done, len - done, 0);
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += n;
	}
	return done;
}

/* Send a text and compare its echo; 0 or -errno */
static inline int ask(int fd, const char *text)
{
	char answer[64];
	size_t len = strlen(text);
	ssize_t n;
	int err;

	err = send_all(fd, text, len);
	if (err)
		return err;
	n = recv_all(fd, answer, len);
	if (n < 0)
		return n;
	return n == (ssize_t)len && !memcmp(text, answer, len) ? 0 : -EBADMSG;
}

/* Pseudorandom bytes that sender and receiver both generate */
struct stream {
	uint64_t state;
};

static inline void stream_fill(struct stream *s, uint8_t *buf, size_t len)
{
	uint64_t x = s->state;

	for (size_t i = 0; i < len; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(buf + i, &x, 8);
	}
	s->state = x;
}

/* The number of lines of the list, without its heading */
static inline int listed(void)
{
	static char text[1 << 20];
	int lines = -1;

	if (knd_read(KND_PROC, "tcp", text, sizeof(text)) < 0)
		return -1;
	for (char *c = text; (c = strchr(c, '\n')); c++)
		lines++;
	return lines;
}

static inline int wait_listed(int want, int timeout_ms)
{
	long long end = now_ms() + timeout_ms;
	int n;

	do {
		n = listed();
		if (n == want)
			break;
		usleep(1000);
	} while (now_ms() < end);
	return n;
}

/* PID of the acceptor, if there is only one; or -1 */
static inline int acceptor(void)
{
	char path[32], comm[32];
	struct dirent *e;
	int found = -1;
	DIR *dir;

	dir = opendir("/proc");
	while ((e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/", atoi(e->d_name));
		if (atoi(e->d_name) &&
		    knd_read(path, "comm", comm, sizeof(comm)) > 0 &&
		    !strncmp(comm, "knd-tcp/", 8))
			found = atoi(e->d_name);
	}
	closedir(dir);
	return found;
}

/* Reset a connection */
static inline int reset_by_peer(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		return -errno;
	return close(fd);
}

/*
 * Run this task on the first processor, with a higher priority than the
 * acceptor, which is moved there as well
 */
static inline int go_first(void)
{
	struct sched_param param = { .sched_priority = 1 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) ||
	    sched_setaffinity(acceptor(), sizeof(cpus), &cpus) ||
	    sched_setscheduler(0, SCHED_FIFO, &param))
		return -errno;
	return 0;
}

static inline int start(const char *addr, const char *service)
{
	int err;

	err = knd_set("tcp_addr", addr);
	if (!err)
		err = knd_set("tcp_service", service);
	if (!err)
		err = knd_set("tcp", "1");
	return err;
}

#endif /* _KNETDEMO_TCP_TEST_H */
