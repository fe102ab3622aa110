// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FTP client of net/knetdemo does not accumulate data: it retrieves a file
 * that has 32 times the size of the file system that it is written to. The
 * server sends no more than WINDOW bytes before the reader has read them.
 *
 *	server -- at most WINDOW bytes ahead of the reader -------- client
 *	   |                                                            |
 *	sha256sum                                            file, on a tmpfs
 *	   |                                                       of FS_SIZE
 *	compare                                                         |
 *	   +------- sha256sum ------- reader, which frees the blocks
 *
 * A client that holds WINDOW bytes or more back from the file waits for the
 * server, while the server waits for the reader: the transfer ends with
 * -ETIMEDOUT. So the result does not depend on the memory of the machine, which
 * can be less than the file. KND_LARGE_MIB sets the size of the file.
 *
 * And it says so where a file becomes longer than its file system allows.
 */

#define _GNU_SOURCE
#include <endian.h>
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
	pthread_mutex_t lock;	/* protects @read and @over */
	pthread_cond_t changed;	/* @read or @over has changed */
	size_t read;		/* bytes that the reader has read */
	size_t hashed;		/* bytes that the server has hashed */
	bool over;		/* the ioctl has returned */
	FILE *sums[2];		/* sha256sum of the server, of the reader */
	int fd;
	size_t max_blocks;	/* the most blocks that the file had */
} flow = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .changed = PTHREAD_COND_INITIALIZER };

/* Different blocks have different bytes, so that a lost one is noticed */
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

/* Of the server: the bytes at a position, at most up to the end of a block */
static bool more(struct ftp_server *s, size_t at, const char **from,
		 size_t *len)
{
	static uint64_t block[BLOCK / sizeof(uint64_t)];
	size_t in_block = at % BLOCK;

	generate(block, at);
	*from = (char *)block + in_block;
	if (*len > BLOCK - in_block)
		*len = BLOCK - in_block;
	return true;
}

/* The same, but wait until the window has room */
static bool more_in_window(struct ftp_server *s, size_t at, const char **from,
			   size_t *len)
{
	bool over;

	pthread_mutex_lock(&flow.lock);
	while (at >= flow.read + WINDOW && !flow.over)
		pthread_cond_wait(&flow.changed, &flow.lock);
	*len = flow.read + WINDOW - at;
	over = flow.over;
	pthread_mutex_unlock(&flow.lock);
	if (over)
		return false;

	more(s, at, from, len);
	/* send() can be short: then the same bytes are requested again */
	if (at + *len > flow.hashed) {
		size_t skip = flow.hashed - at;

		fwrite(*from + skip, 1, *len - skip, flow.sums[0]);
		flow.hashed = at + *len;
	}
	return true;
}

/* Read the file as it grows, and free its blocks: the file system is small */
static void *reader(void *arg)
{
	const struct timespec tick = { .tv_nsec = 1000000 };
	static char buf[4 * BLOCK];
	struct stat st;
	ssize_t n;
	bool over;

	for (;;) {
		pthread_mutex_lock(&flow.lock);
		over = flow.over;
		pthread_mutex_unlock(&flow.lock);
		n = pread(flow.fd, buf, sizeof(buf), flow.read);
		if (n < 0 || (!n && over))
			return NULL;
		if (!n) {
			nanosleep(&tick, NULL);
			continue;
		}
		if (!fstat(flow.fd, &st) &&
		    (size_t)st.st_blocks > flow.max_blocks)
			flow.max_blocks = st.st_blocks;
		fwrite(buf, 1, n, flow.sums[1]);
		if (fallocate(flow.fd, FALLOC_FL_PUNCH_HOLE |
			      FALLOC_FL_KEEP_SIZE, 0, flow.read + n))
			return NULL;
		pthread_mutex_lock(&flow.lock);
		flow.read += n;
		pthread_cond_signal(&flow.changed);
		pthread_mutex_unlock(&flow.lock);
	}
}

/* End the input of sha256sum, and read its output */
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

