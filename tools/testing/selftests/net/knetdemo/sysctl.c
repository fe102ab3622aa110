// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sysctls of net/knetdemo: defaults, limits, bad input, namespaces
 */

#define _GNU_SOURCE
#include "../../kselftest_harness.h"
#include "knetdemo_test.h"

static const struct {
	const char *name;
	const char *value;
} defaults[] = {
	{ "monitor", "0" }, { "monitor_log", "1" }, { "monitor_ring", "256" },
	{ "tcp", "0" }, { "tcp_addr", "127.0.0.1" }, { "tcp_port", "60000" },
	{ "tcp_service", "accept" }, { "tcp_backlog", "128" },
	{ "tcp_max_conns", "1024" }, { "tcp_max_conns_per_source", "256" },
	{ "tcp_log", "1" }, { "tcp_idle_ms", "60000" },
	{ "udp", "0" }, { "udp_daddr", "127.0.0.1" }, { "udp_dport", "60001" },
	{ "udp_saddr", "" }, { "udp_sport", "0" },
	{ "udp_message", "kernelsocket" }, { "udp_size", "0" },
	{ "udp_count", "1" }, { "udp_interval_us", "1000000" },
	{ "udp_rate_pps", "0" }, { "udp_linger_ms", "200" },
	{ "udp_dev", "" }, { "udp_ttl", "0" }, { "udp_tos", "0" },
	{ "udp_mark", "0" }, { "udp_df", "0" },
	{ "udp_gso", "1" }, { "udp_stamp", "0" },
	{ "ftp_timeout_ms", "30000" },
};

/* Too long for an address, and still invalid if it is cut */
#define TOO_LONG \
	"127.0.0.1 01234567890123456789012345678901234567890123456789012345"

static const struct {
	const char *name;
	const char *value;
} bad[] = {
	{ "monitor", "2" }, { "monitor", "-1" }, { "monitor", "yes" },
	{ "monitor", "1 junk" }, { "monitor", "1 1" }, { "monitor", "1\n1" },
	{ "monitor", "1\n\n" }, { "monitor", "\n1" }, { "monitor", "1,1" },
	{ "monitor", "+1" }, { "monitor", "1\r\n" }, { "monitor", " " },
	{ "monitor", "1\t\n1\n" }, { "monitor", "0x" }, { "monitor", "1\n x" },
	{ "monitor", "\n" }, { "monitor", "99999999999999999999" },
	{ "monitor_ring", "15" }, { "monitor_ring", "65537" },
	{ "tcp", "3" }, { "tcp", "-1" }, { "udp", "3" },
	{ "udp", "1 0" }, { "tcp", "1\njunk\n" },
	{ "tcp_port", "60002 60003" }, { "tcp_port", "60002\n60003\n" },
	{ "udp_dport", "6000\t1" }, { "udp_count", "0 junk" },
	{ "tcp_port", "70000" }, { "tcp_port", "0" },
	{ "tcp_port", "http" }, { "tcp_port", "0x" },
	{ "tcp_service", "qotd" }, { "tcp_service", "\n" },
	{ "tcp_service", "echo echo" }, { "tcp_service", "accept  qotd" },
	{ "tcp_service", "echo                     x" },
	{ "tcp_service", "discardx" }, { "tcp_service", "echo\nqotd" },
	{ "tcp_service", "echo\nqotd\n" }, { "tcp_service", "echo\n\n" },
	{ "tcp_service", "\necho" },
	{ "tcp_addr", "localhost" }, { "tcp_addr", "\n" },
	{ "tcp_addr", "127.0.0.256" }, { "tcp_addr", "::1::" },
	{ "tcp_addr", TOO_LONG },
	{ "tcp_addr", "fd09::1%lo" }, { "tcp_addr", "fe80::1%nodev" },
	{ "tcp_addr", "127.0.0.1%lo" },
	{ "monitor_log", "2" }, { "tcp_log", "2" }, { "tcp_log", "x" },
	{ "tcp_backlog", "0" }, { "tcp_max_conns", "0" },
	{ "tcp_max_conns_per_source", "-1" }, { "tcp_idle_ms", "-5" },
	{ "udp_daddr", "nowhere" }, { "udp_daddr", "\n" },
	{ "tcp_addr", "::1\n::" }, { "udp_message", "one\ntwo" },
	{ "udp_daddr", "::1\n127.0.0.1\n" }, { "udp_saddr", "\"\"" },
	{ "udp_saddr", "\n\n" }, { "udp_saddr", "1.2.3" },
	{ "udp_dport", "65536" },
	{ "udp_sport", "-1" }, { "udp_size", "65508" },
	{ "udp_gso", "0" }, { "udp_gso", "129" }, { "udp_stamp", "x" },
	{ "udp_rate_pps", "1000000001" }, { "udp_linger_ms", "60001" },
	{ "udp_dev", "a/b" }, { "udp_dev", "a_name_that_is_too_long" },
	{ "udp_ttl", "256" }, { "udp_tos", "256" }, { "udp_df", "3" },
	{ "udp_mark", "4294967296" }, { "udp_mark", "-1" },
	/* Only link-local addresses have a scope */
	{ "udp_daddr", "127.0.0.1%lo" }, { "udp_daddr", "::1%lo" },
	{ "udp_saddr", "127.0.0.1%lo" }, { "udp_saddr", "2001:db8::1%lo" },
	{ "tcp_addr", "127.0.0.1%lo" }, { "tcp_addr", "::1%lo" },
	{ "ftp_timeout_ms", "99" }, { "ftp_timeout_ms", "600001" },
};

