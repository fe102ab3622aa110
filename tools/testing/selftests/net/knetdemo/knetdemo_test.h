/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the C tests of net/knetdemo share: sysctls, files and namespaces.
 *
 * Functions return 0 (or what they were asked for) or -errno, so that tests
 * can assert which error the kernel gave.
 */

#ifndef _KNETDEMO_TEST_H
#define _KNETDEMO_TEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KND_SYSCTL	"/proc/sys/net/knetdemo/"
#define KND_PROC	"/proc/net/knetdemo/"
#define KND_TRACING	"/sys/kernel/tracing/"

/*
 * The harness ends a test after 30 s by default, which is too soon where the
 * kernel is slow and shares its processors. This is a guard against tests that
 * hang, and decides no result.
 */
#ifdef TEST_TIMEOUT_DEFAULT
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 900
#endif

/*
 * Kernels with debugging options and emulated machines are slow, which runners
 * of kselftests say with KSFT_MACHINE_SLOW; KND_SLOW is our own name for it.
 * Tests scale counts and time limits by it, but never what they assert.
 */
static inline bool knd_machine_slow(void)
{
	const char *slow = getenv("KSFT_MACHINE_SLOW");

	return getenv("KND_SLOW") || (slow && strcmp(slow, "no"));
}

/*
 * Load the module before main(), since runners may run a program alone. Without
 * the component no result of the program says anything: fail once, and say why.
 */
static void __attribute__((constructor)) knd_load_module(void)
{
	int status;

	if (!access(KND_SYSCTL, F_OK))
		return;
	status = system("modprobe knetdemo");
	if (!access(KND_SYSCTL, F_OK))
		return;
	printf("TAP version 13\n1..1\n");
	printf("# " KND_SYSCTL " is not there, modprobe: status %d\n",
	       WIFEXITED(status) ? WEXITSTATUS(status) : -1);
	printf("not ok 1 the module knetdemo can be loaded\n");
	exit(1);
}

/* A count or a time limit: @fast, but @slow on a slow machine */
static inline int knd_slow(int fast, int slow)
{
	return knd_machine_slow() ? slow : fast;
}

/* Make the address of an IPv4 or IPv6 literal; returns its length */
static inline socklen_t knd_addr(struct sockaddr_storage *ss, const char *text,
				 int port)
{
	struct sockaddr_in6 *sin6 = (void *)ss;
	struct sockaddr_in *sin = (void *)ss;

	memset(ss, 0, sizeof(*ss));
	if (inet_pton(AF_INET, text, &sin->sin_addr) == 1) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		return sizeof(*sin);
	}
	if (inet_pton(AF_INET6, text, &sin6->sin6_addr) != 1)
		abort();
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	return sizeof(*sin6);
}

/* Print an address as the component does; two results are valid at a time */
static inline const char *knd_addr_name(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const void *)ss;
	const struct sockaddr_in *sin = (const void *)ss;
	char addr[INET6_ADDRSTRLEN];
	static char name[2][64];
	static int turn;

	turn = !turn;
	if (ss->ss_family == AF_INET)
		snprintf(name[turn], sizeof(name[turn]), "%s:%u",
			 inet_ntop(AF_INET, &sin->sin_addr, addr, sizeof(addr)),
			 ntohs(sin->sin_port));
	else
		snprintf(name[turn], sizeof(name[turn]), "[%s]:%u",
			 inet_ntop(AF_INET6, &sin6->sin6_addr, addr,
				   sizeof(addr)),
			 ntohs(sin6->sin6_port));
	return name[turn];
}

