// SPDX-License-Identifier: GPL-2.0-only
/*
 * Following the file "connections" of net/knetdemo, and the right to open it
 */

#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>

#include "../../kselftest_harness.h"
#include "monitor_test.h"

/* Guard against a wait without end; no result depends on it */
#define WAIT_MS	60000

static int open_connections(void)
{
	return open(KND_PROC "connections", O_RDONLY);
}

/* What one reader has seen */
struct reader {
	int fd;
	unsigned int headers;
	unsigned int counts;
	unsigned long long records;
	unsigned long long first;
	unsigned long long last;
	unsigned long long attempts;
	unsigned long long read;
	unsigned long long lost;
	size_t len;
	char text[65536];
};

static int take_line(struct reader *r, const char *line)
{
	unsigned long long seq;

	if (!strncmp(line + strspn(line, " "), "SEQ ", 4)) {
		r->headers++;
		return 0;
	}
	if (sscanf(line, "# attempts %llu read %llu lost %llu", &r->attempts,
		   &r->read, &r->lost) == 3) {
		r->counts++;
		return 0;
	}
	/* Each once, in order */
	if (sscanf(line, " %llu ", &seq) != 1 || seq <= r->last)
		return -EBADMSG;
	if (!r->records++)
		r->first = seq;
	r->last = seq;
	return 0;
}

/* Read to the end, in pieces of @size bytes */
static int take(struct reader *r, size_t size)
{
	char *end;
	ssize_t n;
	int err;

	while ((n = read(r->fd, r->text + r->len, size)) > 0) {
		r->len += n;
		r->text[r->len] = '\0';
		while ((end = strchr(r->text, '\n'))) {
			*end++ = '\0';
			err = take_line(r, r->text);
			if (err)
				return err;
			r->len -= end - r->text;
			memmove(r->text, end, r->len + 1);
		}
	}
	return n ? -errno : r->len ? -EBADMSG : 0;
}

static int readable(int fd, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	if (poll(&pfd, 1, timeout_ms) < 0)
		return -errno;
	return pfd.revents;
}

FIXTURE(follow) {
	struct reader r;
};

FIXTURE_SETUP(follow)
{
	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, knd_set("monitor", "1"));
	self->r.fd = open_connections();
	ASSERT_LE(0, self->r.fd);
}

FIXTURE_TEARDOWN(follow)
{
	close(self->r.fd);
}

TEST_F(follow, reads_on_behind_the_end)
{
	struct reader *r = &self->r;
	int i;

	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 3));
	ASSERT_EQ(POLLIN, readable(r->fd, 0));
	ASSERT_EQ(0, take(r, 1000));
	EXPECT_EQ(1, r->headers);
	EXPECT_EQ(1, r->counts);
	EXPECT_EQ(3, r->records);

	for (i = 1; i <= 10; i++) {
		EXPECT_EQ(0, readable(r->fd, 0));
		ASSERT_EQ(0, take(r, 1000));
		ASSERT_EQ(0, monitor_connects("::1", 1, i));
		EXPECT_EQ(POLLIN, readable(r->fd, 0));
		ASSERT_EQ(0, take(r, 10 * i));
	}
	EXPECT_EQ(1, r->headers);
	EXPECT_EQ(58, r->records);
	EXPECT_EQ(58, r->last);
	/* Nothing was lost: no further count */
	EXPECT_EQ(1, r->counts);
}

/* Even where connections are made all the time */
TEST_F(follow, each_listing_ends)
{
	char buf[4096];
	ssize_t n;
	int i;

	for (i = 0; i < 100; i++) {
		n = read(self->r.fd, buf, sizeof(buf));
		ASSERT_LE(0, n);
		if (!n)
			break;
		ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	}
	EXPECT_GT(100, i);
}

