// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FTP client of net/knetdemo does not hold what it retrieves: a file that
 * is 32 times the file system that it goes to, and which the server sends only
 * as fast as it gets there.
 *
 *	server --- at most WINDOW bytes more than the reader has --- client
 *	   |                                                            |
 *	sha256sum                                            file, on a tmpfs
 *	   |                                                       of FS_SIZE
 *	same?                                                           |
 *	   +------- sha256sum ------- reader, which frees what it has read
 *
 * A client that keeps WINDOW bytes or more to itself, wherever that is, waits
 * for the server and the server for it: it ends with -ETIMEDOUT. That depends
 * on no size of a machine and takes no disk. A machine may have less memory
 * than the file (make run MEMORY=...), or KND_LARGE_MIB says how large it is.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <linux/knetdemo.h>

#include "../../kselftest_harness.h"
#include "knetdemo_test.h"
#include "ftp_server.h"

#define WINDOW	(4UL << 20)
#define FS_SIZE	"size=8m"
#define BLOCK	65536

static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	size_t read;		/* by the reader */
	size_t hashed;		/* by the server */
	bool over;		/* the client has returned */
	FILE *sums[2];		/* of what was sent, of what was read */
	int fd;
	size_t most_blocks;	/* that the file ever had */
} now = { .lock = PTHREAD_MUTEX_INITIALIZER,
	  .moved = PTHREAD_COND_INITIALIZER };

/* The bytes from @at on, which are different in each block */
static void generate(uint64_t *block, size_t at)
{
	uint64_t x = at / BLOCK * 0x9e3779b97f4a7c15 + 1;

	for (size_t i = 0; i < BLOCK / sizeof(*block); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		block[i] = x;
	}
}

/* The server's: what the window has room for */
static bool more(struct ftp_server *s, size_t at, const char **from,
		 size_t *len)
{
	static uint64_t block[BLOCK / sizeof(uint64_t)];
	size_t in_block = at % BLOCK;
	bool over;

	pthread_mutex_lock(&now.lock);
	while (at >= now.read + WINDOW && !now.over)
		pthread_cond_wait(&now.moved, &now.lock);
	*len = now.read + WINDOW - at;
	over = now.over;
	pthread_mutex_unlock(&now.lock);
	if (over)
		return false;

	generate(block, at);
	*from = (char *)block + in_block;
	if (*len > BLOCK - in_block)
		*len = BLOCK - in_block;
	/* It may be asked for the same again */
	if (at + *len > now.hashed) {
		size_t skip = now.hashed - at;

		fwrite(*from + skip, 1, *len - skip, now.sums[0]);
		now.hashed = at + *len;
	}
	return true;
}

/* Follow the file as it grows, and free what was read */
static void *reader(void *arg)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	static char buf[4 * BLOCK];
	struct stat st;
	ssize_t n;
	bool over;

	for (;;) {
		pthread_mutex_lock(&now.lock);
		over = now.over;
		pthread_mutex_unlock(&now.lock);
		n = pread(now.fd, buf, sizeof(buf), now.read);
		if (n < 0 || (!n && over))
			return NULL;
		if (!n) {
			nanosleep(&tick, NULL);
			continue;
		}
		if (!fstat(now.fd, &st) &&
		    (size_t)st.st_blocks > now.most_blocks)
			now.most_blocks = st.st_blocks;
		fwrite(buf, 1, n, now.sums[1]);
		if (fallocate(now.fd, FALLOC_FL_PUNCH_HOLE |
			      FALLOC_FL_KEEP_SIZE, 0, now.read + n))
			return NULL;
		pthread_mutex_lock(&now.lock);
		now.read += n;
		pthread_cond_signal(&now.moved);
		pthread_mutex_unlock(&now.lock);
	}
}

/* What sha256sum said when its input ended */
static int sum_of(FILE *sum, const char *name, char *text, size_t size)
{
	int status = pclose(sum);
	FILE *file = fopen(name, "r");

	if (!file)
		return -errno;
	if (!fgets(text, size, file))
		*text = '\0';
	fclose(file);
	return status;
}

FIXTURE(large) {
	struct ftp_server s;
	char dir[64];
	char home[4096];
};

FIXTURE_SETUP(large)
{
	const char *tmp = getenv("TMPDIR");

	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	snprintf(self->dir, sizeof(self->dir), "%s/knd-large-XXXXXX",
		 tmp && strlen(tmp) < 32 ? tmp : "/tmp");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_NE(NULL, getcwd(self->home, sizeof(self->home)));
	ASSERT_EQ(0, mount("large", self->dir, "tmpfs", 0, FS_SIZE));
	ASSERT_EQ(0, chdir(self->dir));
	ASSERT_EQ(0, ftp_server_start(&self->s, AF_INET));
}

FIXTURE_TEARDOWN(large)
{
	ftp_server_stop(&self->s);
	chdir(self->home);
	umount2(self->dir, MNT_DETACH);
	rmdir(self->dir);
}

TEST_F(large, no_more_than_a_window_is_held)
{
	const char *mib = getenv("KND_LARGE_MIB");
	bool slow = knd_machine_slow();
	char sent[128], got[128];
	struct knetdemo_ftp_get r = {
		.size = sizeof(r),
		.flags = KNETDEMO_FTP_SIZE,
		.server = (uintptr_t)&self->s.addr,
		.server_len = self->s.len,
		.user = (uintptr_t)"somebody",
		.password = (uintptr_t)"",
		.path = (uintptr_t)"large",
		.timeout_ms = 20000,
	};
	pthread_t thread;
	int dev, err;

	self->s.size = (mib ? strtoul(mib, NULL, 10) :
			 slow ? 128 : 256) << 20;
	self->s.more = more;
	dev = open("/dev/knetdemo", O_RDWR);
	ASSERT_LE(0, dev);
	r.fd = open("file", O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, r.fd);
	now.fd = r.fd;
	now.sums[0] = popen("sha256sum > sent", "w");
	now.sums[1] = popen("sha256sum > got", "w");
	ASSERT_NE(NULL, now.sums[0]);
	ASSERT_NE(NULL, now.sums[1]);
	ASSERT_EQ(0, pthread_create(&thread, NULL, reader, NULL));

	err = ioctl(dev, KNETDEMO_IOC_FTP_GET, &r) ? -errno : 0;
	pthread_mutex_lock(&now.lock);
	now.over = true;
	pthread_cond_signal(&now.moved);
	pthread_mutex_unlock(&now.lock);
	pthread_join(thread, NULL);

	EXPECT_EQ(0, err) TH_LOG("stage %u: %s", r.stage, r.text);
	EXPECT_EQ(self->s.size, r.bytes);
	EXPECT_EQ(self->s.size, r.remote_size);
	EXPECT_EQ(self->s.size, now.read);
	EXPECT_EQ(0, sum_of(now.sums[0], "sent", sent, sizeof(sent)));
	EXPECT_EQ(0, sum_of(now.sums[1], "got", got, sizeof(got)));
	EXPECT_EQ(strlen("  -\n") + 64, strlen(sent));
	EXPECT_STREQ(sent, got);
	/* The window, and what was read and not yet freed */
	EXPECT_GE((WINDOW + 4 * BLOCK) / 512, now.most_blocks);
	TH_LOG("%zu MiB, at most %zu KiB of them in the file, sha256 %.16s...",
	       self->s.size >> 20, now.most_blocks / 2, got);
}

TEST_HARNESS_MAIN
