// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of the schedule that the UDP emitter of knetdemo sends by
 */

#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "../pace.h"

#define US	((u64)NSEC_PER_USEC)
#define MS	((u64)NSEC_PER_MSEC)
#define SEC	((u64)NSEC_PER_SEC)
/* Any time but 0 */
#define T0	(1000 * SEC)

static void pace_unpaced(struct kunit *test)
{
	struct knd_pace p;

	knd_pace_start(&p, T0, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0), U64_MAX);
	knd_pace_sent(&p, T0, 64);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0), U64_MAX);
	KUNIT_EXPECT_EQ(test, knd_pace_wake(&p, T0), T0);
	KUNIT_EXPECT_EQ(test, p.late, 0);
	KUNIT_EXPECT_EQ(test, p.skipped, 0);
}

static void pace_first_is_due_at_once(struct kunit *test)
{
	struct knd_pace p;

	knd_pace_start(&p, T0, SEC, 0, 1);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0), 1);
	KUNIT_EXPECT_EQ(test, knd_pace_wake(&p, T0), T0);
	knd_pace_sent(&p, T0, 1);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0), 0);
	KUNIT_EXPECT_EQ(test, knd_pace_wake(&p, T0), T0 + SEC);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0 + SEC - 1), 0);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0 + SEC), 1);
}

static void pace_close_ones_leave_together(struct kunit *test)
{
	struct knd_pace p;

	knd_pace_start(&p, T0, US, 0, 1);
	knd_pace_sent(&p, T0, 1);
	KUNIT_EXPECT_EQ(test, knd_pace_wake(&p, T0), T0 + KND_PACE_GRAIN_NS);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0 + KND_PACE_GRAIN_NS), 20);
}

/* A sender that always wakes up late does not fall behind */
static void pace_does_not_drift(struct kunit *test)
{
	const u64 interval = 333 * US;
	struct knd_pace p;
	u64 now = T0;
	u64 sent = 0;
	u64 n;

	knd_pace_start(&p, now, interval, 0, 1);
	while (p.next < T0 + 10 * SEC) {
		n = knd_pace_due(&p, now);
		knd_pace_sent(&p, now, n);
		sent += n;
		now = knd_pace_wake(&p, now) + sent % 97 * US;
	}
	KUNIT_EXPECT_EQ(test, sent, div64_u64(10 * SEC, interval) + 1);
	KUNIT_EXPECT_EQ(test, p.late, 0);
	KUNIT_EXPECT_EQ(test, p.skipped, 0);
	KUNIT_EXPECT_LE(test, p.late_max, 97 * US);
}

struct pace_case {
	const char *name;
	u64 interval;
	u64 stall;
	unsigned int segs;
};

/* A sender that stalls every 300 ms and sends @segs datagrams in a call */
static const struct pace_case pace_cases[] = {
	{ "1k, no stall", 1000 * US, 0, 1 },
	{ "1k, 9 ms", 1000 * US, 9 * MS, 1 },
	{ "1k, 90 ms", 1000 * US, 90 * MS, 1 },
	{ "10k, no stall", 100 * US, 0, 1 },
	{ "10k, 9 ms", 100 * US, 9 * MS, 1 },
	{ "10k, 90 ms", 100 * US, 90 * MS, 1 },
	{ "100k, no stall", 10 * US, 0, 1 },
	{ "100k, 9 ms", 10 * US, 9 * MS, 1 },
	{ "100k, 90 ms", 10 * US, 90 * MS, 1 },
	{ "100k, 20 ms, 16 segments", 10 * US, 20 * MS, 16 },
	{ "1M, 90 ms", 1 * US, 90 * MS, 1 },
	{ "1M, 20 ms, 128 segments", 1 * US, 20 * MS, 128 },
};