TEST_F(follow, from_now_on)
{
	struct reader *r = &self->r;

	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 3));
	ASSERT_EQ(0, lseek(r->fd, 0, SEEK_HOLE));
	EXPECT_EQ(0, readable(r->fd, 0));
	ASSERT_EQ(0, take(r, 1000));
	EXPECT_EQ(0, r->headers + r->counts + r->records);
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 2));
	ASSERT_EQ(0, take(r, 1000));
	EXPECT_EQ(0, r->headers + r->counts);
	EXPECT_EQ(2, r->records);
	EXPECT_EQ(4, r->first);

	/* Back to the beginning, also where it was read before */
	memset(&r->headers, 0, sizeof(*r) - offsetof(struct reader, headers));
	ASSERT_EQ(0, lseek(r->fd, 0, SEEK_SET));
	EXPECT_EQ(POLLIN, readable(r->fd, 0));
	ASSERT_EQ(0, take(r, 1000));
	EXPECT_EQ(1, r->headers);
	EXPECT_EQ(5, r->records);
	ASSERT_EQ(0, lseek(r->fd, 0, SEEK_HOLE));
	memset(&r->headers, 0, sizeof(*r) - offsetof(struct reader, headers));
	ASSERT_EQ(0, lseek(r->fd, 0, SEEK_SET));
	ASSERT_EQ(0, take(r, 7));
	EXPECT_EQ(1, r->headers);
	EXPECT_EQ(5, r->records);
	EXPECT_EQ(5, r->attempts);

	EXPECT_EQ(-1, lseek(r->fd, 1, SEEK_HOLE));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_EQ(-1, lseek(r->fd, 0, SEEK_END));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(follow, counts_what_was_lost)
{
	struct reader *r = &self->r;

	ASSERT_EQ(0, knd_set("monitor_ring", "16"));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 20));
	ASSERT_EQ(0, take(r, 1000));
	EXPECT_EQ(16, r->records);
	EXPECT_EQ(20, r->attempts);
	EXPECT_EQ(16, r->read);
	EXPECT_EQ(4, r->lost);
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 16));
	ASSERT_EQ(0, take(r, 1000));
	EXPECT_EQ(32, r->records);
	EXPECT_EQ(1, r->counts);
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 40));
	ASSERT_EQ(0, take(r, 1000));
	EXPECT_EQ(48, r->records);
	EXPECT_EQ(2, r->counts);
	EXPECT_EQ(76, r->attempts);
	EXPECT_EQ(48, r->read);
	EXPECT_EQ(28, r->lost);

	/* For a reader that began at the end, the count is of later attempts */
	ASSERT_EQ(0, lseek(r->fd, 0, SEEK_HOLE));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 17));
	ASSERT_EQ(0, take(r, 1000));
	EXPECT_EQ(93, r->attempts);
	EXPECT_EQ(16, r->read);
	EXPECT_EQ(1, r->lost);
}

/* Sleeps until there is a record, by each kind of poll */
TEST_F(follow, wakes_up)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct reader *r = &self->r;
	int ep = epoll_create1(0);
	int i, status;
	pid_t pid;

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, take(r, 1000));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, r->fd, &event));
	for (i = 0; i < 4; i++) {
		pid = fork();
		if (!pid) {
			usleep(i % 2 * 100000);
			_exit(!!monitor_connects("127.0.0.1", 1, 1));
		}
		ASSERT_LT(0, pid);
		if (i < 2) {
			ASSERT_EQ(1, epoll_wait(ep, &event, 1, WAIT_MS));
		} else {
			ASSERT_EQ(POLLIN, readable(r->fd, WAIT_MS));
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
		ASSERT_EQ(0, take(r, 1000));
		EXPECT_EQ(i + 1, r->records);
		EXPECT_EQ(0, readable(r->fd, 0));
	}
	close(ep);
}

