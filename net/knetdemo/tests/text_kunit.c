// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests of net/knetdemo/text.c
 */

#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "../text.h"

/* What is written, and the value in it; NULL where it is refused */
struct knd_value_case {
	const char *from;
	const char *value;
};

static const struct knd_value_case knd_value_cases[] = {
	{ "17", "17" }, { "17\n", "17" }, { " \t17 \t", "17" },
	{ " 17 \n", "17" }, { "17\n ", "17" }, { "17 \n\t", "17" },
	{ "a  word\n", "a  word" }, { "", "" }, { "\n", "" },
	{ " ", "" }, { " \n ", "" }, { "1234567", "1234567" },
	{ " 1234567 \n", "1234567" }, { "12345678", NULL },
	{ "17\n\n", NULL }, { "\n17", NULL }, { "1\n2", NULL },
	{ "17\n \n", NULL }, { "\n\n", NULL }, { "17\r\n", "17\r" },
};

static void knd_test_value(struct kunit *test)
{
	char text[8];
	int err, i;

	for (i = 0; i < ARRAY_SIZE(knd_value_cases); i++) {
		const struct knd_value_case *c = &knd_value_cases[i];
		/* As long as the text, so that KASAN sees an overrun */
		char *from = kunit_kzalloc(test, max_t(size_t,
							 strlen(c->from), 1),
					   GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, from);
		memcpy(from, c->from, strlen(c->from));
		err = knd_text_value(from, strlen(c->from), text,
				     sizeof(text));
		KUNIT_EXPECT_EQ_MSG(test, err, c->value ? 0 : -EINVAL, "'%s'",
				    c->from);
		if (!err && c->value)
			KUNIT_EXPECT_STREQ(test, text, c->value);
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, knd_text_value("1\0", 2, text, 8));
	KUNIT_EXPECT_EQ(test, -EINVAL, knd_text_value("\0", 1, text, 8));
	KUNIT_EXPECT_EQ(test, -EINVAL, knd_text_value("1\0\n2", 4, text, 8));
}

static void knd_test_words(struct kunit *test)
{
	static const struct {
		const char *text;
		const char *words[4];
	} cases[] = {
		{ "", { } }, { " \t \r", { } }, { "kill", { "kill" } },
		{ "  kill\tall \r", { "kill", "all" } },
		{ "a b c", { "a", "b", "c" } }, { "a  b\r", { "a", "b" } },
	};
	char buf[32], *text;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		strscpy(buf, cases[i].text);
		text = buf;
		for (j = 0; j < ARRAY_SIZE(cases[i].words); j++) {
			const char *word = knd_text_word(&text);

			if (!cases[i].words[j]) {
				KUNIT_EXPECT_NULL(test, word);
				continue;
			}
			KUNIT_ASSERT_NOT_NULL(test, word);
			KUNIT_EXPECT_STREQ(test, word, cases[i].words[j]);
		}
	}
}

static void knd_test_number(struct kunit *test)
{
	static const struct {
		const char *text;
		unsigned int base;
		u32 min;
		u32 max;
		int err;
		u32 value;
	} cases[] = {
		{ "0", 10, 0, 9, 0, 0 }, { "9", 10, 0, 9, 0, 9 },
		{ "10", 10, 0, 9, -EINVAL }, { "1", 10, 2, 9, -EINVAL },
		{ "2", 10, 2, 9, 0, 2 }, { "007", 10, 0, 9, 0, 7 },
		{ "4294967295", 10, 0, U32_MAX, 0, U32_MAX },
		{ "4294967296", 10, 0, U32_MAX, -EINVAL },
		{ "99999999999999999999", 10, 0, U32_MAX, -EINVAL },
		{ "0x1f", 0, 0, 99, 0, 31 }, { "010", 0, 0, 99, 0, 8 },
		{ "0x1f", 10, 0, 99, -EINVAL }, { "0x", 0, 0, 99, -EINVAL },
		{ "08", 0, 0, 99, -EINVAL },
		{ "", 10, 0, 9, -EINVAL }, { "+1", 10, 0, 9, -EINVAL },
		{ "-1", 10, 0, U32_MAX, -EINVAL }, { " 1", 10, 0, 9, -EINVAL },
		{ "1 ", 10, 0, 9, -EINVAL }, { "1\n", 10, 0, 9, -EINVAL },
		{ "1x", 10, 0, 9, -EINVAL }, { "x", 10, 0, 9, -EINVAL },
	};
	u32 value;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		value = 4711;
		KUNIT_EXPECT_EQ_MSG(test, cases[i].err,
				    knd_text_number(cases[i].text,
						    cases[i].base,
						    cases[i].min, cases[i].max,
						    &value),
				    "'%s'", cases[i].text);
		if (cases[i].err)
			KUNIT_EXPECT_EQ(test, value, 4711);
		else
			KUNIT_EXPECT_EQ(test, value, cases[i].value);
	}
}

static struct kunit_case knd_text_cases[] = {
	KUNIT_CASE(knd_test_value),
	KUNIT_CASE(knd_test_words),
	KUNIT_CASE(knd_test_number),
	{}
};

static struct kunit_suite knd_text_suite = {
	.name = "knetdemo_text",
	.test_cases = knd_text_cases,
};

kunit_test_suite(knd_text_suite);
