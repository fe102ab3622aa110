/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel networking demonstration and test services: a schedule to send by
 */

#ifndef _NET_KNETDEMO_PACE_H
#define _NET_KNETDEMO_PACE_H

#include <linux/time64.h>
#include <linux/types.h>

/* What leaves later than this after its time counts as late */
#define KND_PACE_LATE_NS	(1 * NSEC_PER_MSEC)
/* What is further behind than this is given up */
#define KND_PACE_DEBT_NS	(1 * NSEC_PER_SEC)
/*
 * As much as leaves at once when something has to be caught up. With one and a
 * half times the rate this keeps below twice the rate in any 10 ms.
 */
#define KND_PACE_BURST_NS	(3 * NSEC_PER_MSEC)
/* Two datagrams closer than this leave together rather than with a sleep */
#define KND_PACE_GRAIN_NS	(20 * NSEC_PER_USEC)

/**
 * struct knd_pace - an absolute schedule of datagrams
 * @interval: between two datagrams; 0 is flat out
 * @frac: what the interval has beyond @interval, in 2^-32 ns
 * @next: when the next datagram is due
 * @next_frac: the same for @next
 * @cap: until when what was sent lasts at the highest rate of catching up,
 *	which is one and a half times the rate of the schedule
 * @burst: how far @cap may be ahead when something is sent
 * @late: datagrams that left more than KND_PACE_LATE_NS after their time
 * @late_max: the longest that a datagram left after its time
 * @skipped: datagrams that were given up
 *
 * All times are in nanoseconds of one clock that never goes back.
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
 * struct knd_meter - measures what was sent since it was reset
 * @running: a first send was noted
 * @begin_ns: when it began
 * @begin_n: number of datagrams sent before it
 * @last_ns: when the latest send began
 * @last_n: number of datagrams sent before that
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