static void pace_case_desc(const struct pace_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(pace, pace_cases, pace_case_desc);

#define WINDOW_MS	10
#define RUN_MS		1000

/* The mean is right, and no 10 ms have more than twice the rate */
static void pace_mean_and_windows(struct kunit *test)
{
	const struct pace_case *c = test->param_value;
	u64 window = 0, largest = 0, sent = 0;
	u64 now = T0, stall = T0 + 100 * MS;
	struct knd_pace p;
	u32 *per_ms;
	u64 due, n;
	int ms;

	per_ms = kunit_kcalloc(test, RUN_MS + 1, sizeof(*per_ms), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, per_ms);

	knd_pace_start(&p, now, c->interval, 0, 1);
	while (now < T0 + RUN_MS * MS) {
		/* The last one leaves time to catch up */
		if (now >= stall && now < T0 + RUN_MS * MS / 2) {
			stall = now + c->stall + 300 * MS;
			now += c->stall;
			continue;
		}
		due = knd_pace_due(&p, now);
		while (due) {
			n = c->segs;
			knd_pace_sent(&p, now, n);
			sent += n;
			per_ms[div64_u64(now - T0, MS)] += n;
			due -= min(due, n);
		}
		now = max(knd_pace_wake(&p, now), now + 10 * US);
	}
	for (ms = 0; ms < RUN_MS; ms++) {
		window += per_ms[ms];
		if (ms >= WINDOW_MS)
			window -= per_ms[ms - WINDOW_MS];
		largest = max(largest, window);
	}
	KUNIT_EXPECT_LE(test, largest,
			div64_u64(2 * WINDOW_MS * MS, c->interval));
	KUNIT_EXPECT_EQ(test, p.skipped, 0);
	/* Within 1 %: 99 to 101 of a hundred */
	KUNIT_EXPECT_GE(test, sent * c->interval * 100, 99 * RUN_MS * MS);
	KUNIT_EXPECT_LE(test, sent * c->interval * 100, 101 * RUN_MS * MS);
	if (c->stall > KND_PACE_LATE_NS)
		KUNIT_EXPECT_GT(test, p.late, 0);
	else
		KUNIT_EXPECT_EQ(test, p.late, 0);
}

/* The rate is kept if the timer fires every 10 ms only */
static void pace_on_a_coarse_timer(struct kunit *test)
{
	const u64 tick = 10 * MS;
	struct knd_pace p;
	u64 now, sent = 0;
	u64 n;

	knd_pace_start(&p, T0, 100 * US, 0, tick);
	for (now = T0; now <= T0 + SEC; now += tick) {
		n = knd_pace_due(&p, now);
		KUNIT_EXPECT_LE(test, n, 101);
		knd_pace_sent(&p, now, n);
		sent += n;
	}
	KUNIT_EXPECT_EQ(test, sent, 10001);
	KUNIT_EXPECT_EQ(test, p.skipped, 0);
}

static void pace_skips_what_is_old(struct kunit *test)
{
	struct knd_pace p;
	u64 now = T0;

	knd_pace_start(&p, now, MS, 0, 1);
	now += KND_PACE_DEBT_NS + 500 * MS;
	KUNIT_EXPECT_GT(test, knd_pace_due(&p, now), 0);
	KUNIT_EXPECT_EQ(test, p.skipped, 500);
	KUNIT_EXPECT_EQ(test, p.next, now - KND_PACE_DEBT_NS);

	/* With a long interval the late datagram is sent, not skipped */
	knd_pace_start(&p, T0, 10 * SEC, 0, 1);
	knd_pace_sent(&p, T0, 1);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0 + 15 * SEC), 1);
	KUNIT_EXPECT_EQ(test, p.skipped, 0);
	knd_pace_sent(&p, T0 + 15 * SEC, 1);
	KUNIT_EXPECT_EQ(test, p.late, 1);
	KUNIT_EXPECT_EQ(test, p.late_max, 5 * SEC);
	KUNIT_EXPECT_EQ(test, p.next, T0 + 20 * SEC);
}

/* At nearly one in 2 ns, half of an interval of 1 ns is its fraction */
static void pace_skips_with_the_fraction(struct kunit *test)
{
	u64 interval, now = T0;
	struct knd_pace p;
	u32 frac;
	int i;

	knd_pace_interval(500000001, &interval, &frac);
	KUNIT_ASSERT_EQ(test, interval, 1);
	knd_pace_start(&p, now, interval, frac, 1);
	for (i = 0; i < 3; i++) {
		/* More than 2^32 are skipped in the last round */
		now += (3 + 7 * i) * SEC;
		KUNIT_EXPECT_GE(test, knd_pace_due(&p, now), 1);
		KUNIT_EXPECT_LE(test, p.next, now);
		knd_pace_sent(&p, now, 1);
	}
	KUNIT_EXPECT_LE(test, (3 + 10 + 17) * SEC / 4, p.skipped);
	KUNIT_EXPECT_GE(test, (3 + 10 + 17) * SEC / 2, p.skipped);
}

static void pace_counts_the_late(struct kunit *test)
{
	struct knd_pace p;

	/* Due at 0, 1, 2 ms; at 3 ms the first two are late, 2 ms is not */
	knd_pace_start(&p, T0, MS, 0, 1);
	knd_pace_sent(&p, T0 + 3 * MS, 3);
	KUNIT_EXPECT_EQ(test, p.late, 2);
	KUNIT_EXPECT_EQ(test, p.late_max, 3 * MS);

	knd_pace_start(&p, T0, MS, 0, 1);
	knd_pace_sent(&p, T0 + KND_PACE_LATE_NS, 1);
	KUNIT_EXPECT_EQ(test, p.late, 0);
	knd_pace_start(&p, T0, MS, 0, 1);
	knd_pace_sent(&p, T0 + KND_PACE_LATE_NS + 1, 1);
	KUNIT_EXPECT_EQ(test, p.late, 1);

	/* Segments that are sent before their time are not late */
	knd_pace_start(&p, T0, MS, 0, 1);
	knd_pace_sent(&p, T0, 100);
	KUNIT_EXPECT_EQ(test, p.late, 0);
	KUNIT_EXPECT_EQ(test, knd_pace_wake(&p, T0), T0 + 100 * MS);
}

