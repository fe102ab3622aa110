// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel networking demonstration and test services: /proc/sys/net/knetdemo
 *
 * Every file goes through knd_sysctl(): a written value is decoded into a
 * copy, checked, stored, and the role that it belongs to is asked to follow.
 * If the role cannot, the old value comes back and the writer has the error.
 */

#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include <net/net_namespace.h>

#include "knetdemo.h"

/**
 * struct knd_knob - one file
 * @name: of the file
 * @offset: of its member in &struct knd_config
 * @size: of that member
 * @decode: reads and writes the member, given in a scratch ctl_table
 * @min: smallest number
 * @max: largest number
 * @check: refuses text that cannot be meant, called with &knd_net.lock held;
 *	NULL where all text is good
 * @apply: makes the role follow a changed value, called with &knd_net.lock
 *	held; on error what runs goes on as it was. NULL where the role reads
 *	the member each time that it needs it.
 */
struct knd_knob {
	const char *name;
	size_t offset;
	size_t size;
	proc_handler *decode;
	int min;
	int max;
	int (*check)(struct knd_net *kn, const char *text);
	int (*apply)(struct knd_net *kn);
};

/* What tcp_service takes, by enum knd_service */
const char * const knd_service_names[] = {
	[KND_SERVICE_ACCEPT]	= "accept",
	[KND_SERVICE_DISCARD]	= "discard",
	[KND_SERVICE_ECHO]	= "echo",
	[KND_SERVICE_CHARGEN]	= "chargen",
};

/*
 * A line of text. What does not fit is refused, not cut; what is stored has no
 * white space around it and zeros behind it.
 */
static int knd_sysctl_text(const struct ctl_table *table, int write,
			   void *buffer, size_t *lenp, loff_t *ppos)
{
	char line[KND_TEXT_LEN];
	int err;

	if (write && *ppos + strcspn(buffer, "\n") >= table->maxlen)
		return -EINVAL;
	err = proc_dostring(table, write, buffer, lenp, ppos);
	if (err || !write)
		return err;
	strscpy(line, table->data);
	strscpy_pad(table->data, strim(line), table->maxlen);
	return 0;
}

/* A service is stored as a number and shown by its name */
static int knd_sysctl_service(const struct ctl_table *table, int write,
			      void *buffer, size_t *lenp, loff_t *ppos)
{
	char name[16];
	struct ctl_table text = { .data = name, .maxlen = sizeof(name) };
	int *service = table->data;
	int err, i;

	strscpy(name, knd_service_names[*service]);
	err = knd_sysctl_text(&text, write, buffer, lenp, ppos);
	if (err || !write)
		return err;
	i = match_string(knd_service_names, KND_SERVICE_MAX + 1, name);
	if (i < 0)
		return i;
	*service = i;
	return 0;
}

static int knd_check_addr(struct knd_net *kn, const char *text)
{
	struct sockaddr_storage addr;

	return knd_addr_parse(kn->net, text, 0, &addr);
}

/* Nothing stands for "the stack chooses" */
static int knd_check_addr_or_none(struct knd_net *kn, const char *text)
{
	return *text ? knd_check_addr(kn, text) : 0;
}

#define KND_NUMBER(_name, _min, _max, _apply) {				\
	.name	= #_name,						\
	.offset	= offsetof(struct knd_config, _name),			\
	.size	= sizeof_field(struct knd_config, _name),		\
	.decode	= proc_dointvec_minmax,					\
	.min	= _min,							\
	.max	= _max,							\
	.apply	= _apply,						\
}

#define KND_STRING(_name, _check, _apply) {				\
	.name	= #_name,						\
	.offset	= offsetof(struct knd_config, _name),			\
	.size	= sizeof_field(struct knd_config, _name),		\
	.decode	= knd_sysctl_text,					\
	.check	= _check,						\
	.apply	= _apply,						\
}

static const struct knd_knob knd_knobs[] = {
	KND_NUMBER(monitor, 0, 1, knd_monitor_apply),
	KND_NUMBER(monitor_log, 0, 1, NULL),
	KND_NUMBER(monitor_ring, 16, 65536, knd_monitor_apply),
	KND_NUMBER(tcp, 0, 1, knd_tcp_apply),
	KND_STRING(tcp_addr, knd_check_addr, knd_tcp_apply),
	KND_NUMBER(tcp_port, 1, 65535, knd_tcp_apply),
	{
		.name	= "tcp_service",
		.offset	= offsetof(struct knd_config, tcp_service),
		.size	= sizeof_field(struct knd_config, tcp_service),
		.decode	= knd_sysctl_service,
		.apply	= knd_tcp_apply,
	},
	KND_NUMBER(tcp_backlog, 1, 65535, knd_tcp_apply),
	KND_NUMBER(tcp_max_conns, 1, 1048576, NULL),
	KND_NUMBER(tcp_max_conns_per_source, 0, 1048576, NULL),
	KND_NUMBER(tcp_idle_ms, 0, INT_MAX, knd_tcp_apply),
	KND_NUMBER(udp, 0, 1, knd_udp_apply),
	KND_STRING(udp_daddr, knd_check_addr, knd_udp_apply),
	KND_NUMBER(udp_dport, 1, 65535, knd_udp_apply),
	KND_STRING(udp_saddr, knd_check_addr_or_none, knd_udp_apply),
	KND_NUMBER(udp_sport, 0, 65535, knd_udp_apply),
	KND_STRING(udp_message, NULL, knd_udp_apply),
	KND_NUMBER(udp_size, 0, 65507, knd_udp_apply),
	KND_NUMBER(udp_count, 0, INT_MAX, knd_udp_apply),
	KND_NUMBER(udp_interval_us, 0, INT_MAX, knd_udp_apply),
	KND_NUMBER(udp_gso, 1, 128, knd_udp_apply),
	KND_NUMBER(udp_stamp, 0, 1, knd_udp_apply),
	KND_NUMBER(ftp_timeout_ms, 100, 600000, NULL),
};

