/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: a schedule to send by
 */

#ifndef _NET_KNETDEMO_PACE_H
#define _NET_KNETDEMO_PACE_H

#include <linux/time64.h>
#include <linux/types.h>

/* A datagram that is sent more than this after its time counts as late */
#define KND_PACE_LATE_NS	(1 * NSEC_PER_MSEC)
/* Datagrams that are more than this behind the schedule are skipped */
#define KND_PACE_DEBT_NS	(1 * NSEC_PER_SEC)
/*
 * A sender that is behind sends at one and a half times the rate, and may be
 * this far ahead of that by a burst. In any 10 ms it then sends less than twice
 * the rate: one and a half times 13 ms is 19.5 ms of datagrams.
 */
#define KND_PACE_BURST_NS	(3 * NSEC_PER_MSEC)
/* Datagrams that are closer than this are sent together, without a sleep */
#define KND_PACE_GRAIN_NS	(20 * NSEC_PER_USEC)

/**
 * struct knd_pace - an absolute schedule of datagrams
 * @interval: between two datagrams; 0 is unpaced
 * @frac: fraction of the interval, in 2^-32 ns
 * @next: when the next datagram is due
 * @next_frac: fraction of @next, in 2^-32 ns
 * @cap: when a sender at one and a half times the rate would have sent what was
 *	sent so far; limits the rate of a sender that is behind
 * @burst: how far ahead of the time @cap may be before a send
 * @late: datagrams that were sent more than KND_PACE_LATE_NS after their time
 * @late_max: the longest time by which a datagram was late
 * @skipped: datagrams that were skipped
 *
 * All times are in nanoseconds of one monotonic clock.
 */
struct knd_pace {
	u64 interval;
	u64 next;
	u32 frac;
	u32 next_frac;
	u64 cap;
	u64 burst;
	u64 late;
	u64 late_max;
	u64 skipped;
};

/**
 * struct knd_meter - measures a rate since it was reset
 * @running: a first send was recorded
 * @begin_ns: when the first send began
 * @begin_n: datagrams sent before it
 * @last_ns: when the latest send began
 * @last_n: datagrams sent before that
 */
struct knd_meter {
	bool running;
	u64 begin_ns;
	u64 begin_n;
	u64 last_ns;
	u64 last_n;
};

void knd_meter_tick(struct knd_meter *m, u64 now, u64 n);
u64 knd_meter_rate(const struct knd_meter *m);

void knd_pace_interval(u32 rate, u64 *interval, u32 *frac);
void knd_pace_start(struct knd_pace *p, u64 now, u64 interval, u32 frac,
		    u64 tick);
void knd_pace_change(struct knd_pace *p, u64 now, u64 interval, u32 frac);
u64 knd_pace_due(struct knd_pace *p, u64 now);
void knd_pace_sent(struct knd_pace *p, u64 now, u64 n);
u64 knd_pace_wake(const struct knd_pace *p, u64 now);
u64 knd_pace_rate(u64 n, u64 ns);

#endif /* _NET_KNETDEMO_PACE_H */
