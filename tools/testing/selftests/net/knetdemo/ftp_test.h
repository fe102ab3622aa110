/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the tests of the FTP client of net/knetdemo: a request, and data to
 * compare with.
 */

#ifndef _KNETDEMO_FTP_TEST_H
#define _KNETDEMO_FTP_TEST_H

#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <linux/knetdemo.h>

#include "knetdemo_test.h"
#include "ftp_server.h"

#define PASSWORD	"pAsSwOrD4711"
#define TIMEOUT_MS	300
/* The limit of a stage for a transfer that succeeds */
#define TRANSFER_MS	(knd_machine_slow() ? 20000 : 5000)

static int dev __attribute__((unused)) = -1;
static char *data;
static const size_t data_size = 3 * 1024 * 1024 + 12345;

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static inline void fill(void)
{
	unsigned int x = 1;

	data = malloc(data_size);
	for (size_t i = 0; i < data_size; i++) {
		x = x * 1103515245 + 12345;
		data[i] = x >> 16;
	}
}

static inline struct knetdemo_ftp_get request(const struct ftp_server *s,
					      int fd)
{
	return (struct knetdemo_ftp_get) {
		.size = sizeof(struct knetdemo_ftp_get),
		.server = (uintptr_t)&s->addr,
		.server_len = s->len,
		.user = (uintptr_t)"somebody",
		.password = (uintptr_t)PASSWORD,
		.path = (uintptr_t)"dir/the file",
		.fd = fd,
		.timeout_ms = TRANSFER_MS,
	};
}

static inline int get(struct knetdemo_ftp_get *r)
{
	return ioctl(dev, KNETDEMO_IOC_FTP_GET, r) ? -errno : 0;
}

static inline int new_file(void)
{
	return memfd_create("ftp", 0);
}

/* Does the file have exactly the first @size bytes of @want? */
static inline bool same(int fd, const char *want, size_t size)
{
	struct stat st;
	char *map;
	bool ok;

	if (fstat(fd, &st) || (size_t)st.st_size != size)
		return false;
	if (!size)
		return true;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	ok = map != MAP_FAILED && !memcmp(map, want, size);
	munmap(map, size);
	return ok;
}

/* Wait for an event; the limit only ends a wait that would never end */
static inline bool wait_until(bool (*ready)(void *), void *arg)
{
	double limit = now() + (knd_machine_slow() ? 60 : 20);

	while (!ready(arg)) {
		if (now() > limit)
			return false;
		usleep(1000);
	}
	return true;
}

#endif /* _KNETDEMO_FTP_TEST_H */
