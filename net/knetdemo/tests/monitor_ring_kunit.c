// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of net/knetdemo/monitor_ring.c
 */

#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "../monitor_ring.h"

#define KND_TEST_WRITERS	3
#define KND_TEST_PUTS		20000

KUNIT_DEFINE_ACTION_WRAPPER(knd_test_ring_free, knd_ring_free,
			    struct knd_ring *);

static struct knd_ring *knd_test_ring(struct kunit *test, u32 size)
{
	struct knd_ring *ring = knd_ring_alloc(size);

	KUNIT_ASSERT_NOT_NULL(test, ring);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, knd_test_ring_free,
						  ring));
	return ring;
}

/* Make a record whose members all depend on its number */
static void knd_test_put(struct knd_ring *ring, u64 seq)
{
	struct knd_record rec;

	memset(&rec, (u8)seq, sizeof(rec));
	rec.seq = seq;
	rec.time = ~seq;
	knd_ring_put(ring, &rec);
}

static bool knd_test_whole(const struct knd_record *rec, u64 seq)
{
	struct knd_record want;

	memset(&want, (u8)seq, sizeof(want));
	want.seq = seq;
	want.time = ~seq;
	return !memcmp(&want, rec, sizeof(want));
}

static void knd_ring_latest(struct kunit *test)
{
	struct knd_ring *ring = knd_test_ring(test, 16);
	struct knd_record rec;
	u64 seq;

	KUNIT_EXPECT_EQ(test, -EAGAIN, knd_ring_get(ring, 1, &rec));
	for (seq = 1; seq <= 40; seq++)
		knd_test_put(ring, seq);
	for (seq = 1; seq <= 24; seq++)
		KUNIT_EXPECT_EQ(test, -ENOENT, knd_ring_get(ring, seq, &rec));
	for (; seq <= 40; seq++) {
		KUNIT_EXPECT_EQ(test, 0, knd_ring_get(ring, seq, &rec));
		KUNIT_EXPECT_TRUE(test, knd_test_whole(&rec, seq));
	}
	KUNIT_EXPECT_EQ(test, -EAGAIN, knd_ring_get(ring, seq, &rec));
}

/* A record that is too late for its slot is lost */
static void knd_ring_late(struct kunit *test)
{
	struct knd_ring *ring = knd_test_ring(test, 16);
	struct knd_record rec;

	knd_test_put(ring, 17);
	knd_test_put(ring, 1);
	KUNIT_EXPECT_EQ(test, -ENOENT, knd_ring_get(ring, 1, &rec));
	KUNIT_EXPECT_EQ(test, 0, knd_ring_get(ring, 17, &rec));
	KUNIT_EXPECT_TRUE(test, knd_test_whole(&rec, 17));
}

/* While a writer is interrupted nobody else writes to its slot, or waits */
static void knd_ring_busy(struct kunit *test)
{
	struct knd_ring *ring = knd_test_ring(test, 16);
	struct knd_slot *slot = &ring->slot[1];
	struct knd_record rec;

	atomic64_set(&slot->state, knd_slot_state(1, KND_SLOT_BUSY));
	KUNIT_EXPECT_EQ(test, -EAGAIN, knd_ring_get(ring, 1, &rec));
	memset(&slot->rec, 0x5a, sizeof(slot->rec));

	knd_test_put(ring, 17);
	KUNIT_EXPECT_EQ(test, atomic64_read(&slot->state),
			knd_slot_state(17, KND_SLOT_SPOILT));
	knd_test_put(ring, 33);
	KUNIT_EXPECT_EQ(test, atomic64_read(&slot->state),
			knd_slot_state(33, KND_SLOT_SPOILT));
	KUNIT_EXPECT_NULL(test, memchr_inv(&slot->rec, 0x5a,
					   sizeof(slot->rec)));
	KUNIT_EXPECT_EQ(test, -ENOENT, knd_ring_get(ring, 1, &rec));
	KUNIT_EXPECT_EQ(test, -ENOENT, knd_ring_get(ring, 17, &rec));
	KUNIT_EXPECT_EQ(test, -ENOENT, knd_ring_get(ring, 33, &rec));

	/* The writer continues */
	atomic64_set(&slot->state, knd_slot_state(33, KND_SLOT_DEAD));
	KUNIT_EXPECT_EQ(test, -ENOENT, knd_ring_get(ring, 33, &rec));
	knd_test_put(ring, 49);
	KUNIT_EXPECT_EQ(test, 0, knd_ring_get(ring, 49, &rec));
	KUNIT_EXPECT_TRUE(test, knd_test_whole(&rec, 49));
}