FIXTURE(sysctl) {
};

FIXTURE_SETUP(sysctl)
{
	ASSERT_EQ(0, knd_unshare_net());
}

FIXTURE_TEARDOWN(sysctl)
{
}

TEST_F(sysctl, defaults_in_a_new_namespace)
{
	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		EXPECT_STREQ(defaults[i].value, knd_get(defaults[i].name))
			TH_LOG("%s", defaults[i].name);
	}
}

TEST_F(sysctl, bad_values_change_nothing)
{
	char old[512];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		strcpy(old, knd_get(bad[i].name));
		EXPECT_EQ(-EINVAL, knd_set(bad[i].name, bad[i].value))
			TH_LOG("%s '%s'", bad[i].name, bad[i].value);
		EXPECT_STREQ(old, knd_get(bad[i].name));
	}
}

/* As echo, echo -n, sysctl, busybox sysctl and printf write them */
TEST_F(sysctl, blanks_and_one_newline)
{
	static const char * const numbers[] = {
		"17", "17\n", " 17\n", "17 \n", "\t17\t", "17 ", "0x11\n",
		"021", "17\n ",
	};
	static const char * const nothing[] = { "\n", " ", " \n", "\t", "\n " };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		ASSERT_EQ(0, knd_set("monitor_ring", "16"));
		EXPECT_EQ(0, knd_set("monitor_ring", numbers[i]))
			TH_LOG("'%s'", numbers[i]);
		EXPECT_STREQ("17", knd_get("monitor_ring"));
	}
	for (i = 0; i < ARRAY_SIZE(nothing); i++) {
		ASSERT_EQ(0, knd_set("udp_saddr", "127.0.0.1"));
		ASSERT_EQ(0, knd_set("udp_message", "x"));
		EXPECT_EQ(0, knd_set("udp_saddr", nothing[i]))
			TH_LOG("'%s'", nothing[i]);
		EXPECT_STREQ("", knd_get("udp_saddr"));
		EXPECT_EQ(0, knd_set("udp_message", nothing[i]));
		EXPECT_STREQ("", knd_get("udp_message"));
	}
	EXPECT_EQ(0, knd_set("udp_message", " two  words \n"));
	EXPECT_STREQ("two  words", knd_get("udp_message"));
}