/* The largest lateness stays, whatever is sent afterwards */
static void pace_remembers_the_latest(struct kunit *test)
{
	struct knd_pace before, p;

	knd_pace_start(&p, T0, MS, 0, 1);
	knd_pace_sent(&p, T0 + 5 * MS, 1);
	KUNIT_EXPECT_EQ(test, p.late_max, 5 * MS);
	knd_pace_sent(&p, T0 + 2 * MS, 1);
	KUNIT_EXPECT_EQ(test, p.late_max, 5 * MS);

	/* A call that sent nothing changes nothing */
	before = p;
	knd_pace_sent(&p, T0 + 100 * MS, 0);
	KUNIT_EXPECT_EQ(test, p.late, before.late);
	KUNIT_EXPECT_EQ(test, p.late_max, before.late_max);
	KUNIT_EXPECT_EQ(test, p.cap, before.cap);
	KUNIT_EXPECT_EQ(test, p.next, before.next);
}

/* A sender that is behind sends a burst, then one and a half times the rate */
static void pace_catches_up(struct kunit *test)
{
	const u64 interval = 3 * US, spacing = 2 * US;
	u64 now = T0 + 500 * MS;
	struct knd_pace p;
	u64 n;

	knd_pace_start(&p, T0, interval, 0, 1);
	n = knd_pace_due(&p, now);
	KUNIT_EXPECT_EQ(test, n, div64_u64(KND_PACE_BURST_NS, spacing) + 1);
	knd_pace_sent(&p, now, n);
	/* Nothing more at that time, whether the sender sleeps or not */
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, now), 0);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, now + spacing - 1), 0);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, now + spacing), 1);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, now + 100 * spacing), 100);
	KUNIT_EXPECT_EQ(test, knd_pace_wake(&p, now), now + KND_PACE_GRAIN_NS);

	/* After a change the limit begins anew */
	knd_pace_change(&p, now, interval, 0);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, now), 1);

	/* The wake-up is when the limit lets the next one pass */
	knd_pace_start(&p, T0, MS, 0, 1);
	n = knd_pace_due(&p, T0 + 900 * MS);
	knd_pace_sent(&p, T0 + 900 * MS, n);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0 + 900 * MS), 0);
	now = knd_pace_wake(&p, T0 + 900 * MS);
	KUNIT_EXPECT_GT(test, now, T0 + 900 * MS + KND_PACE_GRAIN_NS);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, now - 1), 0);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, now), 1);
}

static void pace_changes(struct kunit *test)
{
	struct knd_pace p;

	/* Longer: one new interval after the previous one */
	knd_pace_start(&p, T0, MS, 0, 1);
	knd_pace_sent(&p, T0, 1);
	knd_pace_change(&p, T0 + 10 * US, SEC, 0);
	KUNIT_EXPECT_EQ(test, knd_pace_wake(&p, T0 + 10 * US), T0 + SEC);

	/* Shorter, and that time has passed: now, with nothing to catch up */
	knd_pace_change(&p, T0 + 500 * MS, MS, 0);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0 + 500 * MS), 1);
	KUNIT_EXPECT_EQ(test, p.next, T0 + 500 * MS);

	/* The distance that the previous interval wants does not count */
	knd_pace_start(&p, T0, SEC, 0, 1);
	knd_pace_sent(&p, T0, 1);
	knd_pace_change(&p, T0 + 10 * MS, MS, 0);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0 + 10 * MS), 1);

	/* To unpaced and back */
	knd_pace_change(&p, T0 + 600 * MS, 0, 0);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0 + 600 * MS), U64_MAX);
	knd_pace_change(&p, T0 + 700 * MS, MS, 0);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0 + 700 * MS), 1);
	KUNIT_EXPECT_EQ(test, p.skipped, 0);
}