static struct knetdemo_ftp_get request(const struct ftp_server *s,
				       uint64_t offset)
{
	return (struct knetdemo_ftp_get) {
		.size = sizeof(struct knetdemo_ftp_get),
		.flags = KNETDEMO_FTP_SIZE,
		.server = (uintptr_t)&s->addr,
		.server_len = s->len,
		.user = (uintptr_t)"somebody",
		.password = (uintptr_t)"",
		.path = (uintptr_t)"large",
		.timeout_ms = 20000,
		.offset = offset,
	};
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
	struct knetdemo_ftp_get r = request(&self->s, 0);
	pthread_t thread;
	int dev, err;

	self->s.size = (mib ? strtoul(mib, NULL, 10) :
			 slow ? 128 : 256) << 20;
	self->s.more = more_in_window;
	dev = open("/dev/knetdemo", O_RDWR);
	ASSERT_LE(0, dev);
	r.fd = open("file", O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, r.fd);
	flow.fd = r.fd;
	flow.sums[0] = popen("sha256sum > sent", "w");
	flow.sums[1] = popen("sha256sum > got", "w");
	ASSERT_NE(NULL, flow.sums[0]);
	ASSERT_NE(NULL, flow.sums[1]);
	ASSERT_EQ(0, pthread_create(&thread, NULL, reader, NULL));

	err = ioctl(dev, KNETDEMO_IOC_FTP_GET, &r) ? -errno : 0;
	pthread_mutex_lock(&flow.lock);
	flow.over = true;
	pthread_cond_signal(&flow.changed);
	pthread_mutex_unlock(&flow.lock);
	pthread_join(thread, NULL);

	EXPECT_EQ(0, err) TH_LOG("stage %u: %s", r.stage, r.text);
	EXPECT_EQ(self->s.size, r.bytes);
	EXPECT_EQ(self->s.size, r.remote_size);
	EXPECT_EQ(self->s.size, flow.read);
	EXPECT_EQ(0, sum_of(flow.sums[0], "sent", sent, sizeof(sent)));
	EXPECT_EQ(0, sum_of(flow.sums[1], "got", got, sizeof(got)));
	EXPECT_EQ(strlen("  -\n") + 64, strlen(sent));
	EXPECT_STREQ(sent, got);
	/* The reader may not have freed the blocks of its last read yet */
	EXPECT_GE((WINDOW + 4 * BLOCK) / 512, flow.max_blocks);
	TH_LOG("%zu MiB, at most %zu KiB of them in the file, sha256 %.16s...",
	       self->s.size >> 20, flow.max_blocks / 2, got);
}

#define FAT_MAX		0xffffffffUL	/* length of the longest file */
#define FAT_SECTOR	512
#define FAT_RESERVED	32		/* sectors before the table */
#define FAT_PER_CLUSTER	64		/* sectors */
#define FAT_CLUSTERS	131072		/* of the longest file */
/* The table has two entries of its own and one for the root directory */
#define FAT_ENTRIES	(3 + FAT_CLUSTERS)
#define FAT_TABLE	((FAT_ENTRIES * 4 + FAT_SECTOR - 1) / FAT_SECTOR)
#define FAT_END		0x0fffffff

static void put16(unsigned char *to, uint16_t value)
{
	value = htole16(value);
	memcpy(to, &value, sizeof(value));
}

static void put32(unsigned char *to, uint32_t value)
{
	value = htole32(value);
	memcpy(to, &value, sizeof(value));
}

/*
 * Make a file system, FAT32, with a file "BIG" of @size bytes, which has all
 * clusters of the longest one. The bytes are a hole in the image, so this takes
 * a MiB.
 */
