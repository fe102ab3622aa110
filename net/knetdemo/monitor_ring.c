// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: the latest records
 *
 * Each record has a sequence number, which its writer reserved, and which says
 * into which slot it belongs. Several writers can need the same slot at once:
 * one is interrupted while it writes, and meanwhile others reserve as many
 * numbers as there are slots. No writer ever waits. The state of a slot is one
 * word, with the latest number that needed the slot and one of
 *
 *   DONE	the slot has the record of that number
 *   BUSY	the writer of that number is writing it
 *   SPOILT	the writer of an older number is still writing; the record of
 *		the number in the state is lost
 *   DEAD	the same, after that writer is done
 *
 * The number in the state only grows. So for each reserved number a reader
 * finds that its record is there, or lost for ever, or will be one of the two
 * when its writer is done. No record is counted twice and none is missed.
 */

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "monitor_ring.h"

/* Mask of KND_SLOT_* in the state of a slot */
#define KND_SLOT_STATE	3

/**
 * knd_ring_alloc - allocate a ring
 * @size: how many records can be read, at least 1
 *
 * Context: process, may sleep.
 * Return: the ring, or NULL without memory.
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
 * @ring: ring that nobody reads or writes any more, or NULL
 *
 * Context: process.
 */
void knd_ring_free(struct knd_ring *ring)
{
	kvfree(ring);
}

/**
 * knd_ring_put - write a record into its slot
 * @ring: ring
 * @rec: record; nobody else has its &knd_record.seq, which is above 0
 *
 * The record is lost if a newer one was written into the slot before, or an
 * older one is still being written.
 *
 * Context: any, but with preemption disabled since before the number was
 * reserved: readers spin until this returns.
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
		/*
		 * A full barrier: the state is BUSY before the record changes.
		 * Pairs with smp_rmb() in knd_ring_get().
		 */
	} while (!atomic64_try_cmpxchg(&slot->state, &state, mine));
	if (busy)
		return;

	slot->rec = *rec;

	/*
	 * Release: the record is complete before the state is DONE. Pairs with
	 * atomic64_read_acquire() in knd_ring_get().
	 */
	state = mine;
	if (atomic64_try_cmpxchg_release(&slot->state, &state,
					 knd_slot_state(rec->seq,
							KND_SLOT_DONE)))
		return;
	/*
	 * Later writers needed the slot and left their numbers. Release: the
	 * record was written before the state is DEAD. Pairs with the cmpxchg
	 * above, by which the next writer sees that and overwrites the record.
	 */
	while (!atomic64_try_cmpxchg_release(&slot->state, &state,
					     state | KND_SLOT_DEAD))
		;
}

/**
 * knd_ring_get - copy a record from its slot
 * @ring: ring
 * @seq: sequence number of the record, reserved before
 * @rec: where the record goes; undefined on error
 *
 * Context: any.
 * Return: 0; -ENOENT where the record is lost; -EAGAIN where its writer is not
 * done.
 */
int knd_ring_get(struct knd_ring *ring, u64 seq, struct knd_record *rec)
{
	struct knd_slot *slot = &ring->slot[seq & ring->mask];
	/* Pairs with the release in knd_ring_put() that sets DONE */
	u64 state = atomic64_read_acquire(&slot->state);

	if (state >> 2 < seq)
		return seq <= ring->base ? -ENOENT : -EAGAIN;
	if (state == knd_slot_state(seq, KND_SLOT_BUSY))
		return -EAGAIN;
	if (state != knd_slot_state(seq, KND_SLOT_DONE))
		return -ENOENT;

	/* A writer that begins meanwhile changes the state first: check it */
	data_race(*rec = slot->rec);
	/* Pairs with the cmpxchg in knd_ring_put() that sets BUSY */
	smp_rmb();
	return (u64)atomic64_read(&slot->state) == state ? 0 : -ENOENT;
}

/**
 * knd_ring_copy - copy the latest records of a ring to another one
 * @to: ring that others write to already, but nobody reads
 * @from: ring that nobody writes to any more
 * @last: sequence number; all records in @from have it or a smaller one, and
 *	all writers up to it are done
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
