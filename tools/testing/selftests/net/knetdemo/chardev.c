// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/knetdemo of net/knetdemo: the filter's ioctl, namespaces, privileges
 */

#define _GNU_SOURCE
#include <linux/knetdemo.h>

#include "../../kselftest_harness.h"
#include "monitor_test.h"

#define DEVICE	"/dev/knetdemo"

static int filter_address(int fd, const char *addr)
{
	__be32 be = inet_addr(addr);

	return ioctl(fd, KNETDEMO_IOC_FILTER_ADDRESS, &be) ? -errno : 0;
}

TEST(shows_one_address)
{
	int fd;

	ASSERT_EQ(0, knd_unshare_net());
	fd = open(DEVICE, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_set("monitor", "1"));
	ASSERT_EQ(0, monitor_filter("add ::1\nadd 127.0.0.0/8\n"));

	ASSERT_EQ(0, filter_address(fd, "127.0.0.1"));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	ASSERT_EQ(0, monitor_connects("127.0.0.2", 1, 1));
	ASSERT_EQ(0, monitor_connects("::1", 1, 1));
	EXPECT_EQ(1, knd_stat("monitor_attempts"));
	EXPECT_STREQ("127.0.0.1:1", monitor_last().dst);
	EXPECT_EQ(1, monitor_hits("127.0.0.1/32"));
	EXPECT_EQ(-1, monitor_hits("127.0.0.0/8"));
	EXPECT_EQ(-1, monitor_hits("::1/128"));

	ASSERT_EQ(0, filter_address(fd, "127.0.0.2"));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	ASSERT_EQ(0, monitor_connects("127.0.0.2", 1, 1));
	EXPECT_EQ(2, knd_stat("monitor_attempts"));
	EXPECT_STREQ("127.0.0.2:1", monitor_last().dst);

	/* Closing the device changes nothing */
	close(fd);
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	EXPECT_EQ(2, knd_stat("monitor_attempts"));

	fd = open(DEVICE, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, filter_address(fd, "0.0.0.0"));
	ASSERT_EQ(0, monitor_connects("127.0.0.1", 1, 1));
	ASSERT_EQ(0, monitor_connects("::1", 1, 1));
	EXPECT_EQ(4, knd_stat("monitor_attempts"));
	close(fd);
}

TEST(bad_requests)
{
	__be32 be = 0;
	int fd;

	ASSERT_EQ(0, knd_unshare_net());
	fd = open(DEVICE, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, ioctl(fd, KNETDEMO_IOC_FILTER_ADDRESS, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(fd, KNETDEMO_IOC_FILTER_ADDRESS, -1L));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, ioctl(fd, _IOW(KNETDEMO_IOC_MAGIC, 0x0f, __be32), &be));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(fd, _IOW(KNETDEMO_IOC_MAGIC, 0x01, __u64), &be));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	close(fd);
}

