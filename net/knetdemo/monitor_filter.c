// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: which connection attempts
 * are recorded
 *
 * Pure functions: one makes a filter from text and another filter, one finds
 * the rule that matches a packet.
 */

#include <linux/errno.h>
#include <linux/inet.h>
#include <linux/kernel.h>
#include <linux/socket.h>
#include <linux/string.h>
#include <net/ipv6.h>

#include "monitor_filter.h"
#include "monitor_parse.h"
#include "text.h"

static int knd_filter_prefix(char *text, struct knd_rule *rule, bool *ipv4)
{
	char *slash = strchr(text, '/');
	const char *end;
	u32 max, plen;
	int i;

	if (slash)
		*slash++ = '\0';
	if (in4_pton(text, -1, (u8 *)&rule->addr.ip, -1, &end) && !*end) {
		*ipv4 = true;
		max = 32;
	} else if (in6_pton(text, -1, (u8 *)&rule->addr.in6, -1, &end) &&
		   !*end) {
		*ipv4 = false;
		max = 128;
	} else {
		return -EINVAL;
	}

	plen = max;
	if (slash && knd_text_number(slash, 10, 0, max, &plen))
		return -EINVAL;
	rule->plen = plen;
	for (i = 0; i < 4 && plen; i++) {
		unsigned int bits = min(plen, 32);

		rule->mask.ip6[i] = htonl(~0U << (32 - bits));
		plen -= bits;
	}
	for (i = 0; i < 4; i++)
		if (rule->addr.all[i] & ~rule->mask.all[i])
			return -EINVAL;

	/* Packets to such an address are IPv4 packets: it would never match */
	if (!*ipv4 && rule->plen >= 96 && ipv6_addr_v4mapped(&rule->addr.in6))
		return -EINVAL;
	return 0;
}

static int knd_filter_ports(char *text, struct knd_rule *rule)
{
	u32 min = 0, max = U16_MAX;
	char *dash;

	if (text) {
		dash = strchr(text, '-');
		if (dash)
			*dash++ = '\0';
		if (knd_text_number(text, 10, 0, U16_MAX, &min) ||
		    knd_text_number(dash ?: text, 10, min, U16_MAX, &max))
			return -EINVAL;
	}
	rule->port_min = min;
	rule->port_max = max;
	return 0;
}

/* Returns the index of the rule, or -1 */
static int knd_filter_find(const struct knd_filter *filter,
			   const struct knd_rule *rule, bool ipv4)
{
	int i = ipv4 ? 0 : filter->n4;
	int end = ipv4 ? filter->n4 : filter->n;

	for (; i < end; i++) {
		const struct knd_rule *r = &filter->rule[i];

		if (r->plen == rule->plen && r->port_min == rule->port_min &&
		    r->port_max == rule->port_max &&
		    nf_inet_addr_cmp(&r->addr, &rule->addr))
			return i;
	}
	return -1;
}

static int knd_filter_add(struct knd_filter *filter,
			  const struct knd_rule *rule, bool ipv4)
{
	int i = ipv4 ? filter->n4 : filter->n;

	if (knd_filter_find(filter, rule, ipv4) >= 0)
		return -EEXIST;
	if (filter->n == KND_FILTER_MAX)
		return -ENOSPC;

	memmove(&filter->rule[i + 1], &filter->rule[i],
		(filter->n - i) * sizeof(*rule));
	filter->rule[i] = *rule;
	filter->rule[i].id = ++filter->ids;
	filter->rule[i].old_idx = -1;
	filter->n++;
	filter->n4 += ipv4;
	return 0;
}

static int knd_filter_del(struct knd_filter *filter,
			  const struct knd_rule *rule, bool ipv4)
{
	int i = knd_filter_find(filter, rule, ipv4);

	if (i < 0)
		return -ENOENT;

	filter->n--;
	filter->n4 -= ipv4;
	memmove(&filter->rule[i], &filter->rule[i + 1],
		(filter->n - i) * sizeof(*rule));
	return 0;
}

static int knd_filter_line(struct knd_filter *filter, char *line)
{
	int (*verb)(struct knd_filter *filter, const struct knd_rule *rule,
		    bool ipv4);
	char *word = knd_text_word(&line);
	char *prefix = knd_text_word(&line);
	char *ports = knd_text_word(&line);
	struct knd_rule rule = {};
	bool ipv4;

	if (!word)
		return 0;
	if (!strcmp(word, "flush") && !prefix) {
		filter->n4 = 0;
		filter->n = 0;
		return 0;
	}

	if (!strcmp(word, "add"))
		verb = knd_filter_add;
	else if (!strcmp(word, "del"))
		verb = knd_filter_del;
	else
		return -EINVAL;
	if (!prefix || knd_text_word(&line) ||
	    knd_filter_prefix(prefix, &rule, &ipv4) ||
	    knd_filter_ports(ports, &rule))
		return -EINVAL;
	return verb(filter, &rule, ipv4);
}

/**
 * knd_filter_edit - make a filter from another one
 * @filter: the new filter, zeroed; its hits stay zero
 * @old: filter to begin with, or NULL to begin without rules
 * @text: lines "add PREFIX [PORT[-PORT]]", "del PREFIX [PORT[-PORT]]" and
 *	"flush"; blank lines are skipped. Overwritten.
 *
 * Context: any.
 * Return: 0; -EINVAL for a line of another form, a prefix with host bits or an
 * IPv4-mapped one; -EEXIST for a rule that is there, -ENOENT for one that is
 * not; -ENOSPC for more than KND_FILTER_MAX rules. On error @filter is
 * undefined.
 */
int knd_filter_edit(struct knd_filter *filter, const struct knd_filter *old,
		    char *text)
{
	char *line;
	int err, i;

	if (old) {
		filter->ids = old->ids;
		filter->n4 = old->n4;
		filter->n = old->n;
		memcpy(filter->rule, old->rule, sizeof(filter->rule));
		for (i = 0; i < filter->n; i++)
			filter->rule[i].old_idx = i;
	}
	while ((line = strsep(&text, "\n"))) {
		err = knd_filter_line(filter, line);
		if (err)
			return err;
	}
	return 0;
}

/**
 * knd_filter_match - find the first rule that matches
 * @filter: filter
 * @flow: flow
 *
 * Context: any.
 * Return: index of the rule, or -ENOENT.
 */
int knd_filter_match(const struct knd_filter *filter,
		     const struct knd_flow *flow)
{
	bool ipv4 = flow->family == AF_INET;
	int end = ipv4 ? filter->n4 : filter->n;
	u16 port = ntohs(flow->dport);
	int i;

	for (i = ipv4 ? 0 : filter->n4; i < end; i++) {
		const struct knd_rule *r = &filter->rule[i];

		if (port < r->port_min || port > r->port_max)
			continue;
		if (ipv4 ? !((flow->daddr.ip ^ r->addr.ip) & r->mask.ip) :
			   !ipv6_masked_addr_cmp(&flow->daddr.in6,
						 &r->mask.in6, &r->addr.in6))
			return i;
	}
	return -ENOENT;
}
