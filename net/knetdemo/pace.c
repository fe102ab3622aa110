// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: a schedule to send by
 *
 * Pure: times and numbers in, times and numbers out. Datagram k of a run is
 * due at its start plus k intervals, whenever the ones before it left, so that
 * the mean rate does not drift. Two limits hold what is behind schedule: no
 * more than one and a half times the rate while catching up, and nothing is
 * caught up that is more than a second old.
 */

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "pace.h"

/* Between two datagrams of a sender that is catching up */
static u64 knd_pace_spacing(const struct knd_pace *p)
{
	return p->interval - div_u64(p->interval, 3);
}

/**
 * knd_pace_interval - turn a rate into an interval
 * @rate: datagrams a second, 1 to NSEC_PER_SEC
 * @interval: where the whole nanoseconds of the interval go
 * @frac: where the rest goes, in 2^-32 ns
 */
void knd_pace_interval(u32 rate, u64 *interval, u32 *frac)
{
	u32 rest;

	*interval = div_u64_rem(NSEC_PER_SEC, rate, &rest);
	*frac = div_u64((u64)rest << 32, rate);
}

/* Move @next on by the time of @n datagrams */
static void knd_pace_advance(struct knd_pace *p, u64 n)
{
	u64 frac = p->next_frac + n * p->frac;

	p->next += n * p->interval + (frac >> 32);
	p->next_frac = frac;
}

/**
 * knd_pace_start - begin a schedule
 * @p: the schedule
 * @now: the time, at which the first datagram is due
 * @interval: between two datagrams in ns; 0 is flat out
 * @frac: what the interval has beyond that, in 2^-32 ns
 * @tick: resolution of the sender's timer in ns. Where that is coarser than
 *	KND_PACE_BURST_NS, what is due between two ticks leaves at once.
 */
void knd_pace_start(struct knd_pace *p, u64 now, u64 interval, u32 frac,
		    u64 tick)
{
	*p = (struct knd_pace) {
		.interval = interval,
		.frac = frac,
		.next = now,
		.cap = now,
		.burst = max_t(u64, KND_PACE_BURST_NS, tick),
	};
}

/**
 * knd_pace_change - go on with another interval
 * @p: the schedule
 * @now: the time
 * @interval: between two datagrams in ns; 0 is flat out
 * @frac: what the interval has beyond that, in 2^-32 ns
 *
 * The next datagram is due one new interval after the previous one was, or at
 * once if that has passed. What was behind is forgotten; the figures stay.
 */
void knd_pace_change(struct knd_pace *p, u64 now, u64 interval, u32 frac)
{
	u64 previous = p->next - min(p->interval, p->next);

	p->interval = interval;
	p->frac = frac;
	p->next = max(previous + interval, now);
	p->next_frac = 0;
	p->cap = now;
}

/**
 * knd_pace_due - tell how much may be sent
 * @p: the schedule
 * @now: the time
 *
 * Return: number of datagrams; U64_MAX where the schedule is flat out.
 */
u64 knd_pace_due(struct knd_pace *p, u64 now)
{
	u64 behind, cap, skip;

	if (!p->interval)
		return U64_MAX;
	if (now < p->next)
		return 0;

	behind = now - p->next;
	if (behind > KND_PACE_DEBT_NS) {
		skip = div64_u64(behind - KND_PACE_DEBT_NS, p->interval);
		p->skipped += skip;
		knd_pace_advance(p, skip);
		behind = now - min(p->next, now);
	}

	cap = max(p->cap, now);
	if (cap - now > p->burst)
		return 0;
	return min(div64_u64(behind, p->interval),
		   div64_u64(now + p->burst - cap,
			     knd_pace_spacing(p))) + 1;
}

/**
 * knd_pace_sent - note what was sent
 * @p: the schedule
 * @now: the time, as it was given to knd_pace_due()
 * @n: number of datagrams; may be more than were due, which delays the next
 */
void knd_pace_sent(struct knd_pace *p, u64 now, u64 n)
{
	u64 lateness;

	if (!p->interval || !n)
		return;

	lateness = now - min(p->next, now);
	p->late_max = max(p->late_max, lateness);
	if (lateness > KND_PACE_LATE_NS)
		p->late += min(n, div64_u64(lateness - KND_PACE_LATE_NS - 1,
					    p->interval) + 1);

	knd_pace_advance(p, n);
	p->cap = max(p->cap, now) + n * knd_pace_spacing(p);
}

/**
 * knd_pace_wake - tell when to look again
 * @p: the schedule
 * @now: the time
 *
 * Return: the time at which the next datagram may be sent; @now where it may
 * be sent already.
 */
u64 knd_pace_wake(const struct knd_pace *p, u64 now)
{
	u64 wake;

	if (!p->interval)
		return now;
	wake = max(p->next, p->cap - min(p->cap, p->burst));
	if (wake <= now)
		return now;
	return max(wake, now + KND_PACE_GRAIN_NS);
}

/**
 * knd_pace_rate - divide a number by a time
 * @n: the number
 * @ns: the time in ns
 *
 * Return: thousandths a second, rounded to the nearest, off by no more than one
 * part in four million where @n is large; 0 for no time.
 */
u64 knd_pace_rate(u64 n, u64 ns)
{
	/* NSEC_PER_SEC is a long, which the product does not fit on 32 bits */
	const u64 unit = 1000ULL * NSEC_PER_SEC;

	/* Large numbers lose what is below the 24th bit or so */
	while (n > (U64_MAX - ns / 2) / unit) {
		n >>= 1;
		ns >>= 1;
	}
	if (!ns)
		return 0;
	return div64_u64(n * unit + ns / 2, ns);
}

/**
 * knd_meter_tick - note that sending begins
 * @m: the meter; all zero is a meter that was reset
 * @now: the time
 * @n: number of datagrams that were sent before
 */
void knd_meter_tick(struct knd_meter *m, u64 now, u64 n)
{
	if (!m->running) {
		m->running = true;
		m->begin_ns = now;
		m->begin_n = n;
	}
	m->last_ns = now;
	m->last_n = n;
}

/**
 * knd_meter_rate - tell the rate since the meter was reset
 * @m: the meter
 *
 * Return: thousandths a second; 0 until sending has begun twice.
 */
u64 knd_meter_rate(const struct knd_meter *m)
{
	return knd_pace_rate(m->last_n - m->begin_n, m->last_ns - m->begin_ns);
}