/* Readers that follow while others connect read every attempt once */
TEST_F(follow, while_others_connect)
{
	int n = knd_slow(2000, 200), status, i;
	pid_t writer[2], reader[2];

	ASSERT_EQ(0, knd_set("monitor_ring", "65536"));
	for (i = 0; i < 2; i++) {
		reader[i] = fork();
		if (!reader[i]) {
			struct reader *r = calloc(1, sizeof(*r));
			int err = 0;

			r->fd = open_connections();
			while (!err && r->records < 2ULL * n) {
				if (readable(r->fd, WAIT_MS) != POLLIN)
					_exit(2);
				err = take(r, 500);
			}
			_exit(err || r->records != 2ULL * n || r->first != 1 ||
			      r->last != 2ULL * n || r->lost);
		}
		ASSERT_LT(0, reader[i]);
	}
	for (i = 0; i < 2; i++) {
		writer[i] = fork();
		if (!writer[i])
			_exit(!!monitor_connects("127.0.0.1", 1, n));
		ASSERT_LT(0, writer[i]);
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(writer[i], waitpid(writer[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(reader[i], waitpid(reader[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

/* A tail that reads again and again, as busybox has it */
TEST_F(follow, tail)
{
	int fds[2], status, found = 0;
	char line[512];
	pid_t pid;
	FILE *f;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		execlp("busybox", "busybox", "tail", "-f", "-n", "1",
		       KND_PROC "connections", NULL);
		_exit(127);
	}
	ASSERT_LT(0, pid);
	close(fds[1]);
	f = fdopen(fds[0], "r");
	/* It has read to the end: the count is the last line */
	ASSERT_NE(NULL, fgets(line, sizeof(line), f));
	EXPECT_STREQ("# attempts 0 read 0 lost 0\n", line);
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 4711, 1));
	while (!found && fgets(line, sizeof(line), f))
		found = !!strstr(line, " 127.0.0.1:4711 ");
	EXPECT_TRUE(found);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	fclose(f);
}

/* A file that is polled keeps the wait queue, so it keeps the namespace */
TEST_F(follow, polled_file_keeps_the_namespace)
{
	struct epoll_event event = { .events = EPOLLIN };
	int ep = epoll_create1(0);
	struct reader *r = &self->r;

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, take(r, 1000));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, r->fd, &event));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(1, epoll_wait(ep, &event, 1, WAIT_MS));
	ASSERT_EQ(0, take(r, 1000));
	EXPECT_EQ(1, r->records);
	close(ep);
}

TEST(root_without_capabilities)
{
	static const char * const hidden[] = {
		"connections", "filter", "ftp", "tcp",
	};
	char text[65536];

	ASSERT_EQ(0, knd_unshare_net());
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		EXPECT_LT(0, knd_read(KND_PROC, hidden[i], text, sizeof(text)));
	}
	ASSERT_EQ(0, knd_drop_capability(CAP_NET_ADMIN));
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		EXPECT_EQ(-EPERM, knd_read(KND_PROC, hidden[i], text,
					   sizeof(text)))
			TH_LOG("%s", hidden[i]);
	}
	EXPECT_EQ(-EPERM, knd_write(KND_PROC, "filter", "flush"));
	EXPECT_EQ(-EPERM, knd_write(KND_PROC, "tcp", "kill all"));
	EXPECT_LT(0, knd_read(KND_PROC, "stats", text, sizeof(text)));
	EXPECT_LT(0, knd_read(KND_PROC, "udp", text, sizeof(text)));
}

/* Root here in a namespace of others: may look, but not change anything */
TEST(namespace_of_a_user)
{
	static const char * const hidden[] = {
		"connections", "filter", "ftp", "tcp",
	};
	char text[65536], path[64];
	int status, fds[2], ns;
	char c;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) ||
		    write(fds[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(1);
	}
	ASSERT_LT(0, pid);
	ASSERT_EQ(1, read(fds[0], &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	ns = open(path, O_RDONLY);
	ASSERT_LE(0, ns);
	ASSERT_EQ(0, setns(ns, CLONE_NEWNET));
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		EXPECT_LT(0, knd_read(KND_PROC, hidden[i], text, sizeof(text)));
	}
	EXPECT_EQ(-EPERM, knd_write(KND_PROC, "filter", "flush"));
	EXPECT_EQ(-EPERM, knd_write(KND_PROC, "tcp", "kill all"));
	EXPECT_EQ(-EACCES, knd_set("monitor", "1"));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	close(ns);
}

/* A write is text, and shorter than a page */
TEST(bad_writes)
{
	char text[8192];
	int fd;

	ASSERT_EQ(0, knd_unshare_net());
	fd = open(KND_PROC "filter", O_WRONLY);
	ASSERT_LE(0, fd);
	memset(text, '\n', sizeof(text));
	EXPECT_EQ(4095, write(fd, text, 4095));
	EXPECT_EQ(-1, write(fd, text, 4096));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(fd, text, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(fd, "flush\0", 6));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(fd, (void *)-1L, 6));
	EXPECT_EQ(EFAULT, errno);
	close(fd);
}

TEST_HARNESS_MAIN