static void pace_rate(struct kunit *test)
{
	u64 rate;

	KUNIT_EXPECT_EQ(test, knd_pace_rate(0, SEC), 0);
	KUNIT_EXPECT_EQ(test, knd_pace_rate(1, 0), 0);
	KUNIT_EXPECT_EQ(test, knd_pace_rate(1, SEC), 1000);
	KUNIT_EXPECT_EQ(test, knd_pace_rate(1, 2 * SEC), 500);
	KUNIT_EXPECT_EQ(test, knd_pace_rate(2, 3 * SEC), 667);
	KUNIT_EXPECT_EQ(test, knd_pace_rate(1, 2147483647 * US), 0);
	KUNIT_EXPECT_EQ(test, knd_pace_rate(1, 1), 1000 * SEC);
	/* 100k a second for five seconds, and for a year */
	KUNIT_EXPECT_EQ(test, knd_pace_rate(500000, 5 * SEC), 100000000);
	/* The last number before bits are shifted out, over a long time */
	KUNIT_EXPECT_EQ(test, knd_pace_rate(18446744, 1000 * SEC), 18446744);
	rate = knd_pace_rate(3153600000000ULL, 31536000 * SEC);
	KUNIT_EXPECT_GE(test, rate, 100000000 - 25);
	KUNIT_EXPECT_LE(test, rate, 100000000 + 25);
}

static const u32 pace_rates[] = {
	1, 3, 600000, 750000, 999999, 1488095, 3000000, 14880952, 1000000000,
};

/* A rate whose interval is no whole number of nanoseconds does not drift */
static void pace_of_a_rate(struct kunit *test)
{
	struct knd_pace p;
	u64 interval;
	u32 frac;
	int i, s;

	for (i = 0; i < ARRAY_SIZE(pace_rates); i++) {
		knd_pace_interval(pace_rates[i], &interval, &frac);
		KUNIT_EXPECT_EQ(test, interval,
				div_u64(NSEC_PER_SEC, pace_rates[i]));
		knd_pace_start(&p, T0, interval, frac, 1);
		for (s = 0; s < 1000; s++)
			knd_pace_sent(&p, p.next, pace_rates[i]);
		/* The fraction is cut at 2^-32 ns a datagram */
		KUNIT_EXPECT_LE(test, p.next, T0 + 1000 * SEC);
		KUNIT_EXPECT_GE(test, p.next, T0 + 1000 * SEC - 300);
	}

	/* Skipping counts the fraction, too */
	knd_pace_interval(3, &interval, &frac);
	knd_pace_start(&p, T0, interval, frac, 1);
	KUNIT_EXPECT_EQ(test, knd_pace_due(&p, T0 + 301 * SEC), 1);
	KUNIT_EXPECT_EQ(test, p.skipped, 900);
	KUNIT_EXPECT_LE(test, p.next, T0 + 300 * SEC);
	KUNIT_EXPECT_GE(test, p.next, T0 + 300 * SEC - 1);

	/* A new interval starts without a fraction */
	knd_pace_change(&p, T0 + 301 * SEC, SEC, 0);
	KUNIT_EXPECT_EQ(test, p.frac, 0);
	KUNIT_EXPECT_EQ(test, p.next_frac, 0);
}

static void pace_meter(struct kunit *test)
{
	struct knd_meter m = {};

	KUNIT_EXPECT_EQ(test, knd_meter_rate(&m), 0);
	knd_meter_tick(&m, T0, 10);
	KUNIT_EXPECT_EQ(test, knd_meter_rate(&m), 0);
	knd_meter_tick(&m, T0 + SEC, 15);
	KUNIT_EXPECT_EQ(test, knd_meter_rate(&m), 5000);
	knd_meter_tick(&m, T0 + 10 * SEC, 20);
	KUNIT_EXPECT_EQ(test, knd_meter_rate(&m), 1000);

	/* After a reset nothing is measured until two sends */
	m = (struct knd_meter) {};
	KUNIT_EXPECT_EQ(test, knd_meter_rate(&m), 0);
	knd_meter_tick(&m, T0 + 20 * SEC, 20);
	KUNIT_EXPECT_EQ(test, knd_meter_rate(&m), 0);
	knd_meter_tick(&m, T0 + 30 * SEC, 21);
	KUNIT_EXPECT_EQ(test, knd_meter_rate(&m), 100);
}

static struct kunit_case pace_test_cases[] = {
	KUNIT_CASE(pace_unpaced),
	KUNIT_CASE(pace_first_is_due_at_once),
	KUNIT_CASE(pace_close_ones_leave_together),
	KUNIT_CASE(pace_does_not_drift),
	KUNIT_CASE_PARAM(pace_mean_and_windows, pace_gen_params),
	KUNIT_CASE(pace_on_a_coarse_timer),
	KUNIT_CASE(pace_skips_what_is_old),
	KUNIT_CASE(pace_skips_with_the_fraction),
	KUNIT_CASE(pace_counts_the_late),
	KUNIT_CASE(pace_remembers_the_latest),
	KUNIT_CASE(pace_catches_up),
	KUNIT_CASE(pace_changes),
	KUNIT_CASE(pace_rate),
	KUNIT_CASE(pace_of_a_rate),
	KUNIT_CASE(pace_meter),
	{}
};

static struct kunit_suite pace_test_suite = {
	.name = "knetdemo_pace",
	.test_cases = pace_test_cases,
};

kunit_test_suite(pace_test_suite);