/* A NUL, a text that is too long, and a value in pieces */
TEST_F(sysctl, raw_writes)
{
	static char text[70000];
	int fd;

	fd = open(KND_SYSCTL "monitor_ring", O_WRONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, write(fd, "17\0", 3));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(fd, "17\0\n1\n", 5));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, write(fd, "", 0));
	memset(text, ' ', sizeof(text));
	text[69000] = '1';
	text[69001] = '8';
	EXPECT_EQ(sizeof(text), write(fd, text, sizeof(text)));
	EXPECT_STREQ("18", knd_get("monitor_ring"));
	/* Nothing but the newline may follow in another write */
	EXPECT_EQ(1, write(fd, "\n", 1));
	EXPECT_EQ(-1, write(fd, "9", 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_STREQ("18", knd_get("monitor_ring"));
	close(fd);

	fd = open(KND_SYSCTL "udp_message", O_WRONLY);
	ASSERT_LE(0, fd);
	memset(text, 'x', sizeof(text));
	EXPECT_EQ(-1, write(fd, text, 256));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(fd, text, sizeof(text)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_STREQ("kernelsocket", knd_get("udp_message"));
	EXPECT_EQ(255, write(fd, text, 255));
	EXPECT_EQ(255, strlen(knd_get("udp_message")));
	close(fd);
}

/* The value that a switch shows can be written back */
TEST_F(sysctl, switches)
{
	ASSERT_EQ(0, knd_set("udp_count", "0"));
	ASSERT_EQ(0, knd_set("udp", "1"));
	EXPECT_STREQ("2", knd_get("udp"));
	EXPECT_EQ(0, knd_set("udp", "2"));
	EXPECT_EQ(0, knd_set("udp", "1"));
	EXPECT_EQ(1, knd_stat("udp_runs"));
	EXPECT_EQ(0, knd_set("udp", "0"));
	EXPECT_STREQ("0", knd_get("udp"));
}

TEST_F(sysctl, white_space_around_text)
{
	EXPECT_EQ(0, knd_set("tcp_service", " echo\n"));
	EXPECT_STREQ("echo", knd_get("tcp_service"));
	EXPECT_EQ(0, knd_set("tcp_addr", "::1 \n"));
	EXPECT_STREQ("::1", knd_get("tcp_addr"));
	EXPECT_EQ(0, knd_set("tcp_addr", "fe80::1%lo\n"));
	EXPECT_STREQ("fe80::1%lo", knd_get("tcp_addr"));
}

TEST_F(sysctl, namespaces_have_their_own_values)
{
	ASSERT_EQ(0, knd_set("tcp_port", "1234"));
	ASSERT_EQ(0, knd_unshare_net());
	EXPECT_STREQ("60000", knd_get("tcp_port"));
}

TEST_F(sysctl, user_namespace_reads_only)
{
	ASSERT_EQ(0, unshare(CLONE_NEWUSER | CLONE_NEWNET));
	EXPECT_STREQ("60000", knd_get("tcp_port"));
	EXPECT_EQ(-EACCES, knd_set("tcp_port", "60002"));
	EXPECT_STREQ("60000", knd_get("tcp_port"));
}

TEST_F(sysctl, unprivileged_user_is_refused)
{
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	EXPECT_STREQ("0", knd_get("monitor"));
	EXPECT_EQ(-EACCES, knd_set("monitor", "1"));
}

/* The mode of the files would let root write without the capability */
TEST_F(sysctl, capability_is_needed)
{
	static const char * const names[] = { "tcp_port", "monitor", "udp" };

	ASSERT_EQ(0, knd_drop_capability(CAP_NET_ADMIN));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char old[512];

		strcpy(old, knd_get(names[i]));
		EXPECT_EQ(-EPERM, knd_set(names[i], "1"));
		EXPECT_STREQ(old, knd_get(names[i]));
	}
}

TEST_HARNESS_MAIN
