// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: a schedule to send by
 *
 * Pure functions of times and numbers. Datagram k of a run is due k intervals
 * after the start, whenever the earlier ones were sent, so that the mean rate
 * does not drift. A sender that is behind catches up with at most one and a
 * half times the rate, and skips what is more than a second old.
 */

#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "pace.h"

/* The interval of a sender that catches up: two thirds of the schedule's */
static u64 knd_pace_spacing(const struct knd_pace *p)
{
	return p->interval - div_u64(p->interval, 3);
}

/**
 * knd_pace_interval - turn a rate into an interval
 * @rate: datagrams a second, 1 to NSEC_PER_SEC
 * @interval: result, whole nanoseconds
 * @frac: result, the fraction in 2^-32 ns
 */
void knd_pace_interval(u32 rate, u64 *interval, u32 *frac)
{
	u32 rest;

	*interval = div_u64_rem(NSEC_PER_SEC, rate, &rest);
	*frac = div_u64((u64)rest << 32, rate);
}

/*
 * Whole intervals in a time. If an interval takes seconds, its fraction makes
 * no difference: round it up.
 */
static u64 knd_pace_intervals(const struct knd_pace *p, u64 ns)
{
	if (p->interval > U32_MAX)
		return div64_u64(ns, p->interval + !!p->frac);
	return mul_u64_u64_div_u64(ns, 1ULL << 32,
				   p->interval << 32 | p->frac);
}

/* The next datagram is due @n intervals later */
static void knd_pace_advance(struct knd_pace *p, u64 n)
{
	u64 low = p->next_frac + (u64)lower_32_bits(n) * p->frac;

	p->next += n * p->interval + (u64)upper_32_bits(n) * p->frac +
		   (low >> 32);
	p->next_frac = low;
}

/**
 * knd_pace_start - begin a schedule
 * @p: the schedule
 * @now: the time, at which the first datagram is due
 * @interval: between two datagrams in ns; 0 is unpaced
 * @frac: fraction of the interval, in 2^-32 ns
 * @tick: resolution of the sender's timer in ns. If it is coarser than
 *	KND_PACE_BURST_NS, everything that is due between two ticks is sent at
 *	once.
 */
void knd_pace_start(struct knd_pace *p, u64 now, u64 interval, u32 frac,
		    u64 tick)
{
	*p = (struct knd_pace) {
		.interval = interval,
		.frac = frac,
		.next = now,
		.burst = max_t(u64, KND_PACE_BURST_NS, tick),
	};
}

/**
 * knd_pace_change - continue with another interval
 * @p: the schedule
 * @now: the time
 * @interval: between two datagrams in ns; 0 is unpaced
 * @frac: fraction of the interval, in 2^-32 ns
 *
 * The next datagram is due one new interval after the previous one was due, or
 * at once if that time has passed. Nothing has to be caught up. The numbers of
 * late and skipped datagrams stay.
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
 * knd_pace_due - get the number of datagrams that may be sent
 * @p: the schedule
 * @now: the time
 *
 * Skips what is too old.
 *
 * Return: number of datagrams; U64_MAX if the schedule is unpaced.
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
		skip = knd_pace_intervals(p, behind - KND_PACE_DEBT_NS);
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
 * knd_pace_sent - record what was sent
 * @p: the schedule
 * @now: the time that was passed to knd_pace_due()
 * @n: number of datagrams; more than were due delay the next one
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
 * knd_pace_wake - get the time of the next send
 * @p: the schedule
 * @now: the time
 *
 * Return: the time at which the next datagram may be sent, @now if that time
 * has come.
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
 * Return: thousandths per second, rounded to the nearest integer; 0 if @ns is
 * 0. If @n is large, the error is at most one part in four million.
 */
u64 knd_pace_rate(u64 n, u64 ns)
{
	/* NSEC_PER_SEC is a long: on 32 bits the product would overflow */
	const u64 unit = 1000ULL * NSEC_PER_SEC;

	/* Shift bits out of both until the product fits; about 24 remain */
	while (n > (U64_MAX - ns / 2) / unit) {
		n >>= 1;
		ns >>= 1;
	}
	if (!ns)
		return 0;
	return div64_u64(n * unit + ns / 2, ns);
}

/**
 * knd_meter_tick - record that a send begins
 * @m: the meter; all zeros is a meter that was reset
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
 * knd_meter_rate - get the rate since the meter was reset
 * @m: the meter
 *
 * Return: thousandths per second; 0 until two sends were recorded.
 */
u64 knd_meter_rate(const struct knd_meter *m)
{
	return knd_pace_rate(m->last_n - m->begin_n, m->last_ns - m->begin_ns);
}