static void knd_ring_copied(struct kunit *test)
{
	struct knd_ring *from = knd_test_ring(test, 16);
	struct knd_ring *more = knd_test_ring(test, 100);
	struct knd_ring *less = knd_test_ring(test, 4);
	struct knd_record rec;
	u64 seq;

	for (seq = 1; seq <= 40; seq++)
		if (seq != 39)
			knd_test_put(from, seq);

	/* The slot had a record before */
	knd_test_put(less, 43);
	knd_ring_copy(more, from, 40);
	knd_ring_copy(less, from, 40);
	for (seq = 1; seq <= 40; seq++) {
		bool in_more = seq > 24 && seq != 39;
		bool in_less = seq == 37 || seq == 38 || seq == 40;

		KUNIT_EXPECT_EQ(test, in_more ? 0 : -ENOENT,
				knd_ring_get(more, seq, &rec));
		KUNIT_EXPECT_EQ(test, in_less ? 0 : -ENOENT,
				knd_ring_get(less, seq, &rec));
	}
	KUNIT_EXPECT_EQ(test, -EAGAIN, knd_ring_get(more, 41, &rec));
	KUNIT_EXPECT_EQ(test, -EAGAIN, knd_ring_get(less, 41, &rec));
	KUNIT_EXPECT_EQ(test, 0, knd_ring_get(less, 43, &rec));
}

struct knd_test_race {
	struct knd_ring *ring;
	atomic64_t last;
	atomic_t writers;
	struct completion done;
};

static int knd_test_writer(void *data)
{
	struct knd_test_race *race = data;
	int i;

	for (i = 0; i < KND_TEST_PUTS; i++) {
		preempt_disable();
		knd_test_put(race->ring, atomic64_inc_return(&race->last));
		preempt_enable();
		cond_resched();
	}
	if (atomic_dec_and_test(&race->writers))
		kthread_complete_and_exit(&race->done, 0);
	return 0;
}

/* Writers of one slot: no record that is read is torn */
static void knd_ring_raced(struct kunit *test)
{
	struct knd_test_race *race;
	unsigned int torn = 0, found = 0;
	struct task_struct *task;
	struct knd_record rec;
	u64 seq;
	int i;

	race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, race);
	race->ring = knd_test_ring(test, 1);
	init_completion(&race->done);
	atomic_set(&race->writers, KND_TEST_WRITERS);
	for (i = 0; i < KND_TEST_WRITERS; i++) {
		task = kthread_run(knd_test_writer, race, "knd-test/%d", i);
		if (IS_ERR(task) && atomic_dec_and_test(&race->writers))
			complete(&race->done);
	}
	while (!try_wait_for_completion(&race->done)) {
		seq = atomic64_read(&race->last);
		if (seq && !knd_ring_get(race->ring, seq, &rec)) {
			found++;
			torn += !knd_test_whole(&rec, seq);
		}
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, torn, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&race->last),
			KND_TEST_WRITERS * KND_TEST_PUTS);
	/* All writers are done, so nothing is -EAGAIN */
	for (seq = 1; seq <= atomic64_read(&race->last); seq++)
		KUNIT_ASSERT_NE(test, -EAGAIN,
				knd_ring_get(race->ring, seq, &rec));
	kunit_info(test, "%u read meanwhile", found);
}

static struct kunit_case knd_ring_test_cases[] = {
	KUNIT_CASE(knd_ring_latest),
	KUNIT_CASE(knd_ring_late),
	KUNIT_CASE(knd_ring_busy),
	KUNIT_CASE(knd_ring_copied),
	KUNIT_CASE(knd_ring_raced),
	{}
};

static struct kunit_suite knd_ring_test_suite = {
	.name = "knetdemo_ring",
	.test_cases = knd_ring_test_cases,
};

kunit_test_suite(knd_ring_test_suite);
