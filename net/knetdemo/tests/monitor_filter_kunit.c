// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of net/knetdemo/monitor_filter.c
 */

#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/kernel.h>
#include <linux/prandom.h>
#include <linux/string.h>

#include "../monitor_filter.h"
#include "../monitor_parse.h"

#define KND_TEST_RANDOM	100000
#define KND_TEST_TEXT	4096

#define ALL_PORTS	":0-65535"

/* Commands, and the filter that they make as its file shows it */
struct knd_filter_case {
	const char *name;
	const char *text;
	int err;
	const char *rules;
};

static const struct knd_filter_case knd_filter_cases[] = {
	{ "nothing", "", 0, "" },
	{ "blank_lines", "\n \t\n\n", 0, "" },
	{ "ipv4_address", "add 127.0.0.1\n", 0, "1:127.0.0.1/32:0-65535" },
	{ "no_newline", "add 127.0.0.1", 0, "1:127.0.0.1/32:0-65535" },
	{ "white_space", "  add\t 127.0.0.1 \t 80 \r\n", 0,
	  "1:127.0.0.1/32:80-80" },
	{ "ipv4_prefix", "add 10.0.0.0/8", 0, "1:10.0.0.0/8:0-65535" },
	{ "ipv4_all", "add 0.0.0.0/0", 0, "1:0.0.0.0/0:0-65535" },
	{ "ipv6_address", "add 2001:db8::1", 0,
	  "1:2001:db8::1/128:0-65535" },
	{ "ipv6_prefix", "add fe80::/10 22", 0, "1:fe80::/10:22-22" },
	{ "ipv6_odd_prefix", "add 2001:db8:8000::/33", 0,
	  "1:2001:db8:8000::/33:0-65535" },
	{ "ipv6_all", "add ::/0 1-2", 0, "1:::/0:1-2" },
	{ "range", "add 127.0.0.1 80-443", 0, "1:127.0.0.1/32:80-443" },
	{ "whole_range", "add 127.0.0.1 0-65535", 0,
	  "1:127.0.0.1/32:0-65535" },
	{ "range_of_one", "add 127.0.0.1 80-80", 0, "1:127.0.0.1/32:80-80" },
	{ "ipv4_first", "add ::1\nadd 127.0.0.1\nadd ::2\nadd 127.0.0.2", 0,
	  "2:127.0.0.1/32" ALL_PORTS " 4:127.0.0.2/32" ALL_PORTS
	  " 1:::1/128" ALL_PORTS " 3:::2/128" ALL_PORTS },
	{ "same_prefix_other_port", "add ::1 80\nadd ::1 81\nadd ::1", 0,
	  "1:::1/128:80-80 2:::1/128:81-81 3:::1/128:0-65535" },
	{ "same_address_other_length", "add 10.0.0.0/8\nadd 10.0.0.0/16", 0,
	  "1:10.0.0.0/8:0-65535 2:10.0.0.0/16:0-65535" },
	{ "same_bytes_other_family", "add 32.1.13.184\nadd 2001:db8::", 0,
	  "1:32.1.13.184/32:0-65535 2:2001:db8::/128:0-65535" },
	{ "flush", "add ::1\nadd 127.0.0.1\nflush", 0, "" },
	{ "flush_and_add", "add ::1\nflush\nadd ::1", 0,
	  "2:::1/128:0-65535" },
	{ "del", "add ::1\nadd 10.0.0.1\nadd 10.0.0.2 80\ndel 10.0.0.1", 0,
	  "3:10.0.0.2/32:80-80 1:::1/128:0-65535" },
	{ "del_ipv6", "add ::1\nadd 10.0.0.1\nadd ::2\ndel ::1", 0,
	  "2:10.0.0.1/32:0-65535 3:::2/128:0-65535" },

	{ "duplicate", "add ::1 80\nadd ::1 80", -EEXIST },
	{ "duplicate_spelled_otherwise",
	  "add 10.0.0.1\nadd 10.0.0.1/32 0-65535", -EEXIST },
	{ "duplicate_ipv6_spelled_otherwise", "add ::1\nadd 0:0::0:1",
	  -EEXIST },
	{ "del_from_empty", "del ::1", -ENOENT },
	{ "del_other_port", "add ::1 80\ndel ::1", -ENOENT },
	{ "del_other_length", "add ::/64\ndel ::/65", -ENOENT },

	{ "ipv4_host_bits", "add 10.0.0.1/8", -EINVAL },
	{ "ipv4_host_bits_0", "add 128.0.0.0/0", -EINVAL },
	{ "ipv6_host_bits", "add fe80::1/64", -EINVAL },
	{ "ipv6_host_bits_0", "add 8000::/0", -EINVAL },
	{ "ipv6_host_bit_33", "add 2001:db8:4000::/33", -EINVAL },
	{ "ipv4_mapped", "add ::ffff:127.0.0.1", -EINVAL },
	{ "ipv4_mapped_prefix", "add ::ffff:0:0/96", -EINVAL },
	{ "ipv4_length_33", "add 10.0.0.1/33", -EINVAL },
	{ "ipv6_length_129", "add ::1/129", -EINVAL },
	{ "length_empty", "add 10.0.0.1/", -EINVAL },
	{ "length_negative", "add 10.0.0.1/-1", -EINVAL },
	{ "length_plus", "add 10.0.0.1/+32", -EINVAL },
	{ "length_hex", "add 10.0.0.1/0x20", -EINVAL },
	{ "length_huge", "add 10.0.0.1/4294967328", -EINVAL },
	{ "length_twice", "add 10.0.0.0/8/8", -EINVAL },
	{ "length_mask", "add 10.0.0.0/255.0.0.0", -EINVAL },
	{ "three_octets", "add 10.0.0", -EINVAL },
	{ "octet_256", "add 10.0.0.256", -EINVAL },
	{ "five_octets", "add 10.0.0.1.1", -EINVAL },
	{ "name", "add localhost", -EINVAL },
	{ "scope", "add fe80::1%lo", -EINVAL },
	{ "ipv6_colons", "add 1::2::3", -EINVAL },
	{ "ipv6_long", "add 1:2:3:4:5:6:7:8:9", -EINVAL },
	{ "port_65536", "add ::1 65536", -EINVAL },
	{ "port_70000", "add ::1 70000", -EINVAL },
	{ "port_huge", "add ::1 18446744073709551616", -EINVAL },
	{ "port_negative", "add ::1 -80", -EINVAL },
	{ "port_name", "add ::1 http", -EINVAL },
	{ "port_tail", "add ::1 80x", -EINVAL },
	{ "range_open", "add ::1 80-", -EINVAL },
	{ "range_upside_down", "add ::1 443-80", -EINVAL },
	{ "range_too_high", "add ::1 80-65536", -EINVAL },
	{ "range_twice", "add ::1 1-2-3", -EINVAL },
	{ "range_spaced", "add ::1 80 - 443", -EINVAL },
	{ "no_prefix", "add", -EINVAL },
	{ "del_no_prefix", "del", -EINVAL },
	{ "no_verb", "127.0.0.1", -EINVAL },
	{ "unknown_verb", "append 127.0.0.1", -EINVAL },
	{ "verb_case", "ADD 127.0.0.1", -EINVAL },
	{ "flush_what", "flush ::1", -EINVAL },
	{ "good_then_bad", "add ::1\nadd ::2\nbad\nadd ::3", -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(knd_filter, knd_filter_cases, name);

static void knd_filter_text(const struct knd_filter *filter, char *buf,
			    size_t size)
{
	size_t n = 0;
	int i;

	buf[0] = '\0';
	for (i = 0; i < filter->n; i++) {
		const struct knd_rule *r = &filter->rule[i];

		n += scnprintf(buf + n, size - n, i ? " %u:" : "%u:", r->id);
		if (i < filter->n4)
			n += scnprintf(buf + n, size - n, "%pI4", &r->addr.ip);
		else
			n += scnprintf(buf + n, size - n, "%pI6c",
				       &r->addr.in6);
		n += scnprintf(buf + n, size - n, "/%u:%u-%u", r->plen,
			       r->port_min, r->port_max);
	}
}

/* Read commands from a copy */
static int knd_filter_run(struct knd_filter *filter,
			  const struct knd_filter *old, const char *text)
{
	char buf[256];

	memset(filter, 0, sizeof(*filter));
	strscpy(buf, text);
	return knd_filter_edit(filter, old, buf);
}

static void knd_filter_commands(struct kunit *test)
{
	const struct knd_filter_case *c = test->param_value;
	struct knd_filter *filter;
	char text[256];

	filter = kunit_kzalloc(test, sizeof(*filter), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, filter);

	KUNIT_EXPECT_EQ(test, knd_filter_run(filter, NULL, c->text), c->err);
	if (c->err)
		return;
	knd_filter_text(filter, text, sizeof(text));
	KUNIT_EXPECT_STREQ(test, text, c->rules);
}

/* Making a filter from another one does not change the other one */
static void knd_filter_from_old(struct kunit *test)
{
	struct knd_filter *old, *filter;
	char text[256];

	old = kunit_kzalloc(test, sizeof(*old), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, old);
	filter = kunit_kzalloc(test, sizeof(*filter), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, filter);

	KUNIT_ASSERT_EQ(test, 0, knd_filter_run(old, NULL,
						"add ::1\nadd ::2\nadd ::3"));
	atomic64_set(&old->hits[2], 3);
	KUNIT_ASSERT_EQ(test, 0,
			knd_filter_run(filter, old,
				       "add 10.0.0.1\ndel ::1\nadd ::1\n"));
	knd_filter_text(old, text, sizeof(text));
	KUNIT_EXPECT_STREQ(test, text,
			   "1:::1/128:0-65535 2:::2/128:0-65535 3:::3/128:0-65535");
	knd_filter_text(filter, text, sizeof(text));
	KUNIT_EXPECT_STREQ(test, text,
			   "4:10.0.0.1/32:0-65535 2:::2/128:0-65535 3:::3/128:0-65535 5:::1/128:0-65535");

	/* The index in the old filter, which has the hits so far */
	KUNIT_EXPECT_EQ(test, filter->rule[0].old_idx, -1);
	KUNIT_EXPECT_EQ(test, filter->rule[1].old_idx, 1);
	KUNIT_EXPECT_EQ(test, filter->rule[2].old_idx, 2);
	KUNIT_EXPECT_EQ(test, filter->rule[3].old_idx, -1);
	KUNIT_EXPECT_EQ(test, atomic64_read(&filter->hits[2]), 0);
}

static void knd_filter_full(struct kunit *test)
{
	struct knd_filter *old, *filter;
	char text[40];
	int i;

	old = kunit_kzalloc(test, sizeof(*old), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, old);
	filter = kunit_kzalloc(test, sizeof(*filter), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, filter);

	for (i = 0; i < KND_FILTER_MAX; i++) {
		snprintf(text, sizeof(text),
			 i % 2 ? "add ::%x" : "add 10.0.0.%u", i);
		KUNIT_ASSERT_EQ(test, 0, knd_filter_run(filter, old, text));
		*old = *filter;
	}
	KUNIT_EXPECT_EQ(test, filter->n, KND_FILTER_MAX);
	KUNIT_EXPECT_EQ(test, filter->n4, KND_FILTER_MAX / 2);
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			knd_filter_run(filter, old, "add 10.1.0.0/16"));
	KUNIT_EXPECT_EQ(test, -ENOSPC, knd_filter_run(filter, old, "add ::"));
	/* In a full filter, a rule that is there is -EEXIST and not -ENOSPC */
	KUNIT_EXPECT_EQ(test, -EEXIST, knd_filter_run(filter, old, "add ::1"));
	KUNIT_EXPECT_EQ(test, 0,
			knd_filter_run(filter, old, "del ::1\nadd 10.1.0.1"));
	KUNIT_EXPECT_EQ(test, filter->n, KND_FILTER_MAX);
}

/* A destination, and the index of its rule in knd_filter_matched[] */
struct knd_match_case {
	const char *addr;
	u16 port;
	int idx;
};

static const char knd_filter_matched[] =
	"add 127.0.0.1\n"
	"add 10.0.0.0/8 80-443\n"
	"add 10.1.0.0/16\n"
	"add 192.0.2.128/25 0\n"
	"add ::1 65535\n"
	"add 2001:db8:8000::/33\n"
	"add fe80::/10 22\n";

static const struct knd_match_case knd_match_cases[] = {
	{ "127.0.0.1", 0, 0 }, { "127.0.0.1", 65535, 0 },
	{ "127.0.0.2", 80, -ENOENT }, { "0.0.0.0", 80, -ENOENT },
	{ "10.0.0.0", 80, 1 }, { "10.255.255.255", 443, 1 },
	{ "10.0.0.1", 79, -ENOENT }, { "10.0.0.1", 444, -ENOENT },
	{ "11.0.0.0", 80, -ENOENT }, { "9.255.255.255", 80, -ENOENT },
	{ "10.1.2.3", 81, 1 }, { "10.1.2.3", 8080, 2 },
	{ "192.0.2.128", 0, 3 }, { "192.0.2.127", 0, -ENOENT },
	{ "192.0.2.128", 1, -ENOENT },
	{ "::1", 65535, 4 }, { "::1", 65534, -ENOENT },
	{ "::", 65535, -ENOENT }, { "::ffff:127.0.0.1", 80, -ENOENT },
	{ "2001:db8:8000::", 1, 5 }, { "2001:db8:ffff::1", 1, 5 },
	{ "2001:db8:7fff::", 1, -ENOENT }, { "2001:db9:8000::", 1, -ENOENT },
	{ "fe80::1", 22, 6 }, { "febf::1", 22, 6 }, { "fec0::1", 22, -ENOENT },
	{ "7f00:1::", 80, -ENOENT },
};

static void knd_filter_matches(struct kunit *test)
{
	struct knd_filter *filter;
	int i;

	filter = kunit_kzalloc(test, sizeof(*filter), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, filter);
	KUNIT_ASSERT_EQ(test, 0,
			knd_filter_run(filter, NULL, knd_filter_matched));

	for (i = 0; i < ARRAY_SIZE(knd_match_cases); i++) {
		const struct knd_match_case *c = &knd_match_cases[i];
		struct knd_flow flow = { .dport = htons(c->port) };

		if (in4_pton(c->addr, -1, (u8 *)&flow.daddr, -1, NULL)) {
			flow.family = AF_INET;
		} else {
			KUNIT_ASSERT_EQ(test, 1, in6_pton(c->addr, -1,
							  (u8 *)&flow.daddr,
							  -1, NULL));
			flow.family = AF_INET6;
		}
		KUNIT_EXPECT_EQ_MSG(test, knd_filter_match(filter, &flow),
				    c->idx, "%s %u", c->addr, c->port);
	}
}

/* Check a filter that was made from any text */
static void knd_filter_check(struct kunit *test,
			     const struct knd_filter *filter)
{
	int i, j, bits;

	KUNIT_ASSERT_LE(test, filter->n, KND_FILTER_MAX);
	KUNIT_ASSERT_LE(test, filter->n4, filter->n);
	for (i = 0; i < filter->n; i++) {
		const struct knd_rule *r = &filter->rule[i];

		KUNIT_ASSERT_LE(test, r->port_min, r->port_max);
		KUNIT_ASSERT_LE(test, r->plen, i < filter->n4 ? 32 : 128);
		KUNIT_ASSERT_LE(test, r->id, filter->ids);
		for (bits = j = 0; j < 4; j++) {
			u32 mask = ntohl(r->mask.ip6[j]);

			KUNIT_ASSERT_EQ(test, 0, ntohl(r->addr.ip6[j]) & ~mask);
			bits += hweight32(mask);
		}
		KUNIT_ASSERT_EQ(test, bits, r->plen);
		for (j = 0; j < i; j++)
			KUNIT_ASSERT_NE(test, filter->rule[j].id, r->id);
	}
}

static const char * const knd_filter_words[] = {
	"add ", "add ", "add ", "add ", "del ", "flush", "\n", "\n", "\n", " ",
	"10.0.0.0", "10.0.0.1", "127.0.0.1", "::", "::1", "fe80::", "/8",
	"/10", "/32", "/64", "/128", "/0", " 80", " 0", " 65535", "-", "443",
	" 1-2", ":", ".", "%", "ffff", "99999999999",
};

/* Random bytes, and words in random order, applied to the filter before */
static void knd_filter_random(struct kunit *test)
{
	struct knd_filter *old, *filter;
	unsigned int i, good = 0, most = 0;
	struct rnd_state rnd;
	char *text;

	old = kunit_kzalloc(test, sizeof(*old), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, old);
	filter = kunit_kzalloc(test, sizeof(*filter), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, filter);
	prandom_seed_state(&rnd, 20261121);

	for (i = 0; i < KND_TEST_RANDOM; i++) {
		unsigned int n = prandom_u32_state(&rnd) % 60, len = 0;
		int err;

		/* Exactly as large as needed, so that KASAN sees an overrun */
		text = kmalloc(KND_TEST_TEXT, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, text);
		if (i % 2) {
			prandom_bytes_state(&rnd, text, n);
			len = n;
		} else if (i % 64) {
			while (n--) {
				unsigned int w = prandom_u32_state(&rnd);

				len += scnprintf(text + len,
						 KND_TEST_TEXT - len, "%s",
						 knd_filter_words[w %
						 ARRAY_SIZE(knd_filter_words)]);
				if (w >> 30)
					continue;
				break;
			}
		} else {
			for (n = 0; n < 8; n++)
				len += scnprintf(text + len,
						 KND_TEST_TEXT - len,
						 "add 10.%u.0.%u\n",
						 i >> 6 & 255, n);
		}
		text[len] = '\0';
		memmove(text + KND_TEST_TEXT - len - 1, text, len + 1);

		memset(filter, 0, sizeof(*filter));
		err = knd_filter_edit(filter, old,
				      text + KND_TEST_TEXT - len - 1);
		kfree(text);
		if (err) {
			KUNIT_ASSERT_TRUE(test, err == -EINVAL ||
					  err == -EEXIST || err == -ENOENT ||
					  err == -ENOSPC);
			continue;
		}
		knd_filter_check(test, filter);
		*old = *filter;
		good++;
		most = max(most, filter->n);
	}
	KUNIT_EXPECT_GT(test, good, 1000);
	KUNIT_EXPECT_GT(test, most, 8);
}

static struct kunit_case knd_filter_test_cases[] = {
	KUNIT_CASE_PARAM(knd_filter_commands, knd_filter_gen_params),
	KUNIT_CASE(knd_filter_from_old),
	KUNIT_CASE(knd_filter_full),
	KUNIT_CASE(knd_filter_matches),
	KUNIT_CASE(knd_filter_random),
	{}
};

static struct kunit_suite knd_filter_test_suite = {
	.name = "knetdemo_filter",
	.test_cases = knd_filter_test_cases,
};

kunit_test_suite(knd_filter_test_suite);
