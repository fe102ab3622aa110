// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of what net/knetdemo/monitor.c decides without a socket: whether
 * a SYN that comes to the hook begins an attempt
 */

#include <kunit/test.h>
#include <linux/string.h>

#include "../monitor.h"

/* State of a socket when its SYN passes the hook, and the expected result */
struct knd_syn_step {
	u32 hash;
	u32 isn;
	u32 segs_out;
	bool connecting;
	enum knd_pass pass;
};

struct knd_syn_case {
	const char *name;
	struct knd_syn_step step[6];
};

static const struct knd_syn_case knd_syn_cases[] = {
	{ "retransmitted", {
		{ 1, 100, 1, true, KND_PASS_FIRST },
		{ 1, 100, 2, false, KND_PASS_RETRANS },
		{ 1, 100, 3, false, KND_PASS_RETRANS },
	} },
	{ "two_passes_of_each", {
		{ 1, 100, 1, true, KND_PASS_FIRST },
		{ 1, 100, 1, true, KND_PASS_AGAIN },
		{ 1, 100, 2, false, KND_PASS_RETRANS },
		{ 1, 100, 2, false, KND_PASS_AGAIN },
	} },
	{ "second_pass_after_connect", {
		{ 1, 100, 1, true, KND_PASS_FIRST },
		{ 1, 100, 1, false, KND_PASS_AGAIN },
		{ 1, 100, 1, false, KND_PASS_AGAIN },
	} },
	/* -ECONNREFUSED from a hook: connect() fails, and leaves segs_out */
	{ "refused_by_a_security_module", {
		{ 1, 100, 1, true, KND_PASS_FIRST },
		{ 1, 101, 2, true, KND_PASS_FIRST },
		{ 1, 102, 3, true, KND_PASS_FIRST },
		{ 1, 102, 4, false, KND_PASS_RETRANS },
	} },
	{ "fast_open_falls_back", {
		{ 1, 100, 1, true, KND_PASS_FIRST },
		{ 1, 100, 2, true, KND_PASS_RETRANS },
		{ 1, 100, 2, true, KND_PASS_AGAIN },
		{ 1, 100, 3, false, KND_PASS_RETRANS },
	} },
	{ "one_connection_after_the_other", {
		{ 1, 100, 1, true, KND_PASS_FIRST },
		{ 1, 900, 1, true, KND_PASS_FIRST },
		{ 1, 1700, 1, true, KND_PASS_FIRST },
	} },
	{ "another_socket_in_the_slot", {
		{ 1, 100, 1, true, KND_PASS_FIRST },
		{ 2, 100, 1, true, KND_PASS_FIRST },
		{ 2, 100, 1, true, KND_PASS_AGAIN },
		{ 1, 100, 2, false, KND_PASS_RETRANS },
	} },
	/* The monitor was off when the attempt began */
	{ "never_seen_before", {
		{ 1, 100, 2, false, KND_PASS_RETRANS },
	} },
	{ "more_segments_than_the_key_has_room_for", {
		{ 1, 100, 255, true, KND_PASS_FIRST },
		{ 1, 101, 256, true, KND_PASS_FIRST },
		{ 1, 101, 257, false, KND_PASS_RETRANS },
	} },
};

KUNIT_ARRAY_PARAM_DESC(knd_syn, knd_syn_cases, name);

static void knd_syn_passes(struct kunit *test)
{
	const struct knd_syn_case *c = test->param_value;
	const struct knd_syn_step *step = c->step;
	u64 last = 0, key;
	int i;

	for (i = 0; i < ARRAY_SIZE(c->step) && step[i].segs_out; i++) {
		key = knd_syn_key(step[i].hash, step[i].isn, step[i].segs_out);
		KUNIT_EXPECT_EQ_MSG(test, step[i].pass,
				    knd_syn_pass(last, key, step[i].connecting),
				    "step %d", i);
		last = key;
	}
}

/* Bits of the hash that are not in the key choose the slot */
static void knd_syn_key_parts(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, knd_syn_key(0x3fabcdef, 0x12345678, 1),
			0x12345678abcdef01ULL);
	KUNIT_EXPECT_EQ(test, knd_syn_key(0, 0, 256), 0);
	KUNIT_EXPECT_EQ(test, knd_syn_key(0, U32_MAX, 0x1ff),
			0xffffffff000000ffULL);
}

static struct kunit_case knd_monitor_test_cases[] = {
	KUNIT_CASE_PARAM(knd_syn_passes, knd_syn_gen_params),
	KUNIT_CASE(knd_syn_key_parts),
	{}
};

static struct kunit_suite knd_monitor_test_suite = {
	.name = "knetdemo_monitor",
	.test_cases = knd_monitor_test_cases,
};

kunit_test_suite(knd_monitor_test_suite);
