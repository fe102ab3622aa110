// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the latest records
 *
 * A writer brings a record with a number that no other record has. The number
 * says in which place the record belongs, and several writers may want the
 * same place: one was interrupted while it wrote, and in the meantime the
 * numbers went once round. None of them ever waits. The state of a place is
 * one word, the latest number that wanted it and one of
 *
 *   DONE	the record of that number is there
 *   BUSY	the owner of that number is writing it
 *   SPOILT	the owner of an older number is still writing; the record of
 *		the number in the state is lost
 *   DEAD	likewise, but the writing is over
 *
 * and the number in it only grows. So for each number up to the latest, a
 * reader finds that the record is there, or lost for good, or will be one of
 * the two as soon as its writer is through: nothing is counted twice and
 * nothing is missed.
 */

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "monitor_ring.h"

#define KND_SLOT_STATE	3

/**
 * knd_ring_alloc - make a ring
 * @size: records that it holds, at least 1
 *
 * Context: process, may sleep.
 * Return: the ring, or NULL where there is no memory.
 */
struct knd_ring *knd_ring_alloc(u32 size)
{
	u32 slots = roundup_pow_of_two(size);
	struct knd_ring *ring;

	ring = kvzalloc(struct_size(ring, slot, slots), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return NULL;
	ring->size = size;
	ring->mask = slots - 1;
	return ring;
}

/**
 * knd_ring_free - free a ring
 * @ring: ring that no one can reach any more, or NULL
 *
 * Context: process.
 */
void knd_ring_free(struct knd_ring *ring)
{
	kvfree(ring);
}

/**
 * knd_ring_put - put a record into its place
 * @ring: ring
 * @rec: record; &knd_record.seq is its own and above 0
 *
 * The record is lost where a newer one was faster or an older one is still
 * being written.
 *
 * Context: any. From drawing the number to the end of this, the caller must
 * not be preempted: readers wait for it.
 */
void knd_ring_put(struct knd_ring *ring, const struct knd_record *rec)
{
	struct knd_slot *slot = &ring->slot[rec->seq & ring->mask];
	s64 mine = knd_slot_state(rec->seq, KND_SLOT_BUSY);
	s64 state = atomic64_read(&slot->state);
	bool busy;

	do {
		unsigned int is = state & KND_SLOT_STATE;

		if ((u64)state >> 2 >= rec->seq)
			return;
		busy = is == KND_SLOT_BUSY || is == KND_SLOT_SPOILT;
		if (busy)
			mine = knd_slot_state(rec->seq, KND_SLOT_SPOILT);
		else
			mine = knd_slot_state(rec->seq, KND_SLOT_BUSY);
		/* Orders the state before the record; see knd_ring_get() */
	} while (!atomic64_try_cmpxchg(&slot->state, &state, mine));
	if (busy)
		return;

	slot->rec = *rec;

	state = mine;
	if (atomic64_try_cmpxchg_release(&slot->state, &state,
					 knd_slot_state(rec->seq,
							KND_SLOT_DONE)))
		return;
	/* Others came by and left their numbers */
	while (!atomic64_try_cmpxchg_release(&slot->state, &state,
					     state | KND_SLOT_DEAD))
		;
}

/**
 * knd_ring_get - copy a record out
 * @ring: ring
 * @seq: number of the record, drawn before
 * @rec: where it goes; undefined on error
 *
 * Context: any.
 * Return: 0; -ENOENT where the record is lost; -EAGAIN where it is still being
 * written.
 */
int knd_ring_get(struct knd_ring *ring, u64 seq, struct knd_record *rec)
{
	struct knd_slot *slot = &ring->slot[seq & ring->mask];
	/* Pairs with the release that makes the record DONE */
	u64 state = atomic64_read_acquire(&slot->state);

	if (state >> 2 < seq)
		return seq <= ring->base ? -ENOENT : -EAGAIN;
	if (state == knd_slot_state(seq, KND_SLOT_BUSY))
		return -EAGAIN;
	if (state != knd_slot_state(seq, KND_SLOT_DONE))
		return -ENOENT;

	/* A writer that comes now changes the state first */
	data_race(*rec = slot->rec);
	/* Pairs with the cmpxchg that makes the record BUSY */
	smp_rmb();
	return (u64)atomic64_read(&slot->state) == state ? 0 : -ENOENT;
}

/**
 * knd_ring_copy - take the records of a ring over into another one
 * @to: ring that is in use already, but for readers
 * @from: ring that nothing is put into any more
 * @last: number not below that of any record in @from; the writers of all
 *	numbers up to it are through
 *
 * Context: process, may sleep.
 */
void knd_ring_copy(struct knd_ring *to, struct knd_ring *from, u64 last)
{
	struct knd_record rec;
	u64 seq;

	seq = last - min3(last, (u64)to->size, (u64)from->size);
	while (++seq <= last) {
		if (!knd_ring_get(from, seq, &rec)) {
			preempt_disable();
			knd_ring_put(to, &rec);
			preempt_enable();
		}
		cond_resched();
	}
	to->base = last;
}
