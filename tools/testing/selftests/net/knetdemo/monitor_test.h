/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the connection monitor share: its files, and sockets
 */

#ifndef _MONITOR_TEST_H
#define _MONITOR_TEST_H

#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>

#include "knetdemo_test.h"

/* A line of the file "connections" */
struct record {
	unsigned long long seq;
	char time[32];
	char src[64];
	char dst[64];
	char from[8];
	unsigned int uid;
	char pid[16];
	char dev[IFNAMSIZ];
	unsigned int mark;
	char flags[16];
	unsigned int data;
	char rule[16];
	char comm[80];
};

/* One listing of that file */
struct listing {
	size_t n;
	unsigned long long attempts;
	unsigned long long read;
	unsigned long long lost;
	struct record *rec;
};

/* Read a file from /proc/net/knetdemo as a whole; the caller frees it */
static inline char *monitor_file(const char *name)
{
	size_t len = 0, size = 65536;
	char path[64], *text;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s%s", KND_PROC, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return NULL;
	text = malloc(size);
	while (text && (n = read(fd, text + len, size - 1 - len)) > 0) {
		len += n;
		if (size - len < 4096)
			text = realloc(text, size *= 2);
	}
	close(fd);
	if (text)
		text[len] = '\0';
	return text;
}

/*
 * Read and check "connections": a header, records with numbers that grow, and
 * a count that is true. Returns the number of records or -1; the caller frees
 * ->rec.
 */
static inline long monitor_list(struct listing *l)
{
	char *text = monitor_file("connections"), *line, *save;
	size_t size = 1024;
	int last = 0;

	memset(l, 0, sizeof(*l));
	line = text ? strtok_r(text, "\n", &save) : NULL;
	if (!line || strncmp(line + strspn(line, " "), "SEQ ", 4))
		goto bad;
	l->rec = malloc(size * sizeof(*l->rec));
	while ((line = strtok_r(NULL, "\n", &save))) {
		struct record *r;

		if (last)
			goto bad;
		if (*line == '#') {
			if (sscanf(line, "# attempts %llu read %llu lost %llu",
				   &l->attempts, &l->read, &l->lost) != 3)
				goto bad;
			last = 1;
			continue;
		}
		if (l->n == size)
			l->rec = realloc(l->rec,
					 (size *= 2) * sizeof(*l->rec));
		r = &l->rec[l->n];
		if (sscanf(line, "%llu %31s %63s %63s %7s %u %15s %15s %x %15s %u %15s %79s",
			   &r->seq, r->time, r->src, r->dst, r->from, &r->uid,
			   r->pid, r->dev, &r->mark, r->flags, &r->data,
			   r->rule, r->comm) != 13)
			goto bad;
		if (l->n && r->seq <= r[-1].seq)
			goto bad;
		l->n++;
	}
	free(text);
	text = NULL;
	if (!last || l->read != l->n || l->read + l->lost != l->attempts ||
	    (l->n && l->rec[l->n - 1].seq > l->attempts))
		goto bad;
	return l->n;
bad:
	if (line)
		fprintf(stderr, "# cannot read: %s\n", line);
	free(text);
	free(l->rec);
	l->rec = NULL;
	return -1;
}

/* The latest record; all zeros where there is none */
static inline struct record monitor_last(void)
{
	struct record r = {};
	struct listing l;

	if (monitor_list(&l) > 0)
		r = l.rec[l.n - 1];
	free(l.rec);
	return r;
}

/* What the filter counts for a rule, written as the file writes it; or -1 */
static inline long long monitor_hits(const char *rule)
{
	char *text = monitor_file("filter"), *line, *save, got[128];
	long long hits, result = -1;

	for (line = text ? strtok_r(text, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		if (sscanf(line, "%*u %lld %127[^\n]", &hits, got) == 2 &&
		    !strcmp(got, rule))
			result = hits;
	free(text);
	return result;
}

static inline int monitor_filter(const char *text)
{
	return knd_write(KND_PROC, "filter", text);
}

/* The name of a socket's own end */
static inline const char *monitor_local(int fd)
{
	struct sockaddr_storage ss = {};
	socklen_t len = sizeof(ss);

	getsockname(fd, (void *)&ss, &len);
	return knd_addr_name(&ss);
}

/* A listener; its port is chosen where @port is 0, and told there */
static inline int monitor_listen(const char *addr, int *port)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, addr, *port);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&ss, len) || listen(fd, 128) ||
	    getsockname(fd, (void *)&ss, &len)) {
		close(fd);
		return -1;
	}
	*port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	return fd;
}

/*
 * Connect, wait no longer than @timeout_ms, and tell the socket, whether that
 * was a success or not.
 */
static inline int monitor_connect(const char *addr, int port, int timeout_ms)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, addr, port);
	struct pollfd pfd = { .events = POLLOUT };
	int fd;

	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	pfd.fd = fd;
	if (connect(fd, (void *)&ss, len) && errno == EINPROGRESS)
		poll(&pfd, 1, timeout_ms);
	return fd;
}

/* Connect and close, @times; to a closed port each costs no more than a RST */
static inline int monitor_connects(const char *addr, int port, int times)
{
	struct sockaddr_storage ss;
	socklen_t len = knd_addr(&ss, addr, port);
	int fd, i;

	for (i = 0; i < times; i++) {
		fd = socket(ss.ss_family, SOCK_STREAM, 0);
		if (fd < 0)
			return -errno;
		if (connect(fd, (void *)&ss, len) && errno != ECONNREFUSED) {
			i = -errno;
			close(fd);
			return i;
		}
		close(fd);
	}
	return 0;
}

/* Write to a file whose path is known */
static inline int monitor_write_path(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	n = n < 0 ? -errno : 0;
	close(fd);
	return n;
}

/* A tun device; without udev its node comes with the module */
static inline int monitor_tun(int flags)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI,
			     .ifr_name = "tun" };
	int fd;

	knd_run("modprobe -q tun");
	fd = open("/dev/net/tun", O_RDWR | flags);
	if (fd < 0)
		fd = open("/dev/tun", O_RDWR | flags);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &ifr)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

#endif /* _MONITOR_TEST_H */