static int make_fat(const char *path, uint32_t size)
{
	static unsigned char table[FAT_TABLE * FAT_SECTOR];
	unsigned char boot[FAT_SECTOR] = "\xeb\x58\x90knetdemo";
	off_t sectors = FAT_RESERVED + FAT_TABLE +
			(FAT_ENTRIES - 2UL) * FAT_PER_CLUSTER;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), err = -1;
	unsigned char info[FAT_SECTOR] = "RRaA", entry[32] = "BIG        ";

	if (fd < 0)
		return -1;
	put16(boot + 11, FAT_SECTOR);
	boot[13] = FAT_PER_CLUSTER;
	put16(boot + 14, FAT_RESERVED);
	boot[16] = 1;			/* table */
	boot[21] = 0xf8;		/* a fixed disk */
	put32(boot + 32, sectors);
	put32(boot + 36, FAT_TABLE);
	put32(boot + 44, 2);		/* cluster of the root directory */
	put16(boot + 48, 1);		/* sector of @info */
	memcpy(boot + 510, "\x55\xaa", 2);
	memcpy(info + 484, "rrAa", 4);
	put32(info + 488, 0);		/* free clusters */
	put32(info + 492, 0xffffffff);
	memcpy(info + 510, "\x55\xaa", 2);
	put32(table, 0x0ffffff8);
	put32(table + 4, FAT_END);
	put32(table + 8, FAT_END);
	for (int i = 3; i < FAT_ENTRIES; i++)
		put32(table + 4 * i, i + 1 < FAT_ENTRIES ? i + 1 : FAT_END);
	put16(entry + 26, 3);		/* its first cluster */
	put32(entry + 28, size);

	if (pwrite(fd, boot, sizeof(boot), 0) == sizeof(boot) &&
	    pwrite(fd, info, sizeof(info), FAT_SECTOR) == sizeof(info) &&
	    pwrite(fd, table, sizeof(table), FAT_RESERVED * FAT_SECTOR) ==
		    sizeof(table) &&
	    pwrite(fd, entry, sizeof(entry), (FAT_RESERVED + FAT_TABLE) *
		   FAT_SECTOR) == sizeof(entry))
		err = ftruncate(fd, sectors * FAT_SECTOR);
	close(fd);
	return err;
}

/*
 * The end of the longest file of FAT, 4 GiB - 1, is in a chunk of the client.
 * The file system cuts that chunk short, which must not look like the end of
 * the data.
 */
TEST_F(large, the_longest_file_of_fat)
{
	const size_t room = 1500, at = FAT_MAX - room;
	/* So many bytes are too many */
	static const size_t cases[] = { 100000, 1, 0 };
	struct knetdemo_ftp_get r = request(&self->s, at);
	size_t len = room, i;
	const char *bytes;
	char got[1500];
	int dev, err, want;

	ASSERT_EQ(0, make_fat("image", at));
	ASSERT_EQ(0, mkdir("fat", 0700));
	/* Where loop is built in there is no such module */
	knd_run("modprobe -q loop");
	ASSERT_EQ(0, knd_run("mount -t vfat -o loop,iocharset=cp437 image fat"));
	r.fd = open("fat/BIG", O_RDWR);
	ASSERT_LE(0, r.fd);
	dev = open("/dev/knetdemo", O_RDWR);
	ASSERT_LE(0, dev);
	self->s.more = more;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, ftruncate(r.fd, at));
		self->s.size = FAT_MAX + cases[i];
		err = ioctl(dev, KNETDEMO_IOC_FTP_GET, &r) ? -errno : 0;
		want = cases[i] ? -EFBIG : 0;
		EXPECT_EQ(want, err)
			TH_LOG("stage %u: %s", r.stage, r.text);
		if (cases[i]) {
			EXPECT_EQ(KNETDEMO_FTP_STAGE_WRITE, r.stage);
			EXPECT_EQ(KNETDEMO_FTP_FAILED_FILE, r.failed);
		}
		EXPECT_EQ(room, r.bytes);
		EXPECT_EQ(FAT_MAX, lseek(r.fd, 0, SEEK_END));
		ASSERT_EQ(room, pread(r.fd, got, room, at));
		more(&self->s, at, &bytes, &len);
		EXPECT_EQ(room, len);
		EXPECT_EQ(0, memcmp(got, bytes, room));
	}
	close(r.fd);
	EXPECT_EQ(0, umount("fat"));
}

TEST_HARNESS_MAIN