static int unknown_ioctl(int fd)
{
	static const unsigned int numbers[] = {
		0, TCGETS, _IO(KNETDEMO_IOC_MAGIC, 0x01),
		_IOR(KNETDEMO_IOC_MAGIC, 0x01, __be32),
		_IOW(KNETDEMO_IOC_MAGIC, 0x01, __u64),
		_IOW(KNETDEMO_IOC_MAGIC, 0x7f, __be32),
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (ioctl(fd, numbers[i], NULL) != -1 || errno != ENOTTY)
			return numbers[i];
	return -1;
}

/*
 * An unknown ioctl is ENOTTY for every caller, also after the end of the
 * namespace
 */
TEST(unknown_numbers)
{
	int home = open("/proc/self/ns/net", O_RDONLY);
	int fd[2];

	ASSERT_LE(0, home);
	ASSERT_EQ(0, knd_unshare_net());
	fd[0] = open(DEVICE, O_RDWR);
	ASSERT_LE(0, fd[0]);
	EXPECT_EQ(-1, unknown_ioctl(fd[0]));
	ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	while (filter_address(fd[0], "0.0.0.0") != -ENODEV)
		usleep(1000);
	EXPECT_EQ(-1, unknown_ioctl(fd[0]));

	ASSERT_EQ(0, knd_drop_capability(CAP_NET_ADMIN));
	fd[1] = open(DEVICE, O_RDWR);
	ASSERT_LE(0, fd[1]);
	EXPECT_EQ(-EPERM, filter_address(fd[1], "0.0.0.0"));
	EXPECT_EQ(-1, unknown_ioctl(fd[1]));
	close(fd[0]);
	close(fd[1]);
	close(home);
}

TEST(root_only)
{
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	EXPECT_EQ(-1, open(DEVICE, O_RDWR));
	EXPECT_EQ(EACCES, errno);
}

/* A file that was opened without the capability never gets it */
TEST(opener_is_checked)
{
	int fd;

	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, knd_set_capability(CAP_NET_ADMIN, false));
	fd = open(DEVICE, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, filter_address(fd, "127.0.0.1"));
	ASSERT_EQ(0, knd_set_capability(CAP_NET_ADMIN, true));
	EXPECT_EQ(-EPERM, filter_address(fd, "127.0.0.1"));
	EXPECT_EQ(-1, monitor_hits("127.0.0.1/32"));
	close(fd);
	fd = open(DEVICE, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, filter_address(fd, "127.0.0.1"));
	EXPECT_EQ(0, monitor_hits("127.0.0.1/32"));
	close(fd);
}

/* Root of a user namespace has no rights in a namespace of the initial one */
TEST(user_namespace)
{
	int fd;

	ASSERT_EQ(0, unshare(CLONE_NEWUSER | CLONE_NEWNET));
	ASSERT_EQ(0, monitor_write_path("/proc/self/uid_map", "0 0 1"));
	fd = open(DEVICE, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, filter_address(fd, "127.0.0.1"));
	close(fd);
}

/* What counts is where it was opened */
TEST(stays_in_its_namespace)
{
	int first, fd;

	ASSERT_EQ(0, knd_unshare_net());
	first = open("/proc/self/ns/net", O_RDONLY);
	ASSERT_LE(0, first);
	fd = open(DEVICE, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, knd_unshare_net());
	ASSERT_EQ(0, filter_address(fd, "127.0.0.1"));
	EXPECT_EQ(-1, monitor_hits("127.0.0.1/32"));
	ASSERT_EQ(0, setns(first, CLONE_NEWNET));
	EXPECT_EQ(0, monitor_hits("127.0.0.1/32"));
	close(first);
	close(fd);
}

/* An open file keeps no namespace */
TEST(namespace_goes)
{
	int home = open("/proc/self/ns/net", O_RDONLY);
	int fd[20], i;

	ASSERT_LE(0, home);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, knd_unshare_net());
		fd[i] = open(DEVICE, O_RDWR);
		ASSERT_LE(0, fd[i]);
		ASSERT_EQ(0, filter_address(fd[i], "127.0.0.1"));
		ASSERT_EQ(0, knd_set("monitor", "1"));
		ASSERT_EQ(0, setns(home, CLONE_NEWNET));
		/*
		 * The namespace has no task any more. The ioctl finds it
		 * before, during or after its end.
		 */
		EXPECT_EQ(-ENODEV, filter_address(fd[i], "127.0.0.1"));
	}
	for (i = 0; i < 20; i += 2)
		close(fd[i]);
	for (i = 0; i < 50; i++) {
		EXPECT_EQ(-ENODEV, filter_address(fd[1], "127.0.0.1"));
		ASSERT_EQ(0, knd_unshare_net());
		ASSERT_EQ(0, setns(home, CLONE_NEWNET));
	}
	for (i = 1; i < 20; i += 2) {
		EXPECT_EQ(-ENODEV, filter_address(fd[i], "127.0.0.1"));
		close(fd[i]);
	}
	close(home);
}

TEST_HARNESS_MAIN