static const struct knd_config knd_config_defaults = {
	.monitor_log		= 1,
	.monitor_ring		= 256,
	.tcp_addr		= "127.0.0.1",
	.tcp_port		= 60000,
	.tcp_backlog		= 128,
	.tcp_max_conns		= 1024,
	.tcp_idle_ms		= 60000,
	.udp_daddr		= "127.0.0.1",
	.udp_dport		= 60001,
	.udp_message		= "kernelsocket",
	.udp_count		= 1,
	.udp_interval_us	= 1000000,
	.udp_gso		= 1,
	.ftp_timeout_ms		= 30000,
};

/* Readers of numbers take no lock */
static void knd_knob_store(const struct knd_knob *knob, void *member,
			   const void *value)
{
	if (knob->size == sizeof(int))
		WRITE_ONCE(*(int *)member, *(const int *)value);
	else
		memcpy(member, value, knob->size);
}

static int knd_sysctl(const struct ctl_table *table, int write, void *buffer,
		      size_t *lenp, loff_t *ppos)
{
	const struct knd_knob *knob = table->extra1;
	struct knd_net *kn = table->extra2;
	struct ctl_table scratch = *table;
	char value[KND_TEXT_LEN] __aligned(sizeof(int));
	char old[KND_TEXT_LEN] __aligned(sizeof(int));
	int min = knob->min;
	int max = knob->max;
	int err;

	/* The mode of the file lets root write, whatever he may */
	if (write && !knd_may_configure(kn, NULL))
		return -EPERM;

	scratch.data = value;
	scratch.extra1 = &min;
	scratch.extra2 = &max;

	mutex_lock(&kn->lock);
	memcpy(old, table->data, knob->size);
	memcpy(value, old, knob->size);
	err = knob->decode(&scratch, write, buffer, lenp, ppos);
	if (err || !write || !memcmp(value, old, knob->size))
		goto unlock;
	if (knob->check)
		err = knob->check(kn, value);
	if (err)
		goto unlock;

	/* Stored first: a role's thread may write its result here (udp) */
	knd_knob_store(knob, table->data, value);
	if (knob->apply)
		err = knob->apply(kn);
	if (err)
		knd_knob_store(knob, table->data, old);
unlock:
	mutex_unlock(&kn->lock);
	return err;
}

/**
 * knd_sysctl_init - set the knobs to their defaults and show them
 * @kn: the component in a namespace that is being set up
 *
 * Where the namespace belongs to a user namespace that is not the initial
 * one, any user could have made it: the knobs can be read there, not written.
 *
 * Context: process.
 * Return: 0 or -ENOMEM.
 */
int __net_init knd_sysctl_init(struct knd_net *kn)
{
	umode_t mode = kn->net->user_ns == &init_user_ns ? 0644 : 0444;
	struct ctl_table *table;
	size_t i;

	kn->cfg = knd_config_defaults;

	table = kzalloc_objs(*table, ARRAY_SIZE(knd_knobs), GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(knd_knobs); i++) {
		table[i].procname = knd_knobs[i].name;
		table[i].data = (void *)&kn->cfg + knd_knobs[i].offset;
		table[i].maxlen = knd_knobs[i].size;
		table[i].mode = mode;
		table[i].proc_handler = knd_sysctl;
		table[i].extra1 = (void *)&knd_knobs[i];
		table[i].extra2 = kn;
	}
	kn->sysctl = register_net_sysctl_sz(kn->net, "net/knetdemo", table,
					    ARRAY_SIZE(knd_knobs));
	if (!kn->sysctl) {
		kfree(table);
		return -ENOMEM;
	}
	return 0;
}

/**
 * knd_sysctl_exit - remove the knobs
 * @kn: the component in a namespace
 *
 * Context: process, &knd_net.lock not held: waits for handlers, which take it.
 */
void __net_exit knd_sysctl_exit(struct knd_net *kn)
{
	const struct ctl_table *table = kn->sysctl->ctl_table_arg;

	unregister_net_sysctl_table(kn->sysctl);
	kfree(table);
}