/* Write @text to the file in one write(), as echo and sysctl do */
static inline int knd_write(const char *dir, const char *name,
			    const char *text)
{
	char path[128];
	ssize_t n;
	int err, fd;

	if (snprintf(path, sizeof(path), "%s%s", dir, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	err = n < 0 ? -errno : n == (ssize_t)strlen(text) ? 0 : -EIO;
	close(fd);
	return err;
}

/* Read the whole file into @buf, which is a string then; returns its length */
static inline int knd_read(const char *dir, const char *name, char *buf,
			   size_t size)
{
	size_t len = 0;
	char path[128];
	ssize_t n = 0;
	int err, fd;

	if (snprintf(path, sizeof(path), "%s%s", dir, name) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		n = read(fd, buf + len, size - 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	err = n < 0 ? -errno : (int)len;
	buf[len] = '\0';
	close(fd);
	return err;
}

static inline int knd_set(const char *name, const char *value)
{
	return knd_write(KND_SYSCTL, name, value);
}

static inline int knd_set_int(const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	return knd_set(name, text);
}

/* The value without its newline; "" where it cannot be read */
static inline const char *knd_get(const char *name)
{
	static char value[512];

	if (knd_read(KND_SYSCTL, name, value, sizeof(value)) < 0)
		return "";
	value[strcspn(value, "\n")] = '\0';
	return value;
}

/* The counter @name of /proc/net/knetdemo/stats, or -1 */
static inline long long knd_stat(const char *name)
{
	char text[8192], *line, *save;
	size_t len = strlen(name);

	if (knd_read(KND_PROC, "stats", text, sizeof(text)) < 0)
		return -1;
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, name, len) && line[len] == ' ')
			return atoll(line + len + 1);
	return -1;
}

/* Wait for a counter to reach @want; returns its last value */
static inline long long knd_wait_stat(const char *name, long long want,
				      int timeout_ms)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	struct timespec start, now;
	long long value;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		value = knd_stat(name);
		if (value >= want)
			break;
		nanosleep(&tick, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 +
		 (now.tv_nsec - start.tv_nsec) / 1000000 < timeout_ms);
	return value;
}

/* Move to a network namespace of our own, with its loopback up */
static inline int knd_unshare_net(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int err = 0, fd;

	if (unshare(CLONE_NEWNET))
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		err = -errno;
	close(fd);
	return err;
}

/*
 * Run a command line; 0 where it succeeded. Not by system(): some shells have
 * tools of their own built in, which know less than those of the same names.
 */
static inline int knd_run(const char *command)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execlp("bash", "bash", "-c", command, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Switch a tracepoint of the component. Switching it on empties the trace. */
static inline int knd_trace(const char *event, bool on)
{
	char dir[128];
	int fd;

	if (on) {
		fd = open(KND_TRACING "trace", O_WRONLY | O_TRUNC);
		if (fd < 0)
			return -errno;
		close(fd);
	}
	snprintf(dir, sizeof(dir), KND_TRACING "events/knetdemo/%s/", event);
	return knd_write(dir, "enable", on ? "1" : "0");
}

/* Count sockets that are closing without a timer: they would stay for ever */
static inline int knd_stuck(void)
{
	unsigned int state, timer;
	char line[512];
	int n = 0;
	FILE *f;

	f = fopen("/proc/net/tcp", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d: %*s %*s %x %*s %x:", &state,
			   &timer) == 2 &&
		    !timer && (state == TCP_FIN_WAIT1 ||
			       state == TCP_FIN_WAIT2 ||
			       state == TCP_LAST_ACK || state == TCP_CLOSING))
			n++;
	if (f)
		fclose(f);
	return n;
}

/*
 * Find the next line with @what in the kernel's log, from where @fd, an open
 * /dev/kmsg, was read last. Its text goes to @text.
 */
static inline bool knd_kernel_line(int fd, const char *what, char *text,
				   size_t size)
{
	char line[1024];
	ssize_t n;

	while ((n = read(fd, line, sizeof(line) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		line[n] = '\0';
		if (strstr(line, what)) {
			snprintf(text, size, "%s", strchr(line, ';') + 1);
			return true;
		}
	}
	return false;
}

/* Count all such lines. The text of the last one goes to @last. */
static inline int knd_kernel_lines(int fd, const char *what, char *last,
				   size_t size)
{
	int count = 0;

	while (knd_kernel_line(fd, what, last, size))
		count++;
	return count;
}

/* Switch an effective capability of this thread, which stays permitted */
static inline int knd_set_capability(int cap, bool on)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	if (on)
		data[cap / 32].effective |= 1U << (cap % 32);
	else
		data[cap / 32].effective &= ~(1U << (cap % 32));
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

static inline int knd_drop_capability(int cap)
{
	return knd_set_capability(cap, false);
}

#endif /* _KNETDEMO_TEST_H */
